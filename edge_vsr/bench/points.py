"""A method as a point: what it costs, how good it is, and who is as good for less. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

BICUBIC = "bicubic"


@dataclass(frozen=True, slots=True)
class Point:
    """cpu_ms: for one frame, all threads. macs_per_px: multiply-adds per pixel of the source, where known."""

    name: str
    cpu_ms: float
    psnr_y_db: float
    ours: bool
    macs_per_px: float | None = None


def rival(peer: Point, points: Sequence[Point]) -> Point | None:
    """The cheapest of ours that is at least as good as a peer; None where none is."""
    good = [point for point in points if point.ours and point.psnr_y_db >= peer.psnr_y_db]
    return min(good, key=lambda point: point.cpu_ms, default=None)


def stairs(points: Sequence[Point]) -> list[Point]:
    """Ours by rising cost."""
    return sorted((point for point in points if point.ours), key=lambda point: point.cpu_ms)
