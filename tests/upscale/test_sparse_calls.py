"""Calls of a net for some tiles of a frame: each tile once, by its rung, in few shapes, the most worthwhile first."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_vsr.upscale.calls import BATCHES, Call, Grid, calls_for
from edge_vsr.upscale.layout import Layout
from edge_vsr.upscale.resample import KERNELS
from edge_vsr.upscale.tiles import Tile

Case = tuple[Grid, npt.NDArray[np.int8], list[int]]


def grid_of(width: int, height: int, most: tuple[int, int] = (5, 6)) -> Grid:
    return Layout.of(width, height, most, 2, KERNELS["bicubic"]).grid


@st.composite
def ordered(draw: st.DrawFn) -> Case:
    """A grid, a rung (0 none, up to 2) for each tile, and the tiles with one, in any order."""
    grid = grid_of(draw(st.integers(1, 90)), draw(st.integers(1, 90)))
    rng = np.random.default_rng(draw(st.integers(0, 1 << 20)))
    odds = draw(st.sampled_from([(0, 1, 0), (0.5, 0.5, 0), (0.2, 0.4, 0.4), (0.05, 0.9, 0.05), (1, 0, 0)]))
    choice = rng.choice(3, len(grid.tiles), p=odds).astype(np.int8)
    return grid, choice, rng.permutation(np.flatnonzero(choice)).tolist()


def yields(call: Call) -> set[tuple[int, int]]:
    """The blocks whose residuals a call lays down."""
    return {
        (row, column)
        for cut in call.cuts
        for row in range(cut.top + cut.keep_top, cut.top + call.core[0])
        for column in range(cut.left + cut.keep_left, cut.left + call.core[1])
    }


def kept(tile: Tile, core: tuple[int, int]) -> set[tuple[int, int]]:
    rows = range(tile.top + tile.keep_top, tile.top + core[0])
    return {(row, column) for row in rows for column in range(tile.left + tile.keep_left, tile.left + core[1])}


@given(ordered())
@settings(max_examples=80)
def test_every_ordered_tile_is_made_once_by_its_rung(case: Case) -> None:
    grid, choice, order = case
    calls = calls_for(grid, choice, order)
    assert sorted(tile for call in calls for tile in call.tiles) == sorted(order)
    assert all(choice[tile] == call.rung for call in calls for tile in call.tiles)


@given(ordered())
@settings(max_examples=80)
def test_a_call_yields_the_blocks_of_its_tiles_and_no_others(case: Case) -> None:
    grid, choice, order = case
    for call in calls_for(grid, choice, order):
        assert yields(call) == set().union(*(kept(grid.tiles[tile], grid.core) for tile in call.tiles))


@given(ordered())
@settings(max_examples=80)
def test_calls_come_in_three_shapes(case: Case) -> None:
    grid, choice, order = case
    height, width = grid.core
    shapes = {(len(call.cuts), call.core) for call in calls_for(grid, choice, order)}
    assert shapes <= {(1, (2 * height, 2 * width)), *((batch, grid.core) for batch in BATCHES)}


@given(ordered())
@settings(max_examples=80)
def test_fewer_singles_are_left_over_than_make_a_batch(case: Case) -> None:
    grid, choice, order = case
    calls = calls_for(grid, choice, order)
    for rung in (1, 2):
        assert sum(call.rung == rung and len(call.tiles) == 1 for call in calls) < BATCHES[0]


@given(ordered())
@settings(max_examples=80)
def test_the_most_worthwhile_tile_is_in_the_first_call_or_waits_for_its_batch_to_fill(case: Case) -> None:
    grid, choice, order = case
    calls = calls_for(grid, choice, order)
    if not order:
        assert calls == []
        return
    call = next(call for call in calls if order[0] in call.tiles)
    if len(call.cuts) == BATCHES[0]:
        same = [other for other in calls if other.rung == call.rung and len(other.cuts) == BATCHES[0]]
        assert same[0] is call
    elif len(call.tiles) == 4:
        assert calls[0] is call
    else:
        assert next(other for other in calls if len(other.tiles) == 1 and other.rung == call.rung) is call


def test_tiles_that_abut_go_as_a_square() -> None:
    grid = grid_of(48, 40)  # 4 x 4 tiles of 5 x 6 blocks
    calls = calls_for(grid, np.ones(16, np.int8), list(range(16)))
    assert [call.tiles for call in calls] == [(0, 1, 4, 5), (2, 3, 6, 7), (8, 9, 12, 13), (10, 11, 14, 15)]
    assert [call.cuts for call in calls] == [(grid.tiles[first],) for first in (0, 2, 8, 10)]
    assert all(call.core == (10, 12) for call in calls)


def test_a_square_needs_all_four_of_one_rung() -> None:
    grid = grid_of(24, 20)
    assert [len(call.tiles) for call in calls_for(grid, np.array([1, 1, 1, 2], np.int8), [0, 1, 2, 3])] == [1] * 4
    assert [len(call.tiles) for call in calls_for(grid, np.array([1, 1, 1, 0], np.int8), [0, 1, 2])] == [1] * 3


def test_tiles_that_slid_back_do_not_abut() -> None:
    grid = grid_of(23, 18, (5, 4))  # 12 columns of blocks in threes of four; 9 rows in twos of five: one row overlaps
    assert grid.shape == (2, 3)
    assert grid.square(0) == ()
    assert all(len(call.cuts) == len(call.tiles) for call in calls_for(grid, np.ones(6, np.int8), list(range(6))))


def test_without_tiles_there_are_no_calls() -> None:
    assert calls_for(grid_of(48, 40), np.zeros(16, np.int8), []) == []


def test_what_is_most_worthwhile_is_called_first() -> None:
    grid = grid_of(48, 40)
    far_corner_first = [15, 14, 11, 10, 0, 1, 4, 5]
    choice = np.zeros(16, np.int8)
    choice[far_corner_first] = 1
    assert [call.tiles for call in calls_for(grid, choice, far_corner_first)] == [(10, 11, 14, 15), (0, 1, 4, 5)]
