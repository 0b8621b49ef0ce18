"""Change: which cells differ from the reference by more than the noise of two exposures explains.

Two tests a cell and plane. The mean of |a - b| sees what moves; the difference of the means sees slow fades that noise
would hide from the first. Samples of two exposures with independent noise of deviation s differ by a Gaussian of
deviation s sqrt 2; the mean of |a - b| is then 2 s / sqrt pi = 1.128 s and the deviation of one |a - b| is 0.853 s
(half-normal distribution). Thresholds stand ``_Z`` deviations of the cell's mean above, so that still tiles stay
still (a constant false alarm rate, as in Aach, Kaup & Mester, Signal Processing 31, 1993).
"""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

from edge_vsr.upscale.analyse.cells import CELL_PX, Area, Map, Plane8, Planes8, TileCells, cell_means

_MEAN_ABS = 2 / math.sqrt(math.pi)  # of the difference of two exposures, in sigma of one
_SPREAD_ABS = math.sqrt(2 - 4 / math.pi)
_SPREAD = math.sqrt(2)
_Z = 6.0
_FLOOR_ABS = 1.0  # code values of mean |a - b| that nobody sees in a moving picture
_FLOOR_DRIFT = 0.75
_QUANTILE = 0.25
_CALMEST = 0.936  # where the quantile of a cell's mean |a - b| lies under pure noise, in its expectation
_UNCLIPPED = (20.0, 230.0)  # luma; black bars and burnt skies are still however noisy the rest is
_THIN = 3


def changed_cells(
    planes: Planes8, reference: Planes8, luma_cells: Map, sigma: Map, tolerance: float
) -> npt.NDArray[np.bool_]:
    """Cells (ceil H/8, ceil W/8) that changed visibly; ``tolerance`` > 0 scales the invisible floor.

    luma_cells: ``cell_means(planes[0])``. sigma: the noise believed of every cell, code values; it counts only as
    far as the picture itself flickers, so that texture taken for noise hides nothing.
    """
    seen = np.zeros(luma_cells.shape, np.bool_)
    for now, then, side in zip(planes, reference, (CELL_PX, CELL_PX // 2, CELL_PX // 2), strict=True):
        apart = cell_means(_absdiff(now, then), side)
        believed = sigma * _support(apart, sigma, luma_cells)
        means = luma_cells if side == CELL_PX else cell_means(now, side)
        drift = cv2.absdiff(means, cell_means(then, side))
        seen |= apart > believed * (_MEAN_ABS + _Z * _SPREAD_ABS / side) + _FLOOR_ABS * tolerance
        seen |= drift > believed * (_Z * _SPREAD / side) + _FLOOR_DRIFT * tolerance
    return seen


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


def changed_tiles(cells: npt.NDArray[np.bool_], tiles: TileCells) -> npt.NDArray[np.bool_]:
    """A tile is changed as soon as one of its cells is: small things move too."""
    return tiles.any(cells)


def _absdiff(now: Plane8, then: Plane8) -> Plane8:
    return cv2.absdiff(now, then).astype(np.uint8, copy=False)


def _support(apart: Map, sigma: Map, luma_cells: Map) -> float:
    """How much of the believed noise the calmer cells show over time: 0 (none of it) .. 1."""
    luma, seen = luma_cells[::_THIN, ::_THIN], apart[::_THIN, ::_THIN]
    judged = (luma > _UNCLIPPED[0]) & (luma < _UNCLIPPED[1])
    if not judged.any():
        return 0.0
    share = seen[judged] / (np.maximum(sigma[::_THIN, ::_THIN][judged], 1e-3) * (_MEAN_ABS * _CALMEST))
    rank = int(_QUANTILE * (share.size - 1))
    return float(min(1.0, np.partition(share, rank)[rank]))
