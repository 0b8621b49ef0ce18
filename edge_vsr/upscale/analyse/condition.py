"""The two conditioning values that the nets take beside the picture, as the code values they see."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge_vsr.upscale.analyse.coding import blocking, starvation
from edge_vsr.upscale.analyse.noise import noise_sigma

_NOISE_CODES_PER_SIGMA = 12.0  # sigma 20 fills the scale
_BAND = 8  # rows of 2x2 blocks looked at, out of every `stride` of them
_CODED = 64  # the least value for a picture that a lossy codec has touched: 0 is kept for those it has not


@dataclass(frozen=True, slots=True)
class Condition:
    """The values of the net's two conditioning planes.

    noise: 0 (none) .. 255. coding: 0 where no lossy codec was at work, else 64 (no visible damage) .. 255.
    """

    noise: int
    coding: int

    @property
    def sigma(self) -> float:
        """Noise in 8-bit code values."""
        return self.noise / _NOISE_CODES_PER_SIGMA

    @property
    def damage(self) -> float:
        """By a codec, 0..1."""
        return max(0, self.coding - _CODED) / (255 - _CODED)


def condition(luma: npt.NDArray[np.uint8], coded: bool = True, stride: int = 0) -> Condition:
    """Estimate both from 8-bit luma (H, W); ``coded``: the source went through a lossy codec.

    stride: look at 8 of every ``8 * stride`` block rows; 0 picks one that keeps the cost of a frame flat.
    """
    h, w = (side // 2 * 2 for side in luma.shape)
    if h < 2 * _BAND or w < 2 * _BAND:
        return Condition(0, _CODED if coded else 0)
    stride = min(stride or max(1, h * w // 500_000), h // (2 * _BAND))
    period = 2 * _BAND * stride
    bands = luma[: h // period * period, :w].reshape(-1, period, w)[:, : 2 * _BAND].reshape(-1, w)
    a, b, c, d = (bands[dy::2, dx::2].astype(np.int16) for dy in (0, 1) for dx in (0, 1))
    lh, hl, hh = a + b - c - d, a - b + c - d, a - b - c + d
    damage = (starvation(lh, hl, hh) + blocking(bands[::2])) / 2 if coded else 0.0
    noise = min(noise_sigma(hh) * _NOISE_CODES_PER_SIGMA, 255.0)
    return Condition(round(noise), round(_CODED + (255 - _CODED) * damage) if coded else 0)
