"""The base of a part of the picture, in planes that others share: what a residual is added to.

A part is computed from the source around it; the codes are those that the whole picture would have (a step apart in
shared chroma of odd sizes, which as a whole is no exact multiple). An area is given on the source; its top and left
are even, and it may reach beyond the picture.
"""

from __future__ import annotations

import numpy as np

from edge_vsr.color import Planes
from edge_vsr.frame import Frame
from edge_vsr.upscale.analyse.analysis import Area
from edge_vsr.upscale.resample import Kernel, axis, resample_window

_MARGIN = 3  # samples: the reach of the widest kernel


def blank(frame: Frame, factor: int) -> Frame:
    """A frame ``factor`` times as large, with planes of its own that hold nothing yet."""
    width, height = frame.width_px * factor, frame.height_px * factor
    wide, tall = frame.layout.plane_size(width, height)
    y, u, v = (np.empty(shape, frame.planes[0].dtype) for shape in ((height, width), (tall, wide), (tall, wide)))
    return frame.with_(planes=(y, u, v))


def copy_area(source: Planes, out: Planes, frame: Frame, area: Area, factor: int) -> None:
    """Take over an area, given on the source ``frame``, from planes of the output's size."""
    for plane, into, (x, y) in zip(source, out, _steps(frame), strict=True):
        part = _scaled(area, x, y, factor)
        into[part] = plane[part]


def base_area(frame: Frame, out: Planes, area: Area, factor: int, kernel: Kernel) -> None:
    """Write the resampled area of ``frame`` into planes of the output's size."""
    if factor == 1:
        return copy_area(frame.planes, out, frame, area, 1)
    peak = (1 << frame.bit_depth) - 1
    for index, (plane, into, (x, y)) in enumerate(zip(frame.planes, out, _steps(frame), strict=True)):
        site = (frame.siting.x, frame.siting.y) if index else (0.0, 0.0)
        top, left = max(0, area.top // y - _MARGIN), max(0, area.left // x - _MARGIN)
        part = plane[top : -(-area.bottom // y) + _MARGIN, left : -(-area.right // x) + _MARGIN]
        ax_y, ax_x = (
            axis(size, size * factor, size * one, size * one * factor, (one, one), (at, at))
            for size, one, at in zip(part.shape, (y, x), site[::-1], strict=True)
        )
        corner = ((area.top // y - top) * factor, (area.left // x - left) * factor)
        resample_window(part, ax_x, ax_y, kernel, peak, corner, into[_scaled(area, x, y, factor)])
    return None


def _steps(frame: Frame) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
    return (1, 1), frame.layout.value, frame.layout.value


def _scaled(area: Area, x: int, y: int, factor: int) -> tuple[slice, slice]:
    """An area's samples in a plane of the output, ``x`` and ``y`` luma pixels a sample."""
    rows = slice(area.top * factor // y, -(-area.bottom * factor // y))
    return rows, slice(area.left * factor // x, -(-area.right * factor // x))
