"""Noise by luminance, held against noise of known size."""

from __future__ import annotations

import numpy as np
import pytest
from analyse_frames import Samples, grid, last_of, planes, texture

from edge_vsr.upscale.analyse.analysis import Analyser
from edge_vsr.upscale.analyse.cells import cell_means
from edge_vsr.upscale.analyse.haar import haar_cells, sampled_strips
from edge_vsr.upscale.analyse.noise_model import NoiseModel

H, W = 540, 960


def ramp() -> Samples:
    return np.tile(np.linspace(60, 190, W), (H, 1))


def learn(model: NoiseModel, picture: Samples, sigma: float, seed: int) -> None:
    luma = planes(picture, sigma, seed)[0]
    model.learn(haar_cells(sampled_strips(luma, 1)), cell_means(luma))


@pytest.mark.parametrize("sigma", [1, 2, 3, 5, 8, 12, 16, 20])
@pytest.mark.parametrize("picture", ["ramp", "flat"])
def test_noise_is_measured_within_10_percent_in_every_tile(sigma: float, picture: str) -> None:
    truth = ramp() if picture == "ramp" else np.full((H, W), 100.0)
    seen = last_of([planes(truth, sigma, seed) for seed in range(4)])
    assert seen.noise == pytest.approx(np.full(30, np.hypot(sigma, 12**-0.5)), rel=0.1)


def test_noise_that_grows_with_light_is_found_at_every_tone() -> None:
    rng = np.random.default_rng(0)
    model = NoiseModel()
    tones = np.broadcast_to(np.linspace(20, 230, W), (H, W))
    for _ in range(5):
        luma = np.clip(np.rint(tones + rng.normal(size=tones.shape) * (1 + tones / 40)), 0, 255).astype(np.uint8)
        model.learn(haar_cells(sampled_strips(luma, 1)), cell_means(luma))
    some = np.arange(30, 220, 10)
    assert model.sigma_of_luma()[some] == pytest.approx(1 + some / 40, rel=0.1)


def test_texture_is_not_wildly_taken_for_noise() -> None:
    scene = texture(H, W)
    detail = last_of([planes(scene)]).detail.mean()
    assert last_of([planes(scene)] * 3).noise.max() < 0.5 * detail
    assert last_of([planes(scene, 5, seed) for seed in range(4)]).noise == pytest.approx(np.full(30, 5), rel=0.15)


def test_the_posterior_tightens_with_evidence() -> None:
    model = NoiseModel()
    spread = []
    for seed in range(4):
        learn(model, ramp(), 3, seed)
        spread.append(model.uncertainty()[4:11].max())
    assert spread == sorted(spread, reverse=True)
    assert spread[-1] < 0.1 < model.uncertainty()[0]


def test_a_jump_of_noise_is_followed() -> None:
    model = NoiseModel()
    for seed in range(12):
        learn(model, ramp(), 2 if seed < 4 else 8, seed)
    assert model.sigma_of_luma()[120] == pytest.approx(8, rel=0.15)


def test_nothing_known_is_no_noise() -> None:
    assert not NoiseModel().sigma_of_luma().any()


def test_noise_is_not_detail() -> None:
    smooth = last_of([planes(ramp(), 6, seed) for seed in range(4)])
    assert smooth.detail.max() < 2
    sharp = texture(H, W, contrast=60)
    clean, noisy = last_of([planes(sharp)] * 4), last_of([planes(sharp, 6, seed) for seed in range(4)])
    assert noisy.detail.mean() == pytest.approx(clean.detail.mean(), rel=0.5)


def test_a_reset_forgets_the_noise() -> None:
    analyser = Analyser(W, H, grid(H, W), coded=False)
    for seed in range(3):
        analyser.analyse(planes(ramp(), 9, seed), None)
    analyser.reset()
    assert analyser.analyse(planes(ramp(), 1, 9), None).noise.max() < 1.3
