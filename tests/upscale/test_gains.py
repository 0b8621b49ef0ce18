"""What a net is expected to gain on a tile."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_vsr.upscale.analyse.analysis import Analysis
from edge_vsr.upscale.gains import FEATURES, expected, features

LEVELS = st.floats(0, 80, width=32)
WEIGHTS = st.lists(st.floats(0, 10), min_size=4, max_size=4)


def analysis(detail: list[float], noise: list[float], coding: list[float]) -> Analysis:
    levels, noises, damage = (np.array(each, np.float32) for each in (detail, noise, coding))
    return Analysis(np.ones(len(detail), np.bool_), levels, noises, damage, np.zeros_like(levels), False)


def test_features_are_in_the_order_of_their_names() -> None:
    row = dict(zip(FEATURES, features(analysis([3], [2], [0.5]))[0].tolist(), strict=True))
    assert row == {"detail": 3, "detail squared": 9, "detail times damage": 1.5, "noise squared": 4}


@given(st.lists(st.tuples(LEVELS, LEVELS, st.floats(0, 1, width=32)), min_size=1, max_size=9), WEIGHTS)
def test_weights_that_are_not_negative_give_gains_that_are_not(
    told: list[tuple[float, float, float]], weights: list[float]
) -> None:
    gains = expected(analysis(*(list(each) for each in zip(*told, strict=True))), weights)
    assert gains.shape == (len(told),)
    assert np.all(gains >= 0)
    assert np.all(np.isfinite(gains))


@given(WEIGHTS, st.floats(1, 9), st.floats(1, 9), st.floats(0, 0.5))
def test_more_of_anything_is_no_less_gain(weights: list[float], detail: float, noise: float, coding: float) -> None:
    tiles = analysis(
        [detail, detail + 1, detail, detail], [noise, noise, noise + 1, noise], [coding] * 3 + [coding + 0.5]
    )
    gains = expected(tiles, weights)
    assert np.all(gains[1:] >= gains[0])


@pytest.mark.parametrize("weights", [(), []])
def test_of_a_package_without_weights_gain_grows_with_detail_alone(weights: tuple[float, ...] | list[float]) -> None:
    gains = expected(analysis([0, 1, 2, 8, 8], [0, 0, 0, 0, 9], [0, 0, 0, 0, 1]), weights)
    assert gains[0] == 0
    assert np.all(np.diff(gains[:4]) > 0)
    assert gains[3] == gains[4]


def test_every_weight_counts_for_its_feature() -> None:
    tile = analysis([3], [2], [0.5])
    assert [expected(tile, np.eye(4)[index].tolist()).item() for index in range(4)] == [3, 9, 1.5, 4]
