"""Tiles and the rectangles made of them: every pixel once, nothing twice."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_vsr.upscale.analyse.analysis import Area
from edge_vsr.upscale.layout import Layout
from edge_vsr.upscale.resample import KERNELS

Counts = npt.NDArray[np.int64]
SIDES = st.integers(1, 130)
CORES = st.tuples(st.integers(1, 20), st.integers(1, 20))


@st.composite
def flagged(draw: st.DrawFn) -> tuple[Layout, npt.NDArray[np.bool_]]:
    """A layout of up to some hundred tiles, and a flag for each: loose ones, or blocks of them."""
    layout = Layout.of(
        draw(SIDES), draw(SIDES), draw(st.tuples(st.integers(3, 9), st.integers(3, 9))), 2, KERNELS["bicubic"]
    )
    rng = np.random.default_rng(draw(st.integers(0, 1 << 20)))
    coarse = rng.random([-(-side // 2) for side in layout.grid.shape]) < draw(st.floats(0, 1))
    flags = np.kron(coarse, np.ones((2, 2), bool))[: layout.grid.shape[0], : layout.grid.shape[1]]
    if draw(st.booleans()):
        flags ^= rng.random(flags.shape) < draw(st.floats(0, 0.5))
    return layout, flags.ravel()


def painted(areas: list[Area], width: int, height: int) -> Counts:
    """How many of the areas every pixel lies in; all of them must lie inside the picture."""
    count = np.zeros((height, width), np.int64)
    for area in areas:
        assert 0 <= area.top < area.bottom <= height
        assert 0 <= area.left < area.right <= width
        assert area.top % 2 == area.left % 2 == 0
        count[area.top : area.bottom, area.left : area.right] += 1
    return count


@given(SIDES, SIDES, CORES, st.integers(1, 4))
@settings(max_examples=80)
def test_tiles_part_the_picture(width: int, height: int, most: tuple[int, int], factor: int) -> None:
    layout = Layout.of(width, height, most, factor, KERNELS["bicubic"])
    assert np.all(painted(list(layout.areas), width, height) == 1)
    rows, columns = layout.grid.shape
    assert rows * columns == len(layout.areas) == len(layout.grid.tiles)
    order = [(area.top, area.left) for area in layout.areas]
    assert order == sorted(order)  # row by row
    assert all(side <= limit for side, limit in zip(layout.grid.core, most, strict=True))


@given(flagged())
@settings(max_examples=80)
def test_parts_hold_the_flagged_tiles_and_no_others_each_once(case: tuple[Layout, npt.NDArray[np.bool_]]) -> None:
    layout, flags = case
    parts = layout.parts(flags)
    assert sorted(tile for part in parts for tile in part.tiles) == np.flatnonzero(flags).tolist()


@given(flagged())
@settings(max_examples=80)
def test_a_part_is_the_rectangle_that_its_tiles_fill(case: tuple[Layout, npt.NDArray[np.bool_]]) -> None:
    layout, flags = case
    width, height = layout.areas[-1].right, layout.areas[-1].bottom
    for part in layout.parts(flags):
        filled = painted([layout.areas[tile] for tile in part.tiles], width, height)
        assert np.array_equal(filled, painted([part.area], width, height))


@given(flagged())
@settings(max_examples=40)
def test_a_part_spans_whole_runs_of_a_row(case: tuple[Layout, npt.NDArray[np.bool_]]) -> None:
    layout, flags = case
    fenced = np.pad(flags.reshape(layout.grid.shape), ((0, 0), (1, 1)))
    for part in layout.parts(flags):
        row, left = divmod(part.tiles[0], layout.grid.columns)
        right = part.tiles[-1] % layout.grid.columns
        assert not fenced[row, left]
        assert not fenced[row, right + 2]


@given(flagged())
@settings(max_examples=80)
def test_a_bridge_leaves_no_flagged_tile_out(case: tuple[Layout, npt.NDArray[np.bool_]]) -> None:
    layout, flags = case
    assert np.all(layout.bridged(flags)[flags])
    assert layout.bridged(flags).any() == flags.any()


def test_a_small_gap_is_bridged_and_a_wide_one_is_not() -> None:
    layout = Layout.of(40 * 8, 8, (4, 4), 2, KERNELS["bicubic"])
    flags = np.zeros(40, np.bool_)
    flags[[10, 13, 30]] = True
    assert np.flatnonzero(layout.bridged(flags)).tolist() == [10, 11, 12, 13, 30]


def test_a_part_of_one_tile_is_its_area() -> None:
    layout = Layout.of(61, 35, (6, 6), 2, KERNELS["bicubic"])
    for tile, area in enumerate(layout.areas):
        assert layout.part_of(tile).tiles == (tile,)
        assert layout.part_of(tile).area == area


@given(flagged())
@settings(max_examples=60)
def test_a_band_leaves_no_flagged_tile_out(case: tuple[Layout, npt.NDArray[np.bool_]]) -> None:
    layout, flags = case
    banded = layout.banded(flags)
    assert np.all(banded[flags])
    assert banded.any() == flags.any()


def test_a_band_reaches_from_the_first_flagged_tile_of_a_row_to_its_last() -> None:
    layout = Layout.of(8 * 8, 8 * 2, (4, 4), 2, KERNELS["bicubic"])
    flags = np.zeros((2, 8), np.bool_)
    flags[0, [1, 2, 4, 5]] = flags[1, 7] = True
    assert layout.banded(flags.ravel()).reshape(2, 8).astype(int).tolist() == [
        [0, 1, 1, 1, 1, 1, 0, 0],
        [0, 0, 0, 0, 0, 0, 0, 1],
    ]
