"""Picture measures in float64: PSNR and SSIM as super-resolution papers report them."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from edge_vsr.color import Matrix, Range, code_affine

Luma = npt.NDArray[np.float64]
BEST_DB = 100.0  # what equal pictures count as where PSNR is averaged


def luma_601(rgb: npt.NDArray[np.generic]) -> Luma:
    """BT.601 limited-range luma of full-range 8-bit R'G'B' (H, W, 3), unrounded: MATLAB's rgb2ycbcr."""
    weights = np.array([65.481, 128.553, 24.966]) / 255.0
    return np.asarray(rgb.astype(np.float64) @ weights + 16.0)


def chroma_601(rgb: npt.NDArray[np.generic]) -> npt.NDArray[np.float64]:
    """BT.601 limited-range Cb and Cr (H, W, 2) of full-range 8-bit R'G'B' (H, W, 3), unrounded, at full size."""
    gain, offset = code_affine(Matrix.SMPTE170M, Range.LIMITED, 8)
    return np.asarray(rgb.astype(np.float64) @ (gain[1:].T / 255.0) + offset[1:])


def psnr(result: npt.NDArray[np.generic], truth: npt.NDArray[np.generic], peak: float = 255.0) -> float:
    """Peak signal-to-noise ratio in dB; infinite for equal pictures."""
    error = float(np.mean(np.square(result.astype(np.float64) - truth.astype(np.float64))))
    return float("inf") if error == 0 else float(10 * np.log10(peak * peak / error))


def ssim(result: npt.NDArray[np.generic], truth: npt.NDArray[np.generic], peak: float = 255.0) -> float:
    """Mean structural similarity (Wang et al. 2004): 11x11 Gaussian of sigma 1.5, borders left out.

    Pictures smaller than the window get the largest one that fits.
    """
    h, w = result.shape
    reach = min(5, (min(h, w) - 1) // 2)
    window = cv2.getGaussianKernel(2 * reach + 1, 1.5)

    def local(values: Luma) -> Luma:
        return np.asarray(
            cv2.sepFilter2D(values, cv2.CV_64F, window, window)[reach : h - reach, reach : w - reach], np.float64
        )

    a, b = result.astype(np.float64), truth.astype(np.float64)
    c1, c2 = (0.01 * peak) ** 2, (0.03 * peak) ** 2
    mean_a, mean_b = local(a), local(b)
    var_a, var_b = local(a * a) - mean_a**2, local(b * b) - mean_b**2
    covariance = local(a * b) - mean_a * mean_b
    score = (2 * mean_a * mean_b + c1) * (2 * covariance + c2) / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2))
    return float(score.mean())
