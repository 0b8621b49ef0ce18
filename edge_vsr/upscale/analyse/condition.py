"""The two conditioning values that the nets take beside the picture, as the code values they see."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge_vsr.upscale.analyse.coding import blocking, starvation
from edge_vsr.upscale.analyse.noise import noise_sigma

_NOISE_CODES_PER_SIGMA = 12.0  # sigma 20 fills the scale
_BAND = 8  # rows of 2x2 blocks looked at, out of every `stride` of them


@dataclass(frozen=True, slots=True)
class Condition:
    """noise, coding: 0 (clean) .. 255, the values of the net's two conditioning planes."""

    noise: int
    coding: int


def condition(luma: npt.NDArray[np.uint8], stride: int = 0) -> Condition:
    """Estimate both from 8-bit luma (H, W).

    stride: look at 8 of every ``8 * stride`` block rows; 0 picks one that keeps the cost of a frame flat.
    """
    h, w = (side // 2 * 2 for side in luma.shape)
    if h < 2 * _BAND or w < 2 * _BAND:
        return Condition(0, 0)
    stride = stride or max(1, h * w // 500_000)
    rows = (
        luma[: h // (2 * _BAND * stride) * 2 * _BAND * stride, :w] if h >= 2 * _BAND * stride else luma[: 2 * _BAND, :w]
    )
    bands = rows.reshape(-1, 2 * _BAND * min(stride, len(rows) // (2 * _BAND)), w)[:, : 2 * _BAND].reshape(-1, w)
    a, b, c, d = (bands[dy::2, dx::2].astype(np.int16) for dy in (0, 1) for dx in (0, 1))
    lh, hl, hh = a + b - c - d, a - b + c - d, a - b - c + d
    damage = (starvation(lh, hl, hh) + blocking(bands[::2])) / 2
    noise = min(noise_sigma(hh) * _NOISE_CODES_PER_SIGMA, 255.0)
    return Condition(round(noise), round(255 * damage))
