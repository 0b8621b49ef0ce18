"""Estimates of noise and coding damage, held against noise and damage of known size."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_vsr.factory.degradations import Codec
from edge_vsr.upscale.analyse.coding import blocking, starvation
from edge_vsr.upscale.analyse.condition import condition
from edge_vsr.upscale.analyse.noise import noise_sigma

Luma = npt.NDArray[np.uint8]
Band = npt.NDArray[np.int16]


def haar(luma: Luma) -> tuple[Band, Band, Band]:
    """LH, HL and HH, twice as large as orthonormal ones."""
    a, b, c, d = (luma[dy::2, dx::2].astype(np.int16) for dy in (0, 1) for dx in (0, 1))
    return a + b - c - d, a - b + c - d, a - b - c + d


def ramp(sigma: float, seed: int, shape: tuple[int, int] = (192, 256)) -> Luma:
    smooth = np.linspace(60, 190, shape[1])[None, :] + np.linspace(-15, 15, shape[0])[:, None]
    noisy = smooth + np.random.default_rng(seed).normal(0, sigma, shape)
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


def natural(shape: tuple[int, int] = (192, 256)) -> Luma:
    """Random detail whose spectrum falls as that of photographs does."""
    rng = np.random.default_rng(0)
    frequency = np.hypot(np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1])[None])
    frequency[0, 0] = 1
    spectrum = (rng.normal(size=frequency.shape) + 1j * rng.normal(size=frequency.shape)) / frequency
    detail = np.fft.irfft2(spectrum, shape)
    return np.clip(120 + 38 * detail / detail.std(), 16, 235).astype(np.uint8)


def coded(luma: Luma, name: str, quantiser: int) -> Luma:
    """One intra picture through a real encoder."""
    chroma = np.full((luma.shape[0] // 2, luma.shape[1] // 2), 128, np.uint8)
    options = {"qp": str(quantiser)} if name == "libx264" else {"qmin": str(quantiser), "qmax": str(quantiser)}
    return np.asarray(
        Codec(name, {**options, "g": "1", "bf": "0"}).round_trip([(luma, chroma, chroma)])[0][0], np.uint8
    )


@pytest.mark.parametrize("sigma", [1, 2, 3, 5, 8, 12, 16, 20])
@pytest.mark.parametrize("seed", range(3))
def test_noise_is_measured_within_15_percent(sigma: float, seed: int) -> None:
    assert noise_sigma(haar(ramp(sigma, seed))[2]) == pytest.approx(sigma, rel=0.15)


def test_a_smooth_picture_has_no_noise() -> None:
    assert noise_sigma(haar(ramp(0, 0))[2]) < 0.5
    assert noise_sigma(np.zeros((24, 24), np.int16)) == 0


def test_edges_are_not_noise() -> None:
    luma = ramp(3, 0)
    luma[:, :160] = natural()[:, :160]  # five eighths of the picture
    luma[::48, 160:] = 250
    assert noise_sigma(haar(luma)[2]) == pytest.approx(3, rel=0.25)


QUANTISERS = {"mpeg2video": (2, 12, 24, 31), "mpeg4": (2, 12, 24, 31), "libx264": (10, 36, 44, 50)}


@pytest.mark.parametrize("codec", QUANTISERS)
def test_damage_grows_with_the_quantiser(codec: str) -> None:
    source = natural()
    seen = [source, *(coded(source, codec, q) for q in QUANTISERS[codec])]
    starving = [starvation(*haar(luma)) for luma in seen]
    blocks = [blocking(luma) for luma in seen]
    damage = [condition(luma).coding for luma in seen]
    assert starving == sorted(starving)
    assert blocks == sorted(blocks) or codec == "libx264"  # which smooths its blocks away
    assert damage[1] < 72  # near-lossless passes for clean
    assert damage[1] < damage[3] < damage[4]
    assert starving[-1] > 0.4
    assert blocks[-1] > 0.3


def test_flat_pictures_have_nothing_to_lose() -> None:
    flat = np.full((64, 64), 90, np.uint8)
    assert starvation(*haar(flat)) == 0
    assert blocking(flat) == 0


@pytest.mark.parametrize("phase", range(8))
def test_a_block_grid_is_seen_wherever_it_lies(phase: int) -> None:
    steps = (np.arange(160) + phase) // 8 * 9 % 200 + 20
    assert blocking(np.repeat(steps[None], 64, axis=0).astype(np.uint8)) == 1
    assert blocking(np.repeat(np.arange(160)[None], 64, axis=0).astype(np.uint8)) == 0


@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 3), st.integers(0, 99))
@settings(max_examples=60)
def test_any_frame_gives_two_code_values_and_always_the_same(height: int, width: int, stride: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    luma = rng.choice([0, 255, 128], (height, width)).astype(np.uint8)
    luma.setflags(write=False)
    seen = condition(luma, stride=stride)
    assert isinstance(seen.noise, int)
    assert 0 <= seen.noise <= 255
    assert 0 <= seen.coding <= 255
    assert condition(luma.copy(), stride=stride) == seen
    wide = np.zeros((height, width + 7), np.uint8)
    wide[:, :width] = luma
    assert condition(wide[:, :width], stride=stride) == seen  # a view with a stride


@pytest.mark.parametrize("shape", [(1, 1), (2, 2), (15, 4000), (4000, 15)])
def test_a_picture_too_small_to_judge_counts_as_clean(shape: tuple[int, int]) -> None:
    seen = condition(np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8))
    assert (seen.noise, seen.coding) == (0, 64)


def test_what_no_codec_has_touched_has_no_coding_damage() -> None:
    blocks = np.repeat((np.arange(160) // 8 * 9 % 200 + 20)[None], 64, axis=0).astype(np.uint8)
    assert condition(blocks, coded=False).coding == 0
    assert condition(blocks, coded=True).coding > 64


def test_a_large_frame_is_judged_from_bands_of_itself() -> None:
    small, large = ramp(6, 1), ramp(6, 1, (1080, 1920))
    assert condition(large).noise == pytest.approx(condition(large, stride=1).noise, abs=4)
    assert condition(large).noise == pytest.approx(condition(small).noise, abs=6)


def test_noise_fills_its_scale_at_twenty_codes() -> None:
    assert condition(ramp(5, 0)).noise == pytest.approx(60, abs=9)
    assert condition(np.random.default_rng(0).integers(0, 256, (64, 64)).astype(np.uint8)).noise == 255
