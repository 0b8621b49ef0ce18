"""Invention: how far an enlarged picture says something else than its source where the source can be asked.

The source knows nothing of fine detail, but what a block looks like on average it knows well. The block is 2x2 source
pixels, what it should look like is the bicubic enlargement. Any method can be measured, and no truth is needed.
The truth itself does not score 0: resampling bends the means at strong edges, and a good net mends that.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from edge_vsr.frame import Frame
from edge_vsr.upscale.resample import KERNELS, resample_frame

_TOLERANCE_CODES = 1.0  # about what rounding, dither and the difference between kernels come to
_BLOCK_PX = 2  # of the source


def invention(large: Frame, base: Frame, source: Frame) -> float:
    """Mean over blocks of how far luma's block mean is moved beyond 1 code value; 0 for the base itself.

    large, base: 8-bit frames of one size, a whole multiple of that of ``source``; ``base``: see ``base_of``. What is
    left of the picture beyond whole blocks is not looked at.
    """
    step = large.width_px // source.width_px * _BLOCK_PX
    tall, wide = (side // step * step for side in large.planes[0].shape)
    moved = cv2.subtract(_luma(large)[:tall, :wide], _luma(base)[:tall, :wide], dtype=cv2.CV_32F)
    means = moved.reshape(tall // step, step, wide // step, step).mean(axis=(1, 3))
    return float(np.maximum(np.abs(means) - _TOLERANCE_CODES, 0).mean())


def base_of(source: Frame, width_px: int, height_px: int) -> Frame:
    """The source at that size by the bicubic kernel alone."""
    return resample_frame(source, width_px, height_px, KERNELS["bicubic"], source.layout, source.siting)


def _luma(frame: Frame) -> npt.NDArray[np.uint8]:
    return np.asarray(frame.planes[0], np.uint8)
