"""Picture measures against values worked out by hand and against the definition written out."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_vsr.bench.metrics import luma_601, psnr, ssim


def picture(seed: int, shape: tuple[int, int] = (32, 40)) -> np.ndarray:  # type: ignore[type-arg]
    return np.random.default_rng(seed).integers(20, 230, shape).astype(np.uint8)


@given(st.integers(1, 100), st.booleans())
def test_psnr_of_a_constant_error_is_its_logarithm(error: int, above: bool) -> None:
    truth = np.full((9, 7), 120, np.uint8)
    result = truth + error if above else truth - error
    assert psnr(result.astype(np.uint8), truth) == pytest.approx(20 * math.log10(255 / error))


def test_psnr_averages_squares_before_the_logarithm() -> None:
    truth = np.zeros((2, 2), np.uint8)
    result = np.array([[0, 0], [0, 10]], np.uint8)
    assert psnr(result, truth) == pytest.approx(10 * math.log10(255**2 / 25))


def test_psnr_knows_other_peaks_and_unsigned_codes() -> None:
    low, high = np.zeros((4, 4), np.uint16), np.full((4, 4), 10, np.uint16)
    assert psnr(low, high, peak=1023) == psnr(high, low, peak=1023) == pytest.approx(20 * math.log10(102.3))


def test_equal_pictures_are_perfect() -> None:
    assert psnr(picture(0), picture(0)) == math.inf
    assert ssim(picture(0), picture(0)) == pytest.approx(1, abs=1e-12)


def test_ssim_of_a_shift_in_brightness_is_its_luminance_term() -> None:
    # Flat pictures have no variance: what is left is (2ab + C1) / (a^2 + b^2 + C1).
    a, b, c1 = 100.0, 120.0, (0.01 * 255) ** 2
    flat = np.full((24, 24), a)
    assert ssim(flat + 20, flat) == pytest.approx((2 * a * b + c1) / (a * a + b * b + c1), abs=1e-9)


def test_ssim_is_its_definition_written_out() -> None:
    a, b = picture(1, (14, 13)).astype(float), picture(2, (14, 13)).astype(float)
    at = np.arange(-5, 6)
    gauss = np.exp(-(at**2) / (2 * 1.5**2))
    window = np.outer(gauss, gauss) / gauss.sum() ** 2
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    scores = []
    for y in range(14 - 10):
        for x in range(13 - 10):
            p, q = a[y : y + 11, x : x + 11], b[y : y + 11, x : x + 11]
            mp, mq = (window * p).sum(), (window * q).sum()
            vp, vq = (window * (p - mp) ** 2).sum(), (window * (q - mq) ** 2).sum()
            both = (window * (p - mp) * (q - mq)).sum()
            scores.append((2 * mp * mq + c1) * (2 * both + c2) / ((mp**2 + mq**2 + c1) * (vp + vq + c2)))
    assert ssim(a, b) == pytest.approx(np.mean(scores), abs=1e-9)


@given(st.integers(0, 50), st.integers(51, 100))
def test_ssim_is_symmetric_and_bounded(one: int, other: int) -> None:
    a, b = picture(one), picture(other)
    assert ssim(a, b) == pytest.approx(ssim(b, a), abs=1e-12)
    assert -1 <= ssim(a, b) < 0.5


def test_more_noise_scores_lower() -> None:
    truth = np.add.outer(np.arange(40.0), 3 * np.arange(40.0)) + 40
    noise = np.random.default_rng(0).normal(0, 1, truth.shape)
    for measure in (psnr, ssim):
        scores = [measure(truth + sigma * noise, truth) for sigma in (1, 3, 9, 27)]
        assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize(
    ("rgb", "luma"),
    [((0, 0, 0), 16), ((255, 255, 255), 235), ((255, 0, 0), 81.481), ((0, 255, 0), 144.553), ((0, 0, 255), 40.966)],
)
def test_luma_is_that_of_matlab(rgb: tuple[int, int, int], luma: float) -> None:
    assert luma_601(np.array([[rgb]], np.uint8))[0, 0] == pytest.approx(luma, abs=1e-9)
