"""From good pictures to received ones: scaling in place, chroma where it is said to be, the chain of a shot."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from factory_pictures import drawn_photo

from edge_vsr.bench.metrics import psnr
from edge_vsr.color import Matrix, Range
from edge_vsr.factory.camera import Lens, Sensor
from edge_vsr.factory.degradations import (
    CAMERA_SHARE,
    LEFT,
    REDUCTIONS,
    SITINGS,
    TWICE,
    Damage,
    downscale,
    to_yuv420,
)
from edge_vsr.factory.shots import Shot
from edge_vsr.frame import Siting
from edge_vsr.upscale.resample import Kernel

COLOR = (Matrix.SMPTE170M, Range.LIMITED)
PLAIN = Damage(Lens(), REDUCTIONS[0][1], Sensor(), LEFT, [])


def shot(frames: int = 3, drift: float = 0.0) -> Shot:
    return Shot([drawn_photo(96, 96, 4)] * frames, np.full((1, 1, 2), drift), 96)


@pytest.mark.parametrize("kernel", [kernel for _, kernel in REDUCTIONS], ids=lambda kernel: kernel.name)
@pytest.mark.parametrize("factor", [1, 2, 3, 4])
def test_a_reduction_leaves_the_picture_in_its_place(factor: int, kernel: Kernel) -> None:
    """A ramp of R'G'B' shrinks to the ramp's values at the centres of the larger pixels."""
    x, y = np.meshgrid(np.arange(48.0), np.arange(36.0))
    rgb = np.stack([2 * x + y, 100 + x, 50 + 3 * y], axis=-1).astype(np.float32)
    small = downscale(rgb, factor, kernel)
    cx, cy = (np.arange(48 // factor) + 0.5) * factor - 0.5, (np.arange(36 // factor) + 0.5) * factor - 0.5
    want = np.stack(np.broadcast_arrays(2 * cx + cy[:, None], 100 + cx, 50 + 3 * cy[:, None]), axis=-1)
    assert np.allclose(small[3:-3, 3:-3], want[3:-3, 3:-3], atol=1e-3)


@pytest.mark.parametrize("siting", [siting for _, siting in SITINGS])
def test_chroma_lies_where_it_is_said_to_lie(siting: Siting) -> None:
    x, y = np.meshgrid(np.arange(64.0), np.arange(48.0))
    blue = (2 * x + y).astype(np.float32)
    rgb = np.stack([np.zeros_like(blue), np.zeros_like(blue), blue], axis=-1)
    luma, cb, _ = to_yuv420(rgb, Matrix.SMPTE170M, Range.FULL, siting)
    assert (luma.shape, cb.shape) == ((48, 64), (24, 32))
    at = 2 * (2 * np.arange(32) + siting.x) + (2 * np.arange(24)[:, None] + siting.y)
    inner = (slice(3, -3), slice(3, -3))
    assert np.abs(cb.astype(float) - (128 + at / 2))[inner].max() <= 0.5 + 1e-3
    assert np.abs(luma.astype(float) - 0.114 * blue)[inner].max() <= 0.5 + 1e-3


def test_most_chroma_lies_where_the_net_is_told() -> None:
    assert Siting(0.0, 0.5) == LEFT == SITINGS[0][1]
    rng = np.random.default_rng(0)
    right = [Damage.draw(0.5, rng).siting == LEFT for _ in range(600)]
    assert np.mean(right) == pytest.approx(1 - CAMERA_SHARE * 0.15, abs=0.03)


@pytest.mark.parametrize("range_", Range)
@pytest.mark.parametrize("matrix", [Matrix.BT709, Matrix.SMPTE170M])
def test_grey_has_no_chroma(matrix: Matrix, range_: Range) -> None:
    grey = np.repeat(np.random.default_rng(0).uniform(0, 255, (16, 16, 1)), 3, axis=2).astype(np.float32)
    _, cb, cr = to_yuv420(grey, matrix, range_)
    assert np.all(cb == 128)
    assert np.all(cr == 128)


def test_most_shots_are_reduced_and_coded_and_nothing_else() -> None:
    rng = np.random.default_rng(0)
    drawn = [Damage.draw(0.7, rng) for _ in range(600)]
    plain = [d for d in drawn if replace(d, generations=[]) == PLAIN]
    assert len(plain) / 600 == pytest.approx(1 - CAMERA_SHARE, abs=0.06)
    assert all(d.generations for d in drawn)
    twice = np.mean([len(d.generations) == 2 for d in plain])
    assert twice == pytest.approx(TWICE[False], abs=0.04)


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_without_camera_and_codec_it_is_the_textbook_task(scale: int) -> None:
    scene = shot()
    got = PLAIN.received(scene, scale, COLOR, np.random.default_rng(0))
    small = np.clip(np.rint(downscale(scene.frames[0].astype(np.float32), scale)), 0, 255)
    want = to_yuv420(small, *COLOR)
    assert len(got) == len(scene.frames)
    assert all(np.array_equal(p, q) for frame in got for p, q in zip(frame, want, strict=True))


def test_noise_is_fresh_in_every_frame_and_the_pattern_is_not() -> None:
    scene = shot(2)
    noisy = replace(PLAIN, sensor=Sensor(read_sigma=6)).received(scene, 2, COLOR, np.random.default_rng(0))
    assert not np.array_equal(noisy[0][0], noisy[1][0])
    pattern = replace(PLAIN, sensor=Sensor(offset_sigma=1.5)).received(scene, 2, COLOR, np.random.default_rng(0))
    assert np.array_equal(pattern[0][0], pattern[1][0])
    assert not np.array_equal(pattern[0][0], PLAIN.received(scene, 2, COLOR, np.random.default_rng(0))[0][0])


def test_each_cell_of_a_wall_is_smeared_by_its_own_motion() -> None:
    picture = drawn_photo(96, 96, 4)
    drift = np.zeros((1, 2, 2))
    drift[0, 1, 0] = 5.0  # the right half moves sideways
    scene = Shot([np.hstack([picture, picture])], drift, 96)
    ((luma, _, _),) = replace(PLAIN, lens=Lens(shutter=0.5)).received(scene, 2, COLOR, np.random.default_rng(0))
    ((sharp, _, _),) = PLAIN.received(scene, 2, COLOR, np.random.default_rng(0))
    assert np.array_equal(luma[:, :46], sharp[:, :46])
    steps = [np.square(np.diff(p[:, 50:].astype(float))).mean() for p in (luma, sharp)]
    assert steps[0] < 0.9 * steps[1]


def test_the_more_severe_the_worse() -> None:
    wide = drawn_photo(168, 128, 3)
    scene = Shot([wide[:, 2 * t : 2 * t + 160] for t in range(4)], np.array([[[-2.0, 0.0]]]), 128)
    small = PLAIN.received(scene, 1, COLOR, np.random.default_rng(0))
    means = []
    for severity in (0.0, 0.25, 0.5, 0.75, 1.0):
        rng = np.random.default_rng(7)
        received = [Damage.draw(severity, rng).received(scene, 1, COLOR, rng) for _ in range(12)]
        means.append(np.mean([psnr(got[2][0], small[2][0]) for got in received]))
    assert all(worse < better - 1 for better, worse in pairwise(means))
    assert means[0] > 38
