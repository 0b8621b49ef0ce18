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
import numpy.typing as npt

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
    while (excess := _excess(luma, zero, limit / step)) is not None:
        if luma.dtype != np.uint8:
            luma -= excess
            break
        # Values at the end of their range stay there, and the blocks are looked at again.
        down, up = (np.rint(np.maximum(sign * excess, 0)).astype(np.uint8) for sign in (1, -1))
        for phase in luma:
            cv2.subtract(phase, down, dst=phase)
            cv2.add(phase, up, dst=phase)
    return residual


def _excess(luma: Residual, zero: int, limit: float) -> npt.NDArray[np.float32] | None:
    """By how many steps the means of (phases, h, w) are too far off, (h, w); None if none is."""
    phases = len(luma)
    slack = 0.5 if luma.dtype == np.uint8 else 0.0
    depth = cv2.CV_32S if luma.dtype == np.uint8 else cv2.CV_32F
    sums = cv2.reduce(luma.reshape(phases, -1), 0, cv2.REDUCE_SUM, dtype=depth)
    low, high, _, _ = cv2.minMaxLoc(sums)
    most = phases * (limit + slack)
    if -most <= low - phases * zero and high - phases * zero <= most:
        return None
    off = sums[0].astype(np.float32) / phases - zero
    excess = off - np.clip(off, -limit, limit)
    excess[np.abs(excess) <= slack] = 0
    return np.asarray(excess.reshape(luma.shape[1:]), np.float32) if excess.any() else None
