"""The contract of every source of frames."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from edge_vsr.frame import Frame, VideoFormat


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What a source says of itself before its first frame.

    video: the frames as they will be delivered (after rotation, deinterlacing and RGB conversion).
    frame_count: estimate for progress only, never trusted for correctness.
    """

    video: VideoFormat
    codec: str
    container: str
    frame_count: int | None
    duration_s: float | None
    is_still: bool
    notes: tuple[str, ...] = ()  # what the reader did to the picture, one plain sentence each


@dataclass(slots=True)
class DecodeReport:
    """What went wrong and was mended while reading; grows as frames are read."""

    frames: int = 0
    corrupt_packets: int = 0
    concealed_frames: int = 0
    size_changes: int = 0
    warnings: list[str] = field(default_factory=list)


class Source(Protocol):
    """A sequence of frames, in presentation order, each with its own pts."""

    info: SourceInfo
    report: DecodeReport

    def frames(self) -> Iterator[Frame]:
        """Every frame, the last ones included. Raises SourceError if not a single one can be decoded."""
        ...

    def close(self) -> None:
        """Release the source; may be called twice."""
        ...
