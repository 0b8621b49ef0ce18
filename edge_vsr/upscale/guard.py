"""The guard bounds invention: a net may add detail, but hardly move what the source itself says.

The mean of a residual over one block of 2x2 source pixels is its low-resolution content. The base already shows that
content, so a net has good reason to move it only where resampling bent it, at strong edges. How far it then helps was
measured against the truth, frame by frame, on photos and clips, clean, noisy and coded: noise and coding damage move
the truth away from the base, but in ways that no net foresees, so less of what it adds is worth trusting. Chroma is
left alone: there the net mends false colour, and the same bound cost several times what it cost luma.
"""

from __future__ import annotations

import cv2
import numpy as np

from edge_vsr.upscale.backends.backend import Residual

# In code values. With these, luma lost less than 0.003 dB on average over any kind of source, and gained 0.007 on noise
# of sigma 10; of the blocks of clean sources 2 to 3 in a hundred are bounded, of noise and drawn weaves most.
_CLEAN, _CODED, _PER_DAMAGE = 4.0, 2.0, 8.0
_NOISE_SIGMA = 12.0  # halves the tolerance
_LEAST = 0.75  # one step of the integer nets


def tolerance(noise: float, coding: float) -> float:
    """How far a block's mean may be moved, in 8-bit code values.

    noise: sigma in 8-bit code values. coding: damage 0..1, 0 where no lossy codec was at work.
    """
    trusted = max(_CODED, _CLEAN - _PER_DAMAGE * coding)
    return max(_LEAST, trusted / (1 + (noise / _NOISE_SIGMA) ** 2))


def bounded(residual: Residual, step: float, zero: int, factor: int, limit: float) -> Residual:
    """A residual (6 * factor^2, h, w), in place, with no luma block's mean beyond ``limit``.

    step, zero: a value r means ``step * (r - zero)`` code values. limit: in code values, see ``tolerance``. All luma of
    a block moves alike, so its detail stays. Of integers whole steps: up to half a step beyond the limit is left.
    """
    luma = residual[: 4 * factor * factor]
    if luma.dtype != np.uint8:
        off = (luma.mean(axis=0) - zero) * step
        luma -= (off - np.clip(off, -limit, limit)) / step
        return residual
    while (beyond := _beyond(luma, zero, limit / step)) is not None:
        # Values at the end of their range stay there, and the blocks are looked at again.
        for phase in luma:
            cv2.subtract(phase, beyond[0], dst=phase)
            cv2.add(phase, beyond[1], dst=phase)
    return residual


def _beyond(luma: Residual, zero: int, limit: float) -> tuple[Residual, Residual] | None:
    """By how many whole steps the means of (phases, h, w) are too high, and too low, (h, w); None if none is."""
    phases = len(luma)
    sums = cv2.reduce(luma.reshape(phases, -1), 0, cv2.REDUCE_SUM, dtype=cv2.CV_32F)
    low, high, _, _ = cv2.minMaxLoc(sums)
    floor, ceiling = phases * (zero - limit), phases * (zero + limit)
    if floor - phases / 2 <= low and high <= ceiling + phases / 2:
        return None
    above, below = (
        cv2.convertScaleAbs(np.maximum(apart, 0), alpha=1 / phases).reshape(luma.shape[1:]).astype(np.uint8, copy=False)
        for apart in (sums - ceiling, floor - sums)
    )
    return (above, below) if above.any() or below.any() else None
