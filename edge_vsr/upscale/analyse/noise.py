"""Noise: the standard deviation of what is left of a picture's finest diagonal detail where it is calmest.

The Haar HH band of a natural picture is close to zero in smooth regions, while white noise of standard
deviation s keeps s in every band (Donoho & Johnstone 1994 take the median of the band; the calmest fifth
of its blocks is less disturbed by texture).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_BLOCK = 12
_MEAN_ABS_OF_GAUSS = 0.7979  # E|x| of a unit Gaussian


def noise_sigma(haar_hh: npt.NDArray[np.int16]) -> float:
    """Noise in 8-bit code values from twice the HH band, ``a - b - c + d`` of 2x2 luma blocks (h, w)."""
    h, w = (side // _BLOCK * _BLOCK for side in haar_hh.shape)
    if not h or not w:
        return 0.0
    blocks = np.abs(haar_hh[:h, :w]).reshape(h // _BLOCK, _BLOCK, w // _BLOCK, _BLOCK)
    activity = blocks.mean(axis=(1, 3), dtype=np.float32)
    return float(np.quantile(activity, 0.2)) / (2 * _MEAN_ABS_OF_GAUSS)
