"""Motion of tiles and cuts, held against pictures shifted by known distances."""

from __future__ import annotations

import numpy as np
import pytest
from analyse_frames import last_of, planes, texture

H, W = 540, 960
SCENE = texture(H + 80, W + 80)


@pytest.mark.parametrize("shift", [(0, 1), (2, 0), (3, 4), (0, 8), (12, 0), (16, 3), (20, 10), (0, 30), (32, 32)])
def test_motion_is_measured_within_a_fifth(shift: tuple[int, int]) -> None:
    moved = SCENE[shift[0] : shift[0] + H, shift[1] : shift[1] + W]
    seen = last_of([planes(SCENE[:H, :W], 1, 0), planes(moved, 1, 1)])
    assert np.median(seen.motion) == pytest.approx(np.hypot(*shift), rel=0.2, abs=0.3)
    assert not seen.cut


def test_what_stands_still_has_no_motion() -> None:
    moved = SCENE[:H, :W].copy()
    moved[:, : W // 2] = SCENE[:H, 10 : 10 + W // 2]
    seen = last_of([planes(SCENE[:H, :W], 2, 0), planes(moved, 2, 1)])
    motion = seen.motion.reshape(5, 6)
    assert np.median(motion[:, :3]) == pytest.approx(10, rel=0.25)
    assert np.median(motion[:, 3:]) < 0.5
    assert not last_of([planes(SCENE[:H, :W])] * 2).motion.any()


def test_another_scene_is_a_cut() -> None:
    for seed in range(1, 6):
        seen = last_of([planes(SCENE[:H, :W], 2), planes(texture(H, W, seed), 2)])
        assert seen.cut
        assert not seen.motion.any()


def test_a_fade_or_a_flash_is_no_cut() -> None:
    picture = SCENE[:H, :W]
    assert not last_of([planes(picture), planes(picture * 0.8)]).cut
    assert not last_of([planes(picture), planes(picture + 60)]).cut
    assert not last_of([planes(picture), planes(picture, 10)]).cut


def test_from_black_to_a_picture_is_a_cut() -> None:
    assert last_of([planes(np.full((H, W), 16.0)), planes(SCENE[:H, :W])]).cut


def test_a_thing_moving_through_is_no_cut() -> None:
    moved = SCENE[:H, :W].copy()
    moved[100:400, 200:500] = 230
    assert not last_of([planes(SCENE[:H, :W]), planes(moved)]).cut
