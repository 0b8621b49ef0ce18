"""Motion and calm on pictures whose motion is known."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from edge_vsr.bench import temporal

Luma = npt.NDArray[np.uint8]


def texture(seed: int = 0) -> Luma:
    rough = cv2.GaussianBlur(np.random.default_rng(seed).normal(0, 1, (160, 200)), (0, 0), 3)
    return np.clip(128 + 100 * rough / np.abs(rough).max(), 0, 255).astype(np.uint8)


def shifted(luma: Luma, right: int, down: int) -> Luma:
    return np.roll(luma, (down, right), axis=(0, 1))


def test_a_shift_is_seen_as_such() -> None:
    found = temporal.flow(texture(), shifted(texture(), 3, -2))[30:-30, 30:-30]
    assert np.abs(found - np.array([3, -2])).mean() < 0.2


def test_flow_error_is_the_mean_length_of_the_difference() -> None:
    still, moved = np.zeros((4, 5, 2), np.float32), np.zeros((4, 5, 2), np.float32)
    moved[:2] = (3, 4)
    assert temporal.flow_error(moved, still) == pytest.approx(2.5)
    assert temporal.flow_error(moved, moved) == 0


def test_following_the_truth_beats_standing_still() -> None:
    a, b = texture(), shifted(texture(), 2, 0)
    truth = temporal.flow(a, b)
    soft = temporal.flow(
        cv2.GaussianBlur(a, (0, 0), 1).astype(np.uint8), cv2.GaussianBlur(b, (0, 0), 1).astype(np.uint8)
    )
    assert temporal.flow_error(soft, truth) < 0.3 * temporal.flow_error(np.zeros_like(truth), truth)


def test_static_is_what_does_not_move() -> None:
    before, after = texture(), texture()
    after[:, 100:] = shifted(texture(), 4, 3)[:, 100:]
    still = temporal.static_part(before, after)
    assert still is not None
    assert still[:, :95].all()
    assert still[:, 105:].mean() < 0.1
    assert temporal.static_part(before, 255 - before) is None


def test_restlessness_is_the_mean_change_of_the_named_part() -> None:
    before = np.full((10, 10), 50, np.uint8)
    after = before.copy()
    after[:5] += 4
    after[5:] -= 30
    where = np.zeros((10, 10), np.bool_)
    where[:5] = True
    assert temporal.restlessness(before, after, where) == 4
