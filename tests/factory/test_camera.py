"""The camera: blur that moves nothing, noise of the size it was given, sharpening that leaves flat areas alone."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_vsr.factory.camera import (
    LONGEST_BLUR,
    SHAPES,
    STAGES,
    Lens,
    Sensor,
    motion_kernel,
    optics_kernel,
    sharpened,
)

Picture = npt.NDArray[np.float32]


def flat(code: float, h: int = 128, w: int = 160) -> Picture:
    return np.full((h, w, 3), code, np.float32)


def moments(kernel: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Centroid (x, y) from the middle, and covariance."""
    radius = kernel.shape[0] // 2
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    at, weight = np.stack([x.ravel(), y.ravel()]).astype(float), kernel.ravel().astype(float)
    centre = at @ weight
    return centre, (weight * (at - centre[:, None])) @ (at - centre[:, None]).T


def seen(sensor: Sensor, rgb: Picture, frames: int = 1, seed: int = 0) -> npt.NDArray[np.float64]:
    """(frames, H, W, 3) of a scene that stands still."""
    rng = np.random.default_rng(seed)
    fixed = sensor.fixed_pattern(*rgb.shape[:2], rng)
    return np.stack([sensor.seen(rgb, fixed, rng) for _ in range(frames)]).astype(np.float64)


@given(st.sampled_from(SHAPES), st.floats(0.25, 5), st.floats(0.4, 1), st.floats(0, np.pi))
def test_a_lens_spreads_light_and_moves_none(shape: str, sigma: float, ratio: float, angle: float) -> None:
    kernel = optics_kernel(shape, sigma, ratio, angle)
    assert kernel.shape[0] == kernel.shape[1]
    assert kernel.shape[0] % 2 == 1
    assert kernel.min() >= 0
    assert kernel.sum() == pytest.approx(1, abs=1e-5)
    assert np.abs(moments(kernel)[0]).max() < 1e-4


@pytest.mark.parametrize("sigma", [0.8, 1.2, 3.6])
def test_round_and_disc_have_the_spread_they_were_given(sigma: float) -> None:
    for shape in ("round", "disc"):
        spread = moments(optics_kernel(shape, sigma))[1]
        assert np.sqrt(np.diag(spread)) == pytest.approx(sigma, rel=0.06)
    long, short = np.sqrt(np.linalg.eigvalsh(moments(optics_kernel("oval", sigma, 0.5, 0.7))[1]))[::-1]
    assert short == pytest.approx(long / 2, rel=0.1)


def test_diffraction_has_a_dark_ring() -> None:
    line = optics_kernel("airy", 4.0)
    middle = line[line.shape[0] // 2, line.shape[0] // 2 :]
    first_zero = 3.8317 / 1.32 * 4.0
    assert middle[round(first_zero)] < 0.002 * middle[0]
    assert np.all(np.diff(middle[: int(first_zero)]) < 0)


@given(st.floats(-9, 9), st.floats(-9, 9))
def test_motion_smears_evenly_about_the_middle(dx: float, dy: float) -> None:
    kernel = motion_kernel(dx, dy)
    centre, spread = moments(kernel)
    assert kernel.sum() == pytest.approx(1, abs=1e-5)
    assert np.abs(centre).max() < 1e-4
    length = np.hypot(dx, dy)
    along = np.array([dx, dy]) / max(length, 1e-9)
    # an even line has L^2 / 12; 33 dots instead of a line and the spread of bilinear drops add a little
    assert length**2 / 12 - 1e-4 <= along @ spread @ along <= length**2 / 12 * 1.07 + 0.3


def test_the_shutter_decides_how_far_motion_smears() -> None:
    dot = np.zeros((41, 41, 3), np.float32)
    dot[20, 20] = 255
    smear = Lens(shutter=0.5).blurred(dot, 2, (4.0, 0.0))[..., 0]
    assert smear.sum() == pytest.approx(255, rel=1e-4)
    assert np.flatnonzero(smear[20]).tolist() == [19, 20, 21]  # half of four pixels
    assert not smear[:20].any()
    capped = Lens(shutter=0.5).blurred(dot, 2, (60.0, 0.0))[20, :, 0]
    assert np.flatnonzero(capped > 1e-3).tolist() == list(range(20 - round(LONGEST_BLUR), 21 + round(LONGEST_BLUR)))
    assert np.array_equal(Lens(shutter=0.5).blurred(dot, 2), dot)  # nothing moves


def test_blur_is_measured_in_received_pixels() -> None:
    dot = np.zeros((81, 81, 3), np.float32)
    dot[40, 40] = 255
    for scale in (1, 2, 4):
        spread = moments(Lens(sigma_px=1.2).blurred(dot, scale)[..., 0] / 255)[1]
        assert np.sqrt(spread[0, 0]) == pytest.approx(1.2 * scale, rel=0.05)


@pytest.mark.parametrize(("read", "gain"), [(5.0, 0.0), (0.0, 0.2), (4.0, 0.1)])
@pytest.mark.parametrize("grain", [0.0, 0.5])
def test_noise_grows_with_light_as_said(read: float, gain: float, grain: float) -> None:
    for code in (60, 120, 190):
        got = seen(Sensor(read_sigma=read, shot_gain=gain, grain_px=grain, shared=0.5), flat(code))
        assert got.std() == pytest.approx(np.sqrt(read**2 + gain * code), rel=0.03)
        assert got.mean() == pytest.approx(code, abs=0.15)


def test_dark_parts_of_a_picture_are_quieter_than_bright_ones() -> None:
    half = flat(30)
    half[:, 80:] = 200
    got = seen(Sensor(shot_gain=0.2), half)[0]
    assert got[:, :80].std() == pytest.approx(np.sqrt(0.2 * 30), rel=0.05)
    assert got[:, 80:].std() == pytest.approx(np.sqrt(0.2 * 200), rel=0.05)


def test_noise_has_a_ceiling_and_codes_a_range() -> None:
    assert seen(Sensor(read_sigma=90), flat(120)).std() == pytest.approx(12, rel=0.03)
    assert seen(Sensor(read_sigma=90, amount=0.8), flat(120)).std() <= 12.1
    assert seen(Sensor(read_sigma=12), flat(254)).max() == 255


@pytest.mark.parametrize("shared", [0.0, 0.5, 1.0])
def test_channels_share_as_much_noise_as_said(shared: float) -> None:
    red, green, _ = seen(Sensor(read_sigma=5, shared=shared), flat(120))[0].reshape(-1, 3).T
    assert np.corrcoef(red, green)[0, 1] == pytest.approx(shared, abs=0.03)


def test_grain_makes_neighbours_alike() -> None:
    for grain, low, high in ((0.0, -0.03, 0.03), (0.6, 0.3, 0.7)):
        field = seen(Sensor(read_sigma=5, grain_px=grain), flat(120))[0, ..., 0] - 120
        assert low < (field[:, 1:] * field[:, :-1]).mean() / field.var() < high


def test_the_fixed_pattern_stays_and_temporal_noise_does_not() -> None:
    still = seen(Sensor(offset_sigma=1.5, gain_sigma=0.015), flat(100), frames=3)
    assert np.array_equal(still[0], still[2])
    assert still[0, ..., 0].std() == pytest.approx(np.hypot(1.5, 1.5), rel=0.05)
    fresh = seen(Sensor(read_sigma=3), flat(100), frames=2) - 100
    assert abs(np.corrcoef(fresh[0].ravel(), fresh[1].ravel())[0, 1]) < 0.02
    both = seen(Sensor(read_sigma=3, offset_sigma=1.5), flat(100), frames=24)
    assert both.mean(axis=0).std() == pytest.approx(np.sqrt(1.5**2 + 9 / 24), rel=0.06)


def test_rows_are_shifted_as_rows_and_anew_in_every_frame() -> None:
    rows = seen(Sensor(row_sigma=1.5), flat(100, h=400), frames=2)
    assert np.ptp(rows, axis=(2, 3)).max() == pytest.approx(0, abs=1e-4)
    assert rows[..., 0, 0].std() == pytest.approx(1.5, rel=0.1)
    assert not np.array_equal(rows[0], rows[1])


@given(st.floats(0, 0.8), st.floats(0.6, 2.0), st.integers(0, 255))
def test_sharpening_leaves_flat_areas_alone(amount: float, radius: float, code: int) -> None:
    assert np.allclose(sharpened(flat(code, 20, 20), amount, radius), code, atol=1e-3)


def test_sharpening_overshoots_at_edges_and_keeps_them_in_place() -> None:
    step = flat(60, 40, 40)
    step[:, 20:] = 180
    line = sharpened(step, 0.8, 1.0)[20, :, 0]
    assert line[19] < 60 - 10
    assert line[20] > 180 + 10
    assert line[19] + line[20] == pytest.approx(240, abs=1e-3)
    assert line[[5, 35]].tolist() == pytest.approx([60, 180], abs=1e-3)


@given(st.floats(0, 1), st.integers(0, 2**32 - 1))
def test_severity_bounds_every_stage(severity: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    lens, sensor = Lens.draw(severity, rng), Sensor.draw(severity, rng)
    drawn = {
        "optics": lens.sigma_px,
        "shutter": lens.shutter,
        "read": sensor.read_sigma,
        "shot": sensor.shot_gain,
        "offset": sensor.offset_sigma,
        "gain": sensor.gain_sigma,
        "row": sensor.row_sigma,
        "sharpen": sensor.amount,
    }
    assert drawn.keys() == STAGES.keys()
    for name, strength in drawn.items():
        assert strength == 0 or 0.3 * severity * STAGES[name].most <= strength <= severity * STAGES[name].most


def test_every_stage_comes_in_its_share_of_shots() -> None:
    rng = np.random.default_rng(0)
    for stage in STAGES.values():
        had = np.mean([stage.draw(0.5, rng) > 0 for _ in range(1000)])
        assert had == pytest.approx(stage.share, abs=0.05)


def test_without_severity_nothing_happens() -> None:
    rng = np.random.default_rng(0)
    picture = np.asarray(rng.uniform(0, 255, (24, 24, 3)), np.float32)
    sensor = Sensor.draw(0.0, rng)
    assert np.array_equal(Lens.draw(0.0, rng).blurred(picture, 2, (3.0, 2.0)), picture)
    assert np.array_equal(sensor.seen(picture, sensor.fixed_pattern(24, 24, rng), rng), picture)
