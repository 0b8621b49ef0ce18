"""How one picture's two fields fit together and fit their neighbours in time. Pure numpy on luma.

The order test is that of ffmpeg's idet: a line that lies between two lines of the other field fits the
field before it or the field after it, according to which came first. The repeat test finds the fields
that telecine shows twice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Luma = npt.NDArray[np.uint8]

_COLUMNS = 240
_STEP_LEVELS = 10  # a change of luma that is motion or combing and not noise
_MOVING_SHARE = 0.002
_ORDER_RATIO = 1.12
_COMBED_SHARE = 0.15
_REPEAT_RATIO = 0.4


@dataclass(frozen=True, slots=True)
class Combing:
    """What one picture shows, between its predecessor and its successor.

    moving: enough moves to tell anything. combed: moving edges have teeth. order: +1 top field first,
    -1 bottom field first, 0 both fields of one instant. repeats: 0 or 1 for the field (top, bottom)
    that is the predecessor's, None for neither.
    """

    moving: bool
    combed: bool
    order: int
    repeats: int | None


def thin(luma: Luma) -> npt.NDArray[np.int16]:
    """Whole lines, but only some 240 columns: enough to judge, much less to compute."""
    return luma[:, :: max(1, luma.shape[1] // _COLUMNS)].astype(np.int16)


def measure(before: npt.NDArray[np.int16], now: npt.NDArray[np.int16], after: npt.NDArray[np.int16]) -> Combing:
    """Three successive pictures of one size, as ``thin`` returns them."""
    above, middle, below = now[:-2], now[1:-1], now[2:]
    toothed = np.minimum(middle - above, middle - below) > _STEP_LEVELS
    toothed |= np.maximum(middle - above, middle - below) < -_STEP_LEVELS
    moved = np.abs(now - before) > _STEP_LEVELS
    moving = moved[1:-1] | moved[:-2]
    moving_count = int(np.count_nonzero(moving))
    teeth = int(np.count_nonzero(toothed & moving))
    return Combing(
        moving=moving_count >= _MOVING_SHARE * moving.size,
        combed=teeth > _COMBED_SHARE * max(1, moving_count),
        order=_order(above + below, before[1:-1], after[1:-1]),
        repeats=_repeated_field(before, now),
    )


def _order(around: npt.NDArray[np.int16], before: npt.NDArray[np.int16], after: npt.NDArray[np.int16]) -> int:
    """Which neighbour in time the lines of each parity fit better. Row 0 here is line 1: a bottom line."""
    misfit_before = np.abs(around - 2 * before).sum(axis=1, dtype=np.int64)
    misfit_after = np.abs(around - 2 * after).sum(axis=1, dtype=np.int64)
    bottom, top = slice(0, None, 2), slice(1, None, 2)
    against_top_first = int(misfit_after[top].sum() + misfit_before[bottom].sum())
    against_bottom_first = int(misfit_before[top].sum() + misfit_after[bottom].sum())
    if against_bottom_first > _ORDER_RATIO * against_top_first:
        return 1
    return -1 if against_top_first > _ORDER_RATIO * against_bottom_first else 0


def _repeated_field(before: npt.NDArray[np.int16], now: npt.NDArray[np.int16]) -> int | None:
    top = float(np.abs(now[0::2] - before[0::2]).mean())
    bottom = float(np.abs(now[1::2] - before[1::2]).mean())
    if top < _REPEAT_RATIO * bottom:
        return 0
    return 1 if bottom < _REPEAT_RATIO * top else None
