"""Cuts: is this frame another scene than the one before?

The normalised cross-correlation of two small luma maps, the best of the shifts of up to one cell each way: a pan
shifts a map, a fade or a flash scales it or adds to it, which the correlation does not see; another scene
has another map. One number a frame and one threshold (see Hanjalic, IEEE CSVT 2002, on what makes cuts hard).
"""

from __future__ import annotations

import cv2

from edge_vsr.upscale.analyse.cells import Map, halved

_SIDE = 40  # cells across at most: 1080p is compared in cells of 64 px
_ALIKE = 0.6
_FLAT = 1.0  # codes; a map without contrast matches whatever
_VISIBLE = 4.0  # codes of mean difference below which nothing was cut


def small_map(coarse: Map) -> Map:
    """Halve a map until it is 40 cells wide at most, dropping what is left over at odd sides."""
    while max(coarse.shape) > _SIDE and min(coarse.shape) >= 4:
        coarse = halved(coarse[: coarse.shape[0] // 2 * 2, : coarse.shape[1] // 2 * 2])
    return coarse


def is_cut(now: Map, before: Map) -> bool:
    """Whether two maps of ``small_map``, of one shape, show different scenes."""
    if cv2.norm(now, before, cv2.NORM_L1) < _VISIBLE * now.size:
        return False
    core = now[1:-1, 1:-1] if min(now.shape) >= 6 else now
    deviations = [float(cv2.meanStdDev(part)[1][0, 0]) for part in (core, before)]
    if min(deviations) < _FLAT:
        return max(deviations) > 8 * _FLAT
    return float(cv2.matchTemplate(before, core, cv2.TM_CCOEFF_NORMED).max()) < _ALIKE
