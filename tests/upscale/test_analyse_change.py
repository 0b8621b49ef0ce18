"""Change: what moves or fades is seen, what only flickers is not."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from analyse_frames import grid, last_of, planes, texture
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_vsr.upscale.analyse.analysis import Analyser, Area

H, W = 540, 960


@pytest.mark.parametrize("sigma", [0, 1, 3, 8])
def test_noise_alone_changes_nothing(sigma: float) -> None:
    still = texture(H, W)
    frames = [planes(still, sigma, seed) for seed in range(5)]
    analyser = Analyser(W, H, grid(H, W), coded=False)
    for frame in frames:
        analyser.analyse(frame, None)
    changed = [analyser.analyse(now, before).changed.mean() for before, now in pairwise(frames)]
    assert max(changed) == 0


def test_without_a_reference_everything_is_changed() -> None:
    assert last_of([planes(texture(H, W))]).changed.all()


def test_a_slow_shift_of_a_still_textured_scene_is_seen() -> None:
    scene = texture(H, W + 2)
    assert last_of([planes(scene[:, 1:-1], 0.5, 0)] * 3 + [planes(scene[:, :-2], 0.5, 1)]).changed.mean() > 0.9


@pytest.mark.parametrize(("sigma", "contrast"), [(0, 12), (2, 25), (8, 90)])
def test_a_small_moving_thing_changes_its_tile_and_no_other(sigma: float, contrast: float) -> None:
    still = texture(H, W)
    moved = still.copy()
    moved[270:276, 400:406] += contrast
    seen = last_of([planes(still, sigma, 0), planes(still, sigma, 1), planes(moved, sigma, 2)])
    assert [i for i, changed in enumerate(seen.changed) if changed] == [14]


@pytest.mark.parametrize("sigma", [0, 4])
def test_a_fade_is_seen_before_anybody_does(sigma: float) -> None:
    still = texture(H, W)
    seen = last_of([planes(still, sigma, 0), planes(still, sigma, 1), planes(still + 1 + 1.5 * sigma, sigma, 2)])
    assert seen.changed.all()


def test_a_change_of_colour_alone_is_seen() -> None:
    still = texture(H, W)
    assert last_of([planes(still, 1, 0), planes(still, 1, 1, chroma=134)]).changed.all()


def test_what_moves_just_outside_a_tile_changes_it() -> None:
    still = texture(H, W)
    moved = still.copy()
    moved[100:110, 150:158] += 60  # ends 2 px before the tile to the right
    seen = last_of([planes(still), planes(moved)])
    assert seen.changed[[0, 1, 6, 7]].all()
    assert not seen.changed[2]


def test_more_tolerance_changes_less() -> None:
    still = texture(H, W)
    frames = [planes(still), planes(still + 2)]
    shares = []
    for tolerance in (0.0, 1.0, 2.0, 8.0):
        analyser = Analyser(W, H, grid(H, W), coded=False)
        shares.append(analyser.analyse(frames[1], frames[0], tolerance).changed.mean())
    assert shares == [1, 1, 1, 0]


@given(st.integers(0, 66), st.integers(0, 82), st.integers(0, 2), st.integers(0, 6))
@settings(max_examples=60, deadline=None)
def test_no_tolerance_means_every_sample_of_area_and_margin(row: int, column: int, plane: int, margin: int) -> None:
    height, width = 67, 83
    before = planes(texture(height, width))
    now = tuple(p.copy() for p in before)
    side = 1 if plane == 0 else 2
    now[plane][row // side, column // side] ^= 1
    area = Area(16, 24, 40, 56)
    changed = Analyser(width, height, [area], False, margin).analyse((now[0], now[1], now[2]), before, 0.0).changed[0]
    top, bottom, left, right = 16 - margin, 40 + margin, 24 - margin, 56 + margin
    if side == 2:  # chroma samples that the grown area touches
        top, bottom, left, right = top // 2 * 2, -(-bottom // 2) * 2, left // 2 * 2, -(-right // 2) * 2
    assert changed == (top <= row < bottom and left <= column < right)


@given(st.integers(1, 70), st.integers(1, 70), st.integers(0, 99), st.floats(0, 3))
@settings(max_examples=60, deadline=None)
def test_the_same_samples_are_never_changed_whatever_the_size(h: int, w: int, seed: int, tolerance: float) -> None:
    frame = planes(texture(h + 1, w + 1)[:h, :w], 20, seed)
    wide = np.zeros((h, w + 5), np.uint8)
    wide[:, :w] = frame[0]
    analyser = Analyser(w, h, grid(h, w, 24, 32), coded=True)
    seen = analyser.analyse((wide[:, :w], *frame[1:]), frame, tolerance)
    assert not seen.changed.any()
    for values in (seen.detail, seen.noise, seen.coding, seen.motion):
        assert np.isfinite(values).all()
        assert (values >= 0).all()
    assert (seen.coding <= 1).all()
