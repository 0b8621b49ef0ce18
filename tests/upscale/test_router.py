"""The router against brute force on small cases, and over many frames."""

from __future__ import annotations

from itertools import product

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_vsr.upscale.router import AGE_FRAMES, BASE, HOLD, REUSE, Choice, TileState, aged, route

BUDGETS = st.integers(0, 60)
FLOORS = st.sampled_from([0.0, 3.0, 7.5])


@st.composite
def states(draw: st.DrawFn, most: int = 5) -> TileState:
    """Small integers, so that equal steps and exact fits are common."""
    n, rungs = draw(st.integers(1, most)), draw(st.integers(1, 3))

    def table(least: int, largest: int) -> npt.NDArray[np.float64]:
        row = st.lists(st.integers(least, largest), min_size=rungs, max_size=rungs)
        return np.array(draw(st.lists(row, min_size=n, max_size=n)), np.float64)

    def column(least: int, largest: int) -> npt.NDArray[np.int64]:
        return np.array(draw(st.lists(st.integers(least, largest), min_size=n, max_size=n)))

    prices = np.sort(table(1, 20), axis=1)
    return TileState(table(0, 20), prices, column(0, 1).astype(np.bool_), column(-1, rungs), column(0, 40))


def state(gains: list[list[float]], prices: list[list[float]], shown: list[int] | None = None) -> TileState:
    """Changed tiles that never waited."""
    n = len(gains)
    return TileState(
        np.array(gains), np.array(prices), np.ones(n, np.bool_), np.array(shown or [0] * n), np.zeros(n, int)
    )


def choices_of(tiles: TileState, i: int) -> dict[int, tuple[float, float]]:
    """What tile i may do: price and worth of every choice."""
    ageing = 1 + tiles.age[i] / AGE_FRAMES
    changed, shown = tiles.changed[i] or tiles.shown[i] < 0, int(tiles.shown[i])
    now = float(tiles.gains[i, shown - 1]) if shown > 0 else 0.0
    found = {BASE: (0.0, 0.0)} if changed else {REUSE: (0.0, now * ageing)}
    for rung in range(1, tiles.gains.shape[1] + 1):
        gain = float(tiles.gains[i, rung - 1])
        held = (HOLD - 1) * min(gain, now) if changed else 0.0
        if changed or rung > shown:
            found[rung] = (float(tiles.prices_ns[i, rung - 1]), (gain + held) * ageing)
    return found


def spent(tiles: TileState, choice: Choice) -> float:
    return sum(choices_of(tiles, i)[int(made)][0] for i, made in enumerate(choice))


def worth(tiles: TileState, choice: Choice) -> float:
    return sum(choices_of(tiles, i)[int(made)][1] for i, made in enumerate(choice))


def largest(tiles: TileState) -> float:
    return max(value for i in range(len(tiles.age)) for _, value in choices_of(tiles, i).values())


def best_of_all(tiles: TileState, budget: float) -> float:
    """By trying everything."""
    every = product(*(choices_of(tiles, i).values() for i in range(len(tiles.age))))
    return max(sum(w for _, w in combined) for combined in every if sum(p for p, _ in combined) <= budget)


def relaxed(tiles: TileState, budget: float) -> float:
    """The bound of the linear relaxation: its dual, least at one of the slopes between two choices of a tile."""
    all_of = [list(choices_of(tiles, i).values()) for i in range(len(tiles.age))]
    slopes = {(w - v) / (p - q) for of in all_of for p, w in of for q, v in of if p > q and w > v}
    return min(slope * budget + sum(max(w - slope * p for p, w in of) for of in all_of) for slope in {0.0, *slopes})


@given(states(), BUDGETS, FLOORS)
def test_the_budget_is_kept(tiles: TileState, budget: int, floor: float) -> None:
    assert spent(tiles, route(tiles, budget, floor).choice) <= budget


@given(states(), BUDGETS)
def test_no_choice_of_all_is_better_by_more_than_one_step(tiles: TileState, budget: int) -> None:
    found = worth(tiles, route(tiles, budget).choice)
    best, bound = best_of_all(tiles, budget), relaxed(tiles, budget)
    assert found <= best + 1e-9
    assert best <= bound + 1e-9
    assert found >= bound - largest(tiles) - 1e-9


@given(states(), BUDGETS, st.integers(0, 30))
def test_more_budget_never_gives_less_beyond_one_step(tiles: TileState, budget: int, more: int) -> None:
    poorer, richer = (worth(tiles, route(tiles, ns).choice) for ns in (budget, budget + more))
    assert richer >= poorer - largest(tiles) - 1e-9


@given(states(), BUDGETS, FLOORS)
def test_changed_tiles_are_not_reused_and_unchanged_ones_never_get_less(
    tiles: TileState, budget: int, floor: float
) -> None:
    for changed, shown, made in zip(tiles.changed, tiles.shown, route(tiles, budget, floor).choice, strict=True):
        if changed or shown < 0:
            assert made >= BASE
        else:
            assert made == REUSE or made > shown


@given(states(), BUDGETS, st.randoms(use_true_random=False))
def test_the_worth_does_not_hang_on_the_order_of_tiles(tiles: TileState, budget: int, random: object) -> None:
    shuffled = np.random.default_rng(random.randrange(1000)).permutation(len(tiles.age))  # type: ignore[attr-defined]
    names = ("gains", "prices_ns", "changed", "shown", "age")
    other = TileState(*(getattr(tiles, name)[shuffled] for name in names))
    assert worth(other, route(other, budget).choice) == pytest.approx(worth(tiles, route(tiles, budget).choice))


@given(states(), BUDGETS, FLOORS)
def test_equal_questions_get_equal_answers(tiles: TileState, budget: int, floor: float) -> None:
    first, second = route(tiles, budget, floor), route(tiles, budget, floor)
    assert np.array_equal(first.choice, second.choice)
    assert np.array_equal(first.order, second.order)


@given(states(), BUDGETS)
def test_the_most_worthwhile_comes_first(tiles: TileState, budget: int) -> None:
    found = route(tiles, budget)
    assert sorted(found.order) == list(np.flatnonzero(found.choice > BASE))
    rises = []
    for i in found.order:
        price, value = choices_of(tiles, i)[int(found.choice[i])]
        free = next(value for rung, (_, value) in choices_of(tiles, i).items() if rung <= BASE)
        rises.append((value - free) / price)
    assert rises == sorted(rises, reverse=True)


@given(states(), FLOORS)
def test_without_a_budget_all_get_the_highest_rung_they_want(tiles: TileState, floor: float) -> None:
    fresh = TileState(tiles.gains, tiles.prices_ns, np.ones_like(tiles.changed), 0 * tiles.shown, tiles.age)
    for gains, made in zip(fresh.gains, route(fresh, None, floor).choice, strict=True):
        wanted, best = BASE, 0.0
        for rung, gain in enumerate(gains, 1):
            if gain - best > floor:
                wanted, best = rung, gain
        assert made == wanted


@given(states(), BUDGETS, FLOORS)
def test_a_rung_must_add_more_than_the_floor(tiles: TileState, budget: int, floor: float) -> None:
    young = TileState(tiles.gains, tiles.prices_ns, tiles.changed, tiles.shown, 0 * tiles.age)
    for i, made in enumerate(route(young, budget, floor).choice):
        if made > BASE:
            free = next(value for rung, (_, value) in choices_of(young, i).items() if rung <= BASE)
            assert choices_of(young, i)[int(made)][1] - free > floor


def test_what_does_not_fit_makes_room_for_what_does() -> None:
    tiles = state([[90], [50], [4]], [[9], [6], [1]])
    assert route(tiles, 11).choice.tolist() == [1, 0, 1]


def test_a_dear_rung_that_adds_most_for_its_price_is_taken_at_once() -> None:
    tiles = state([[10, 100]], [[5, 10]])
    assert route(tiles, 10).choice.tolist() == [2]
    assert route(tiles, 9).choice.tolist() == [0]


def test_no_rungs_and_no_tiles_are_no_trouble() -> None:
    assert route(state([[], []], [[], []]), 5).choice.tolist() == [0, 0]
    nothing = TileState(np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0, np.bool_), np.zeros(0, int), np.zeros(0, int))
    assert route(nothing, 5).choice.size == 0


def test_those_that_wait_age_and_those_that_get_all_they_want_do_not() -> None:
    tiles = TileState(
        np.ones((4, 2)), np.ones((4, 2)), np.array([True, True, False, False]), np.array([0, 0, 1, 2]), np.full(4, 5)
    )
    choice, wanted = (np.array(made, np.int8) for made in ([1, 2, REUSE, REUSE], [2, 2, 2, REUSE]))
    assert aged(tiles, choice, wanted).tolist() == [6, 0, 6, 0]


def shown_over_time(gains: npt.NDArray[np.float64], served: int, frames: int) -> npt.NDArray[np.int64]:
    """What a picture that changes everywhere shows (frames, n), where ``served`` tiles of a price fit."""
    n = len(gains)
    shown, age, told = np.zeros(n, int), np.zeros(n, int), []
    for _ in range(frames):
        tiles = TileState(gains[:, None], np.ones((n, 1)), np.ones(n, np.bool_), shown, age)
        choice = route(tiles, served).choice
        age = aged(tiles, choice, route(tiles, None).choice)
        shown = choice.astype(int)
        told.append(shown)
    return np.array(told)


@settings(max_examples=25)
@given(st.integers(2, 12), st.data())
def test_equal_tiles_take_turns_and_seldom(n: int, data: st.DataObject) -> None:
    served = data.draw(st.integers(1, n - 1))
    turn = round(AGE_FRAMES * (HOLD - 1)) + 1
    told = shown_over_time(np.full(n, 7.0), served, 5 * turn)
    longest = turn + -(-n // served)
    for start in range(0, len(told) - longest, 7):
        assert told[start : start + longest].any(axis=0).all()
    toggles = np.abs(np.diff(told, axis=0)).sum(axis=0)
    assert toggles.max() <= 2 * (len(told) // turn + 1)


def test_a_tile_of_little_worth_has_its_turn_too() -> None:
    worth_ten = np.array([10.0, 10.0, 1.0])
    told = shown_over_time(worth_ten, 2, int(AGE_FRAMES * HOLD * 10))
    assert told[:, 2].any()
    assert told[:, 2].mean() < 0.02


@pytest.mark.parametrize("seed", range(3))
def test_noise_about_the_threshold_does_not_toggle(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shown, toggles = np.zeros(20, int), 0
    for frame in range(60):
        gains = 10 + rng.uniform(-0.8, 0.8, (20, 1))
        tiles = TileState(gains, np.ones((20, 1)), np.ones(20, np.bool_), shown, np.zeros(20, int))
        now = route(tiles, 10).choice.astype(int)
        toggles += int(frame > 0) * int(np.abs(now - shown).sum())
        shown = now
    assert toggles == 0
