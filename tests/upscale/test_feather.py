"""Feathering: no border shows between tiles with a residual and tiles without."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from upscale_frames import L420

from edge_vsr.color import BT709_LIMITED
from edge_vsr.frame import Frame, default_siting
from edge_vsr.models.store import Model
from edge_vsr.telemetry import Stages
from edge_vsr.upscale import gains
from edge_vsr.upscale.analyse.analysis import Analysis
from edge_vsr.upscale.backends.choose import choose
from edge_vsr.upscale.enlarge import Enlarger
from edge_vsr.upscale.feather import ABOVE, BELOW, FADE, LEFT, RIGHT, Edges, fade, opened
from edge_vsr.upscale.layout import Layout
from edge_vsr.upscale.passes import Effort, Pass
from edge_vsr.upscale.resample import KERNELS, resample_frame
from edge_vsr.upscale.workers import Workers

Flags = npt.NDArray[np.bool_]
SIDES = [(ABOVE, (-1, 0), BELOW), (LEFT, (0, -1), RIGHT), (BELOW, (1, 0), ABOVE), (RIGHT, (0, 1), LEFT)]
NEVER = 1 << 62  # a deadline

# -- edges ------------------------------------------------------------------------------------------------------------


@st.composite
def situations(draw: st.DrawFn) -> tuple[Flags, Flags, Edges]:
    """Tiles made now, tiles kept, and how the edges of the kept ones are."""
    shape = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    rng = np.random.default_rng(draw(st.integers(0, 1 << 20)))
    made = rng.random(shape) < draw(st.floats(0, 1))
    kept = ~made & (rng.random(shape) < draw(st.floats(0, 1)))
    return made, kept, rng.random((*shape, 4)) < draw(st.floats(0, 1))


def neighbours(shape: tuple[int, ...]) -> list[tuple[int, int, int, tuple[int, int] | None, int]]:
    """Every edge: row, column, side, the tile across it (None: the picture ends), and that tile's side."""
    found: list[tuple[int, int, int, tuple[int, int] | None, int]] = []
    for row, column in np.ndindex(*shape):
        for side, (down, right), opposite in SIDES:
            there = row + down, column + right
            inside = 0 <= there[0] < shape[0] and 0 <= there[1] < shape[1]
            found.append((row, column, side, there if inside else None, opposite))
    return found


@given(situations())
def test_an_edge_between_two_tiles_made_now_is_open_from_both_sides(case: tuple[Flags, Flags, Edges]) -> None:
    edges, made = opened(*case), case[0]
    for row, column, side, there, opposite in neighbours(made.shape):
        if there and made[row, column] and made[there]:
            assert edges[row, column, side]
            assert edges[there][opposite]


@given(situations())
def test_a_kept_tiles_edges_never_change(case: tuple[Flags, Flags, Edges]) -> None:
    _, kept, before = case
    assert np.array_equal(opened(*case)[kept], before[kept])


@given(situations())
def test_a_tile_made_now_heeds_how_its_kept_neighbour_ends(case: tuple[Flags, Flags, Edges]) -> None:
    made, kept, before = case
    edges = opened(*case)
    for row, column, side, there, opposite in neighbours(made.shape):
        if there and made[row, column] and kept[there]:
            assert edges[row, column, side] == before[there][opposite]


@given(situations())
def test_no_tile_made_now_is_open_towards_a_base_tile_which_is_closed_all_round(
    case: tuple[Flags, Flags, Edges],
) -> None:
    made, kept, _ = case
    edges = opened(*case)
    assert not edges[~made & ~kept].any()
    for row, column, side, there, _ in neighbours(made.shape):
        if there and made[row, column] and not made[there] and not kept[there]:
            assert not edges[row, column, side]


@given(situations())
def test_at_the_pictures_border_a_tile_made_now_is_open(case: tuple[Flags, Flags, Edges]) -> None:
    edges, made = opened(*case), case[0]
    for row, column, side, there, _ in neighbours(made.shape):
        if there is None and made[row, column]:
            assert edges[row, column, side]


@given(situations())
def test_what_was_is_left_as_it_was(case: tuple[Flags, Flags, Edges]) -> None:
    copies = [array.copy() for array in case]
    opened(*case)
    assert all(np.array_equal(a, b) for a, b in zip(case, copies, strict=True))


# -- fading -----------------------------------------------------------------------------------------------------------


def edges_but(*closed: int) -> Flags:
    return np.array([side not in closed for side in range(4)])


def ended_at(residual: npt.NDArray[np.generic], side: int) -> npt.NDArray[np.generic]:
    """The residual (channels, lines, along), line 0 at that side."""
    turned = residual if side in (ABOVE, BELOW) else residual.transpose(0, 2, 1)
    return turned if side in (ABOVE, LEFT) else turned[:, ::-1]


@pytest.mark.parametrize("side", [ABOVE, LEFT, BELOW, RIGHT])
@pytest.mark.parametrize("value", [0, 100, 129, 255])
def test_a_residual_falls_to_nothing_towards_a_closed_edge_and_is_untouched_elsewhere(value: int, side: int) -> None:
    residual = np.full((3, 20, 24), value, np.uint8)
    fade(residual, 128, edges_but(side))
    ended = ended_at(residual, side).astype(int)
    assert np.all(ended[:, FADE:] == value)
    away = np.abs(ended[:, : FADE + 1] - 128)
    assert np.all(np.diff(away, axis=1) >= 0)
    assert np.all(away[:, 0] <= abs(value - 128) * 0.1 + 0.5)
    assert np.all(np.sign(ended - 128) * np.sign(value - 128) >= 0)
    assert np.abs(np.diff(ended, axis=1)).max() <= abs(value - 128) / FADE + 1


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_with_every_edge_open_nothing_fades(dtype: type) -> None:
    residual: npt.NDArray[np.generic] = np.random.default_rng(1).integers(0, 256, (4, 9, 7)).astype(dtype)
    before = residual.copy()
    fade(residual, 128, edges_but())
    assert np.array_equal(residual, before)


@given(st.integers(1, 30), st.integers(1, 30), st.lists(st.booleans(), min_size=4, max_size=4))
@settings(max_examples=60)
def test_fading_only_ever_weakens_and_integers_agree_with_floats(tall: int, wide: int, sides: list[bool]) -> None:
    fine = np.random.default_rng(tall * 31 + wide).integers(0, 256, (2, tall, wide)).astype(np.float32) - 128
    before, coarse = fine.copy(), (fine + 128).astype(np.uint8)
    fade(fine, 0, np.array(sides))
    fade(coarse, 128, np.array(sides))
    assert np.all(np.abs(fine) <= np.abs(before))
    assert np.all(fine * before >= 0)
    assert np.abs(coarse - 128.0 - fine).max() <= 0.5 * sum(not side for side in sides) + 1e-3


def test_two_closed_edges_both_tell_in_their_corner() -> None:
    residual = np.full((1, 20, 20), 100, np.float32)
    fade(residual, 0, edges_but(ABOVE, LEFT))
    assert residual[0, 0, 0] < residual[0, 0, 10] == residual[0, 10, 0] < residual[0, 10, 10] == 100


# -- pictures ---------------------------------------------------------------------------------------------------------


def drawn(width: int, height: int) -> Frame:
    """Rings and weave: detail all over, on which a net has something to add everywhere."""
    rows, columns = np.indices((height, width)).astype(np.float64)
    rings = 50 * np.tanh(4 * np.sin(np.hypot(rows - 30, columns - 50) / 5) + np.sin(columns / 23))
    luma = np.clip(np.rint(126 + rings + 30 * np.sin(rows / 3 + columns / 5)), 16, 235).astype(np.uint8)
    chroma = np.full((height // 2, width // 2), 128, np.uint8)
    return Frame((luma, chroma, chroma), 8, L420, BT709_LIMITED, default_siting(L420))


def steps(picture: npt.NDArray[np.float64], layout: Layout, net: Flags) -> tuple[float, float]:
    """Mean |difference| of neighbours: across borders between net and base, and inside tiles of the net."""
    between: list[npt.NDArray[np.float64]] = []
    inside: list[npt.NDArray[np.float64]] = []
    for turned, sizes in ((False, layout.grid.shape), (True, layout.grid.shape[::-1])):
        plane, flags = (picture.T, net.T) if turned else (picture, net)
        across = np.abs(np.diff(plane, axis=0))
        for row, column in np.ndindex(*sizes):
            tile = column * layout.grid.columns + row if turned else row * layout.grid.columns + column
            area = layout.areas[tile]
            corners = (
                np.array(
                    [area.left, area.top, area.right, area.bottom]
                    if turned
                    else [area.top, area.left, area.bottom, area.right]
                )
                * layout.factor
            )
            top, left, bottom, right = corners.tolist()
            if flags[row, column]:
                inside.append(across[top : bottom - 1, left:right].ravel())
            if row + 1 < sizes[0] and flags[row, column] != flags[row + 1, column]:
                between.append(across[bottom - 1, left:right])
    return float(np.concatenate(between).mean()), float(np.concatenate(inside).mean())


@pytest.mark.parametrize("seed", range(3))
def test_a_border_between_net_and_base_tiles_is_invisible(
    seed: int, shipped_model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = drawn(320, 240)
    net = Enlarger(shipped_model.manifest, choose(shipped_model).backend, (20, 20))
    kernel = KERNELS[net.manifest.base_kernel]
    layout = Layout.of(320, 240, net.core, 2, kernel)
    half = np.random.default_rng(seed).random(layout.grid.shape) < 0.5

    def expected(analysis: Analysis, weights: Sequence[float]) -> npt.NDArray[np.float32]:
        return half.ravel().astype(np.float32)

    monkeypatch.setattr(gains, "expected", expected)
    one = Pass(net, 320, 240, True, Workers(1))
    out = one.process(frame, Stages(), Effort(0, NEVER)).planes[0].astype(np.float64)
    base = resample_frame(frame, 640, 480, kernel, L420, frame.siting).planes[0].astype(np.float64)
    all_of_it = Pass(net, 320, 240, True, Workers(1)).process(frame, Stages(), Effort()).planes[0].astype(np.float64)
    assert one.tally.kinds["base"] == np.count_nonzero(~half)
    assert steps(all_of_it - base, layout, half)[1] > 0.3  # there is something that could show

    between, inside = steps(out - base, layout, half)
    assert between <= 0.5 * inside
    between, inside = steps(out, layout, half)
    natural = steps(all_of_it, layout, half)
    assert between / inside <= 1.05 * natural[0] / natural[1]


def test_a_tile_of_the_base_is_the_base_to_the_code(shipped_model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = drawn(160, 120)
    net = Enlarger(shipped_model.manifest, choose(shipped_model).backend, (20, 20))
    kernel = KERNELS[net.manifest.base_kernel]
    layout = Layout.of(160, 120, net.core, 2, kernel)
    chosen = np.arange(len(layout.areas)) % 2 == 0
    monkeypatch.setattr(gains, "expected", lambda analysis, weights: chosen.astype(np.float32))
    out = Pass(net, 160, 120, True, Workers(1)).process(frame, Stages(), Effort(0, NEVER)).planes[0]
    base = resample_frame(frame, 320, 240, kernel, L420, frame.siting).planes[0]
    for area, has_net in zip(layout.areas, chosen, strict=True):
        part = np.s_[2 * area.top : 2 * area.bottom, 2 * area.left : 2 * area.right]
        assert np.array_equal(out[part], base[part]) != has_net
