"""What only a moving picture shows: motion that is not the truth's, and calm places that do not stay calm."""

from __future__ import annotations

from typing import cast

import cv2
import numpy as np
import numpy.typing as npt

Luma = npt.NDArray[np.uint8]
Flow = npt.NDArray[np.float32]

_STATIC_CODES = 1.5  # mean change of truth around a pixel, below which it stands still (camera noise passes)
_AROUND_PX = 9
_LEAST_SHARE = 0.01  # of the picture: a smaller static part says nothing


def flow(before: Luma, after: Luma) -> Flow:
    """Dense motion (H, W, 2) in pixels: Farneback (SCIA 2003), with the settings of TecoGAN's measure."""
    nothing = cast(npt.NDArray[np.float32], None)
    return np.asarray(cv2.calcOpticalFlowFarneback(before, after, nothing, 0.5, 3, 15, 3, 5, 1.2, 0), np.float32)


def flow_error(result: Flow, truth: Flow) -> float:
    """tOF of Chu et al. (TecoGAN, ACM TOG 39:4, 2020): mean length of the difference, in pixels."""
    return float(np.linalg.norm(result - truth, axis=-1).mean())


def static_part(before: Luma, after: Luma) -> npt.NDArray[np.bool_] | None:
    """Where truth stands still (H, W); None where that is next to nowhere."""
    change = cv2.blur(cv2.absdiff(before, after).astype(np.float32), (_AROUND_PX, _AROUND_PX))
    still = np.asarray(change <= _STATIC_CODES, np.bool_)
    return still if still.mean() >= _LEAST_SHARE else None


def restlessness(before: Luma, after: Luma, where: npt.NDArray[np.bool_]) -> float:
    """Mean absolute change of a picture from frame to frame on a part of it, in code values."""
    return float(cv2.absdiff(before, after)[where].mean())
