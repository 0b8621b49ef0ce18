"""Which streams are interlaced, which are telecined film, which only claim to be: flags and content."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import av

from edge_vsr.capture.deinterlace import Deinterlace
from edge_vsr.frame import FieldOrder

_LOOKAHEAD_FRAMES = 60
_LOOKAHEAD_BYTES = 128 << 20


@dataclass(frozen=True, slots=True)
class Verdict:
    """What will be done to the fields. order: PROGRESSIVE follows the flags. note: one plain sentence."""

    how: Deinterlace
    order: FieldOrder = FieldOrder.PROGRESSIVE
    note: str | None = None


def lookahead_frames(first: av.VideoFrame) -> int:
    """How many frames may be held back to judge a stream: 60 at most, fewer where they are large."""
    size_bytes = sum(plane.buffer_size for plane in first.planes)
    return max(8, min(_LOOKAHEAD_FRAMES, _LOOKAHEAD_BYTES // max(1, size_bytes)))


def decide(frames: Sequence[av.VideoFrame], mode: str, frame_rate: Fraction | None) -> Verdict:
    if mode != "auto":
        return Verdict(Deinterlace(mode))
    flagged = sum(frame.interlaced_frame for frame in frames)
    return Verdict(Deinterlace.FIELD if 2 * flagged >= len(frames) else Deinterlace.OFF)
