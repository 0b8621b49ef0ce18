"""The base picture: polyphase resampling of planes, any ratio, any chroma siting, 8 or 10 bit.

Kernels: Keys' cubic convolution (IEEE ASSP-29, 1981; a = -0.5, the one MATLAB, PIL and torch use) and
Lanczos-3. When a plane shrinks, the kernel widens with the ratio (antialiasing). Edges repeat.

Three routes to the same picture. Exact x2 enlargement of 8-bit luma by the cubic kernel, the hot one: linear
interpolation of a sharpened plane, which is the same thing (see ``_double_cubic``). Other exact x2 enlargement:
four 2-D phase filters in OpenCV. Every other ratio: banded matrix products, block by block.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

import cv2
import numpy as np
import numpy.typing as npt

from edge_vsr.color import Plane
from edge_vsr.frame import ChromaLayout, Frame, Siting
from edge_vsr.upscale.scratch import scratch

_STRIPE = 54  # rows of an x2 enlargement at a time: in cache
_ROWS, _COLUMNS = 16, 64  # outputs per banded product: in cache, and too small for BLAS to wake its threads


def _keys_cubic(t: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    a, x = -0.5, np.abs(t)
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = a * (((x - 5) * x + 8) * x - 4)
    return np.where(x <= 1, near, np.where(x < 2, far, 0.0))


def _lanczos3(t: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.where(np.abs(t) < 3, np.sinc(t) * np.sinc(t / 3), 0.0)


@dataclass(frozen=True)
class Kernel:
    """A resampling kernel: ``weight(t)`` is zero outside ``|t| < support`` (in source samples)."""

    name: str
    support: float
    weight: Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]


KERNELS = {k.name: k for k in (Kernel("bicubic", 2.0, _keys_cubic), Kernel("lanczos3", 3.0, _lanczos3))}


@dataclass(frozen=True)
class Axis:
    """Where output samples fall in the source: sample j sits at source position ``start + j * pitch``."""

    src: int
    dst: int
    start: float
    pitch: float


def axis(
    src: int,
    dst: int,
    src_luma: int,
    dst_luma: int,
    step: tuple[int, int] = (1, 1),
    site: tuple[float, float] = (0.0, 0.0),
) -> Axis:
    """The mapping of one plane along one axis.

    src, dst: samples in this plane; src_luma, dst_luma: size of the pictures in luma pixels (their edges
    coincide). step, site: (source, destination) luma pixels per sample and offset of sample 0.
    """
    shrink = src_luma / dst_luma
    start = ((site[1] + 0.5) * shrink - 0.5 - site[0]) / step[0]
    return Axis(src, dst, start, shrink * step[1] / step[0])


def plain_axes(width: int, height: int, new_width: int, new_height: int) -> tuple[Axis, Axis]:
    """The mappings across and down of a plane that is sampled like luma."""
    return axis(width, new_width, width, new_width), axis(height, new_height, height, new_height)


@lru_cache(maxsize=64)
def _taps(ax: Axis, kernel: Kernel) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """First source index and weights (dst, taps) of every output sample; each row of weights sums to 1."""
    stretch = max(1.0, ax.pitch)
    reach = kernel.support * stretch
    centre = ax.start + ax.pitch * np.arange(ax.dst)
    first = np.floor(centre - reach).astype(np.int64) + 1
    offsets = np.arange(int(np.ceil(2 * reach)))
    weight = kernel.weight((first[:, None] + offsets - centre[:, None]) / stretch)
    return first, (weight / weight.sum(axis=1, keepdims=True)).astype(np.float32)


@lru_cache(maxsize=64)
def _bands(ax: Axis, kernel: Kernel, block: int) -> list[tuple[slice, slice, npt.NDArray[np.float32]]]:
    """The resampling matrix cut into dense blocks: (outputs, sources, weights[outputs, sources])."""
    first, weight = _taps(ax, kernel)
    columns = np.clip(first[:, None] + np.arange(weight.shape[1]), 0, ax.src - 1)
    blocks = []
    for begin in range(0, ax.dst, block):
        rows = slice(begin, min(begin + block, ax.dst))
        lo, hi = int(columns[rows].min()), int(columns[rows].max()) + 1
        dense = np.zeros((rows.stop - rows.start, hi - lo), np.float32)
        np.add.at(dense, (np.arange(len(dense))[:, None], columns[rows] - lo), weight[rows])
        blocks.append((rows, slice(lo, hi), dense))
    return blocks


def _stripes(
    plane: npt.NDArray[np.generic], ax_x: Axis, ax_y: Axis, kernel: Kernel
) -> Iterator[tuple[slice, npt.NDArray[np.float32]]]:
    """The resampled plane a few rows at a time, both axes done while the rows are in cache; unrounded."""
    across = [(columns, sources, weights.T) for columns, sources, weights in _bands(ax_x, kernel, _COLUMNS)]
    for rows, sources, weights in _bands(ax_y, kernel, _ROWS):
        tall = weights @ plane[sources].astype(np.float32)
        wide = np.empty((len(tall), ax_x.dst), np.float32)
        for columns, narrow, turned in across:
            np.matmul(tall[:, narrow], turned, out=wide[:, columns])
        yield rows, wide


def resample_float(plane: npt.NDArray[np.float32], ax_x: Axis, ax_y: Axis, kernel: Kernel) -> npt.NDArray[np.float32]:
    """Resample (H, W) float32 along both axes, without rounding or clipping."""
    out = np.empty((ax_y.dst, ax_x.dst), np.float32)
    for rows, stripe in _stripes(plane, ax_x, ax_y, kernel):
        out[rows] = stripe
    return out


def resample_image(
    image: npt.NDArray[np.generic], width_px: int, height_px: int, kernel: Kernel
) -> npt.NDArray[np.float32]:
    """Resample (H, W, channels) channel by channel, without rounding or clipping."""
    axes = plain_axes(image.shape[1], image.shape[0], width_px, height_px)
    channels = [image[..., i].astype(np.float32) for i in range(image.shape[2])]
    return np.stack([resample_float(channel, *axes, kernel) for channel in channels], axis=-1)


def _resample_codes(plane: Plane, ax_x: Axis, ax_y: Axis, kernel: Kernel) -> Plane:
    out = np.empty((ax_y.dst, ax_x.dst), plane.dtype)
    depth = cv2.CV_8U if plane.dtype == np.uint8 else cv2.CV_16U
    for rows, stripe in _stripes(plane, ax_x, ax_y, kernel):
        cv2.addWeighted(stripe, 1.0, stripe, 0.0, 0.0, dst=out[rows], dtype=depth)  # rounds and saturates in one pass
    return cast(Plane, out)


@lru_cache(maxsize=16)
def _phase_kernels(start: float, kernel: Kernel) -> list[npt.NDArray[np.float32]]:
    """The two 1-D kernels of an exact x2 enlargement, both centred on source sample j // 2."""
    first, weight = _taps(Axis(1 << 10, 64, start, 0.5), kernel)
    span = int(kernel.support) + 1
    kernels = []
    for phase in (0, 1):
        taps = np.zeros(2 * span + 1, np.float32)
        begin = int(first[32 + phase]) - 16 + span
        taps[begin : begin + weight.shape[1]] = weight[32 + phase]
        kernels.append(taps)
    margin = min(int(np.flatnonzero(k)[0]) for k in kernels)
    margin = min(margin, *(len(k) - 1 - int(np.flatnonzero(k)[-1]) for k in kernels))
    return [k[margin : len(k) - margin] for k in kernels]


def _double(plane: Plane, ax_x: Axis, ax_y: Axis, kernel: Kernel) -> Plane:
    """Any plane at twice its size, in this thread's scratch."""
    h, w = plane.shape
    out = scratch("doubled", (2 * h, 2 * w), plane.dtype)
    pair = [scratch(f"phase {dx}", (h, w), plane.dtype) for dx in (0, 1)]
    for dy, column in enumerate(_phase_kernels(ax_y.start, kernel)):
        for phase, row in zip(pair, _phase_kernels(ax_x.start, kernel), strict=True):
            cv2.filter2D(plane, -1, np.outer(column, row), dst=phase, borderType=cv2.BORDER_REPLICATE)
        cv2.merge(pair, out[dy::2].reshape(h, w, 2))
    return out


# Linear interpolation at the phases of x2, 1/4 and 3/4, of a plane sharpened by these taps is Keys' kernel with
# a = -0.5 at those phases, tap for tap: 3/4 of (-3, 38, -3) and, one sample on, 1/4 of it are (-9, 111, 29, -3) / 4.
_SHARPER = np.array([-3, 38, -3], np.float32) / 32
_FRACTION = 64  # of a code value, as int16: sharpening leaves -107 to 360


def _double_cubic(plane: Plane, window: tuple[slice, slice], out: Plane) -> None:
    """Write a window of 8-bit luma at twice its size, by Keys' kernel; rounded to 1/64 before it is rounded."""
    edge, taps = 2, _SHARPER * np.sqrt(_FRACTION)
    (height, width), (rows, columns) = plane.shape, window
    padded = scratch("padded", (height + 2 * edge, width + 2 * edge), np.uint8)
    cv2.copyMakeBorder(plane, edge, edge, edge, edge, cv2.BORDER_REPLICATE, dst=padded)
    across = slice(columns.start + 2 * edge, columns.stop + 2 * edge)
    for begin in range(rows.start, rows.stop, 2 * _STRIPE):
        end = min(begin + 2 * _STRIPE, rows.stop)
        first, last = begin // 2, -(-end // 2) + 2 * edge
        sharp = scratch("sharp", (last - first, width + 2 * edge), np.int16)
        large = scratch("large", (2 * sharp.shape[0], 2 * sharp.shape[1]), np.int16)
        cv2.sepFilter2D(padded[first:last], cv2.CV_16S, taps, taps, dst=sharp)
        cv2.resize(sharp, None, dst=large, fx=2, fy=2, interpolation=cv2.INTER_LINEAR)
        mine = large[begin - 2 * first + 2 * edge :][: end - begin, across]
        cv2.threshold(mine, 0, 0, cv2.THRESH_TOZERO, dst=mine)  # what follows would take the absolute value
        cv2.convertScaleAbs(mine, dst=out[begin - rows.start : end - rows.start], alpha=1 / _FRACTION)


def resample_plane(plane: Plane, ax_x: Axis, ax_y: Axis, kernel: Kernel, peak: int) -> Plane:
    """Resample one plane of code values, rounding once and clipping to 0..``peak``."""
    if (ax_x.start, ax_x.pitch, ax_y.start, ax_y.pitch) == (0.0, 1.0, 0.0, 1.0) and plane.shape == (ax_y.dst, ax_x.dst):
        return plane
    out = np.empty((ax_y.dst, ax_x.dst), plane.dtype)
    resample_window(plane, ax_x, ax_y, kernel, peak, (0, 0), out)
    return cast(Plane, out)


def resample_window(
    plane: Plane, ax_x: Axis, ax_y: Axis, kernel: Kernel, peak: int, at: tuple[int, int], out: Plane
) -> None:
    """Write what ``resample_plane`` would give from row and column ``at`` on into ``out``, as far as that reaches."""
    window = (slice(at[0], at[0] + out.shape[0]), slice(at[1], at[1] + out.shape[1]))
    doubled = ax_x.pitch == ax_y.pitch == 0.5 and (ax_y.dst, ax_x.dst) == (2 * plane.shape[0], 2 * plane.shape[1])
    if doubled and kernel.name == "bicubic" and ax_x.start == ax_y.start == -0.25 and plane.dtype == np.uint8:
        return _double_cubic(plane, window, out)
    large = _double(plane, ax_x, ax_y, kernel) if doubled else _resample_codes(plane, ax_x, ax_y, kernel)
    if plane.dtype == np.uint8:
        out[:] = large[window]
    else:
        np.minimum(large[window], np.uint16(peak), out=out)
    return None


def resample_frame(
    frame: Frame, width_px: int, height_px: int, kernel: Kernel, layout: ChromaLayout, siting: Siting
) -> Frame:
    """The frame at another size, chroma layout and siting; the picture's edges stay where they were."""
    peak = (1 << frame.bit_depth) - 1
    wide, tall = layout.plane_size(width_px, height_px)
    was, sites = frame.layout, (frame.siting, siting)

    def chroma(plane: Plane) -> Plane:
        h, w = plane.shape
        ax_x = axis(w, wide, frame.width_px, width_px, (was.step_x, layout.step_x), (sites[0].x, sites[1].x))
        ax_y = axis(h, tall, frame.height_px, height_px, (was.step_y, layout.step_y), (sites[0].y, sites[1].y))
        return resample_plane(plane, ax_x, ax_y, kernel, peak)

    y, u, v = frame.planes
    ax_x, ax_y = plain_axes(frame.width_px, frame.height_px, width_px, height_px)
    luma = resample_plane(y, ax_x, ax_y, kernel, peak)
    return frame.with_(planes=(luma, chroma(u), chroma(v)), layout=layout, siting=siting)
