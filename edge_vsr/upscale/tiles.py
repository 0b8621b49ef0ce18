"""Tiles: the unit of work. Cutting a frame into net inputs and putting residuals back, without seams.

Lengths are in *blocks* of 2x2 luma pixels. A tile's core is what it yields; its halo is the context that
valid convolutions consume. Beyond the frame's edge the picture is mirrored, once for the whole frame, so a
tile computes the same integers wherever it is cut. At the right and bottom, tiles of the fixed shape slide
back inside the frame and yield only what the tiles before them have not (``keep``).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from edge_vsr.color import Plane, Planes
from edge_vsr.upscale.analyse.condition import Condition
from edge_vsr.upscale.backends.backend import Picture, Residual
from edge_vsr.upscale.scratch import scratch

CORE = (27, 40)  # rows, columns, at most: 480 tiles at 1080p; larger ones hold more that does not pay
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Tile:
    """Top left block of the core, and the first row and column of the core that are this tile's to yield."""

    top: int
    left: int
    keep_top: int
    keep_left: int


def blocks_of(width_px: int, height_px: int) -> tuple[int, int]:
    """(rows, columns) of 2x2 blocks that cover a picture."""
    return -(-height_px // 2), -(-width_px // 2)


def core_of(blocks: tuple[int, int], most: tuple[int, int] = CORE) -> tuple[int, int]:
    """The shape no larger than ``most`` that parts a picture most evenly: what slides back is computed twice."""
    rows, columns = (-(-side // -(-side // limit)) for side, limit in zip(blocks, most, strict=True))
    return rows, columns


def grid(blocks: tuple[int, int], core: tuple[int, int] = CORE) -> list[Tile]:
    """Tiles whose kept parts cover every block exactly once, row by row."""

    def stops(size: int, step: int) -> list[tuple[int, int]]:
        return [(min(at, max(0, size - step)), at - min(at, max(0, size - step))) for at in range(0, size, step)]

    return [
        Tile(top, left, keep_top, keep_left)
        for top, keep_top in stops(blocks[0], core[0])
        for left, keep_left in stops(blocks[1], core[1])
    ]


def pack(planes: tuple[Bytes, Bytes, Bytes], halo: int, core: tuple[int, int] = CORE) -> Bytes:
    """8-bit 4:2:0 planes to (6, rows + 2 halo, columns + 2 halo): four luma phases, U, V, mirrored at the edges.

    A picture smaller than one core is mirrored out to it.
    """
    rows, columns = blocks_of(planes[0].shape[1], planes[0].shape[0])
    tall, wide = max(rows, core[0]) + 2 * halo, max(columns, core[1]) + 2 * halo
    packed = np.empty((6, tall, wide), np.uint8)
    luma = _mirrored(planes[0], 2 * halo, 2 * tall, 2 * wide)
    for dy in (0, 1):
        cv2.split(luma[dy::2].reshape(tall, wide, 2), [packed[2 * dy], packed[2 * dy + 1]])
    for channel, plane in ((4, planes[1]), (5, planes[2])):
        packed[channel] = _mirrored(plane, halo, tall, wide)
    return packed


def _mirrored(plane: Bytes, before: int, tall: int, wide: int) -> Bytes:
    h, w = plane.shape
    out = cv2.copyMakeBorder(plane, before, tall - before - h, before, wide - before - w, cv2.BORDER_REFLECT_101)
    return np.asarray(out, np.uint8)


def gather(packed: Bytes, tiles: list[Tile], seen: Condition, halo: int, core: tuple[int, int] = CORE) -> Picture:
    """One batch of net inputs (N, 8, core + 2 halo), in this thread's scratch."""
    h, w = core[0] + 2 * halo, core[1] + 2 * halo
    batch = scratch("batch", (len(tiles), 8, h, w), np.uint8)
    for slot, tile in zip(batch, tiles, strict=True):
        slot[:6] = packed[:, tile.top : tile.top + h, tile.left : tile.left + w]
    batch[:, 6], batch[:, 7] = seen.noise, seen.coding
    return batch


@dataclass(frozen=True, slots=True)
class Scale:
    """How a residual becomes code values: ``unit * step * (r - zero)``, clipped to 0..peak.

    unit: 1 for 8-bit pictures, 4 for 10-bit ones.
    """

    step: float
    zero: int
    unit: int
    peak: int


def scatter(residual: Residual, at: tuple[int, int], base: Planes, scale: Scale, factor: int, chroma: bool) -> None:
    """Add a residual (6 * factor^2, rows, columns) to the base planes, in place, from block ``at`` (row, column) on.

    chroma: the base is 4:2:0, so its chroma takes the net's chroma too.
    """
    side = 2 * factor
    _add(base[0], residual[: side * side], side, at, scale)
    if chroma:
        first = side * side
        for plane in base[1:]:
            _add(plane, residual[first : first + factor * factor], factor, at, scale)
            first += factor * factor


def _add(plane: Plane, phases: Residual, side: int, at: tuple[int, int], scale: Scale) -> None:
    """Add ``side`` x ``side`` phases: one picture row in ``side`` at a time."""
    _, h, w = phases.shape
    gain = scale.step * scale.unit
    depth = cv2.CV_8U if plane.dtype == np.uint8 else cv2.CV_16U
    for dy in range(side):
        view = plane[at[0] * side + dy : (at[0] + h) * side : side, at[1] * side : (at[1] + w) * side]
        if not view.size:
            continue
        merged = scratch("merged", (h, w, side), phases.dtype)
        rows = cv2.merge(list(phases[dy * side : (dy + 1) * side]), merged).reshape(h, w * side)
        cv2.addWeighted(
            view, 1.0, rows[: view.shape[0], : view.shape[1]], gain, -gain * scale.zero, dst=view, dtype=depth
        )
        if scale.peak not in (0xFF, 0xFFFF):
            np.minimum(view, scale.peak, out=view)
