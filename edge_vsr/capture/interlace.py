"""Which streams are interlaced, which are telecined film, which only claim to be: flags and content.

Flags lie in both directions: film on PAL discs is flagged interlaced and is not, captures of tapes are
flagged progressive and are not. What the pictures show decides; the flags decide where nothing moves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import av

from edge_vsr.capture.combing import Combing, measure, thin
from edge_vsr.capture.deinterlace import Deinterlace
from edge_vsr.capture.pixels import read_luma
from edge_vsr.frame import FieldOrder

_LOOKAHEAD_FRAMES = 60
_LOOKAHEAD_BYTES = 128 << 20
_TALLEST_INTERLACED_PX = 1152  # no standard interlaces more lines; taller streams are taken by their flags
_FEWEST_MOVING = 4
_FEWEST_MOVING_UNFLAGGED = 8
_PLAIN_ORDER = 0.8
_CYCLE = 5

_NOTES = {
    Deinterlace.FIELD: "Interlaced: each field became a frame of its own, at twice the frame rate.",
    Deinterlace.FRAME: "Interlaced: each pair of fields became one frame, at the same frame rate.",
    Deinterlace.TELECINE: "Telecined film: the film frames were put together again, four for every five.",
}
_UNTOUCHED = "Flagged as interlaced, but each picture is of one instant: left as it is."


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
    """Judge the first frames of a stream. mode: auto, or a Deinterlace value, which is obeyed."""
    flagged = sum(frame.interlaced_frame for frame in frames)
    seen: list[Combing] = []
    if flagged or mode != "auto" or frames[0].height <= _TALLEST_INTERLACED_PX:
        seen = look(frames)
    how = judge(seen, 2 * flagged >= len(frames), frame_rate) if mode == "auto" else Deinterlace(mode)
    if how is Deinterlace.OFF:
        return Verdict(how, note=_UNTOUCHED if flagged and mode == "auto" else None)
    return Verdict(how, _order(seen, flagged == len(frames)), _NOTES[how])


def look(frames: Sequence[av.VideoFrame]) -> list[Combing]:
    """One measurement for each frame that has two neighbours of its own size."""
    thinned = [thin(read_luma(frame)) for frame in frames]
    triples = zip(thinned, thinned[1:], thinned[2:], strict=False)
    return [measure(a, b, c) for a, b, c in triples if a.shape == b.shape == c.shape and min(b.shape) > 4]


def judge(seen: Sequence[Combing], flagged: bool, frame_rate: Fraction | None) -> Deinterlace:
    """From measurements in order to what the stream is. Pure."""
    moving = [one for one in seen if one.moving]
    if len(moving) < (_FEWEST_MOVING if flagged else _FEWEST_MOVING_UNFLAGGED):
        return Deinterlace.FIELD if flagged else Deinterlace.OFF
    if frame_rate is not None and 29 < frame_rate < 31 and is_telecined(seen):
        return Deinterlace.TELECINE
    fielded = sum(one.order != 0 for one in moving) / len(moving)
    combed = sum(one.combed for one in moving) / len(moving)
    if flagged:
        return Deinterlace.FIELD if fielded >= 0.2 or combed >= 0.1 else Deinterlace.OFF
    one_way = abs(sum(one.order for one in moving)) / len(moving)
    return Deinterlace.FIELD if one_way >= 0.6 else Deinterlace.OFF


def is_telecined(seen: Sequence[Combing]) -> bool:
    """Whether one top and one bottom field is repeated in every five frames, always at the same place."""
    places: list[int] = []
    for field in (0, 1):
        hits = [0] * _CYCLE
        chances = [0] * _CYCLE
        for index, one in enumerate(seen):
            if one.moving:
                chances[index % _CYCLE] += 1
                hits[index % _CYCLE] += one.repeats == field
        place = max(range(_CYCLE), key=hits.__getitem__)
        elsewhere = sum(hits) - hits[place]
        if hits[place] < 2 or hits[place] < 0.7 * chances[place] or elsewhere > 0.3 * hits[place]:
            return False
        places.append(place)
    return (places[1] - places[0]) % _CYCLE in (2, 3)


def _order(seen: Sequence[Combing], flagged: bool) -> FieldOrder:
    """Field order from content where it is plain (flags are often wrong), else from the flags of each frame.

    Without flags, top first where content does not tell, as in most of the world.
    """
    moving = [one for one in seen if one.moving]
    votes = sum(one.order for one in moving)
    if flagged and (len(moving) < _FEWEST_MOVING_UNFLAGGED or abs(votes) < _PLAIN_ORDER * len(moving)):
        return FieldOrder.PROGRESSIVE
    return FieldOrder.BOTTOM_FIRST if votes < 0 else FieldOrder.TOP_FIRST
