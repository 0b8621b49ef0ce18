"""Change: which cells differ from the reference by more than the noise of two exposures explains.

The mean of |a - b| over a cell sees what moves, in luma and chroma; the difference of the means, of luma, sees slow
fades that noise would hide from the first. Samples of two exposures with independent noise of deviation s differ by a
Gaussian of deviation s sqrt 2; the mean of |a - b| is then 2 s / sqrt pi = 1.128 s and the deviation of one |a - b|
is 0.853 s (half-normal distribution). Thresholds stand ``_Z`` deviations of the cell's mean above, so that still tiles
stay still (a constant false alarm rate, as in Aach, Kaup & Mester, Signal Processing 31, 1993).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from edge_vsr.upscale.analyse.cells import CELL_PX, Area, Map, Plane8, Planes8, cell_means

CODED_FLICKER = 2.5  # times the floors: so do codecs make a still picture flicker; what is reused stays near 50 dB

_MEAN_ABS = 2 / math.sqrt(math.pi)  # of the difference of two exposures, in sigma of one
_SPREAD_ABS = math.sqrt(2 - 4 / math.pi)
_SPREAD = math.sqrt(2)
_Z = 8.0
_CHROMA_CELL = CELL_PX // 2
_FLOOR_ABS = 0.5  # code values of mean |a - b| that nobody sees in a moving picture
_FLOOR_DRIFT = 0.375
_QUANTILE = 0.25
_CALM_LUMA = 0.79  # where that quantile lies under pure noise, in units of _MEAN_ABS sigma: simulated
_CALM_CHROMA = 0.95
_UNCLIPPED = (20, 230)  # luma; black bars and burnt skies are still however noisy the rest is
_THIN = 4


@dataclass(frozen=True, slots=True)
class Apart:
    """Frame and reference by cells, codes: mean |difference| of luma and of the worse chroma, mean luma of each."""

    luma: Map
    chroma: Map
    luma_now: Map
    luma_then: Map


def apart_by_cells(planes: Planes8, reference: Planes8) -> Apart:
    """Compare every sample of two frames."""
    sides = (CELL_PX, _CHROMA_CELL, _CHROMA_CELL)
    y, u, v = (cell_means(_absdiff(now, then), side) for now, then, side in zip(planes, reference, sides, strict=True))
    return Apart(y, np.maximum(u, v), cell_means(planes[0]), cell_means(reference[0]))


def changed_cells(apart: Apart, sigma_of_luma: Map, tolerance: float) -> npt.NDArray[np.bool_]:
    """Cells (ceil H/8, ceil W/8) that changed visibly; ``tolerance`` > 0 scales the invisible floor.

    sigma_of_luma: the noise believed at every 8-bit luma value (256,), codes. It counts only as far as the picture
    itself flickers, so that texture taken for noise hides nothing.
    """
    tone = cv2.convertScaleAbs(apart.luma_now).astype(np.uint8, copy=False)
    sigma = cv2.LUT(tone, sigma_of_luma).astype(np.float32, copy=False)
    drift = np.abs(apart.luma_now - apart.luma_then)
    believed = sigma * _support(apart.luma - drift, sigma * _CALM_LUMA, tone)
    seen = apart.luma > believed * (_MEAN_ABS + _Z * _SPREAD_ABS / CELL_PX) + _FLOOR_ABS * tolerance
    seen |= drift > believed * (_Z * _SPREAD / CELL_PX) + _FLOOR_DRIFT * tolerance
    believed = sigma * _support(apart.chroma, sigma * _CALM_CHROMA, tone)
    seen |= apart.chroma > believed * (_MEAN_ABS + _Z * _SPREAD_ABS / _CHROMA_CELL) + _FLOOR_ABS * tolerance
    return np.asarray(seen)


def differing_tiles(planes: Planes8, reference: Planes8, areas: list[Area], margin_px: int) -> npt.NDArray[np.bool_]:
    """Tiles (tiles,) in whose area, grown by the margin, one sample of any plane differs at all."""
    apart = [_absdiff(now, then) for now, then in zip(planes, reference, strict=True)]
    found = np.zeros(len(areas), np.bool_)
    for index, area in enumerate(areas):
        top, left = max(0, area.top - margin_px), max(0, area.left - margin_px)
        bottom, right = area.bottom + margin_px, area.right + margin_px
        luma = apart[0][top:bottom, left:right]
        chroma = (plane[top // 2 : -(-bottom // 2), left // 2 : -(-right // 2)] for plane in apart[1:])
        found[index] = any(cv2.countNonZero(part) for part in (luma, *chroma))
    return found


def _absdiff(now: Plane8, then: Plane8) -> Plane8:
    return cv2.absdiff(now, then).astype(np.uint8, copy=False)


def _support(flicker: Map, sigma: Map, tone: Plane8) -> float:
    """How much of the believed noise the calmer cells show over time: 0 (none of it) .. 1."""
    thin = slice(None, None, max(1, min(_THIN, min(flicker.shape) // 8)))
    luma = tone[thin, thin]
    judged = (luma > _UNCLIPPED[0]) & (luma < _UNCLIPPED[1])
    if not judged.any():
        return 0.0
    share = flicker[thin, thin][judged] / (np.maximum(sigma[thin, thin][judged], 1e-3) * _MEAN_ABS)
    rank = int(_QUANTILE * (share.size - 1))
    return float(min(1.0, np.partition(share, rank)[rank]))
