"""Seeing the difference: a split screen in the film itself, or one picture, before | after."""

from __future__ import annotations

import numpy as np

from edge_vsr.color import Plane, Range, yuv444_to_rgb
from edge_vsr.frame import Frame

_LINE_PX = 2


def split(before: Frame, after: Frame) -> Frame:
    """The left half of ``before`` and the right half of ``after``, a thin white line between; new planes.

    Both frames have the same size, layout and depth.
    """
    middle = after.width_px // 2 // (2 * after.layout.step_x) * (2 * after.layout.step_x)
    white, neutral = _white(after)
    planes = []
    for index, (left, right) in enumerate(zip(before.planes, after.planes, strict=True)):
        step = after.layout.step_x if index else 1
        joined = right.copy()
        joined[:, : middle // step] = left[:, : middle // step]
        line = max(1, _LINE_PX // step)
        joined[:, middle // step : middle // step + line] = neutral if index else white
        planes.append(joined)
    return after.with_(planes=tuple(planes))


def side_by_side(before: Frame, after: Frame) -> Plane:
    """Two YUV444 frames of one size as one 8-bit R'G'B' picture, before | after."""
    left, right = (yuv444_to_rgb(f.planes, f.color, f.bit_depth) for f in (before, after))
    line = np.full((left.shape[0], _LINE_PX, 3), 255, left.dtype)
    joined: Plane = np.concatenate([left, line, right], axis=1)
    return joined


def _white(frame: Frame) -> tuple[int, int]:
    """Code values of white luma and neutral chroma."""
    unit = 1 << (frame.bit_depth - 8)
    peak = (256 * unit - 1) if frame.color.range is Range.FULL else 235 * unit
    return peak, 128 * unit
