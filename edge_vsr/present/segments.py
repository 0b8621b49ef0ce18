"""Finished pieces of a video on disk: what makes a job resumable.

A segment is a small Matroska file with nothing but video: a fixed number of frames, its own encoder, its
first frame a key frame that nothing before it is needed for. Its packets are stamped with the frame's
number inside the segment, one millisecond a frame, because Matroska keeps whole milliseconds exactly;
the true times stand beside it in ``NNNNNN.json``. A segment counts once its .mkv has its final name:
the .json is made durable first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import msgspec

from edge_vsr.durable import commit, temporary, write_atomic

TICK = Fraction(1, 1000)


class Times(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the .json holds.

    pts: of every frame in display order, in the output's time base.
    order: the display rank of every packet, in decode order.
    """

    pts: list[int]
    order: list[int]


@dataclass(frozen=True, slots=True)
class Segment:
    """One finished piece: its video file and its times."""

    video: Path
    times: Times

    def packets(self) -> Iterator[av.Packet]:  # type: ignore[type-arg]
        """The coded pictures in decode order; ``pts`` is the display rank inside the segment."""
        with av.open(str(self.video)) as container:
            for packet in container.demux(video=0):
                if packet.size:
                    yield packet


class SegmentStore:
    """The numbered segments of one directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def path(self, number: int) -> Path:
        """Where segment ``number`` stands once it is finished."""
        return self.directory / f"{number:06d}.mkv"

    def finished(self) -> list[Segment]:
        """The unbroken run of finished segments from the first one on."""
        found: list[Segment] = []
        while self.path(len(found)).exists():
            video = self.path(len(found))
            try:
                times = msgspec.json.decode(video.with_suffix(".json").read_bytes(), type=Times)
            except (OSError, msgspec.DecodeError):
                break  # a lost sidecar makes the segment and all after it worthless: they are made anew
            found.append(Segment(video, times))
        return found

    def frames(self) -> int:
        """How many frames the finished segments hold."""
        return sum(len(s.times.pts) for s in self.finished())

    def add(self, number: int, temp: Path, times: Times) -> Segment:
        """Turn a complete temporary file into segment ``number``. Raises OSError."""
        final = self.path(number)
        write_atomic(final.with_suffix(".json"), msgspec.json.encode(times))
        commit(temp, final)
        return Segment(final, times)

    def temporary(self, number: int) -> Path:
        """Where segment ``number`` is written while it is open."""
        return temporary(self.path(number))
