"""Which tile gets which net, under a frame's budget. Pure: what is known of the tiles in, a choice for each out.

This is the multiple-choice knapsack: of each tile's choices exactly one is taken. It is solved greedily along each
tile's upper convex hull of worth over price, the steepest step of all tiles first (Sinha & Zoltners, Operations
Research 27, 1979; Kellerer, Pferschy & Pisinger, Knapsack Problems, 2004, chapter 11). The linear relaxation takes
the same steps and splits the first that does not fit, so the result is at most that one step below the optimum.
Here the smaller steps behind it may still be taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

REUSE, BASE = -1, 0

# A changed tile that shows a net must lose by this much before it loses the net: no toggling over small differences.
HOLD = 1.25
# A tile that has waited so many frames counts twice, so that every tile with something to gain has its turn. Of equal
# tiles one that lost its net waits AGE_FRAMES * (HOLD - 1) = 25 frames for it: too seldom to be seen as flicker.
AGE_FRAMES = 100

Float = npt.NDArray[np.floating[Any]]
Int = npt.NDArray[np.integer[Any]]
Choice = npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class TileState:
    """What the router knows of n tiles and K rungs, cheaper rungs first.

    gains (n, K): expected fall of squared error over the base by rung k + 1, summed over the tile; 0 or more.
    prices_ns (n, K): what rung k + 1 costs for that tile; above 0.
    changed (n,): its source changed, so that its former output must not be shown again.
    shown (n,): what its present output was made with, 0..K; -1: there is none yet, which counts as changed.
    age (n,): frames for which it has shown less than it wanted.
    """

    gains: Float
    prices_ns: Float
    changed: npt.NDArray[np.bool_]
    shown: Int
    age: Int


@dataclass(frozen=True, slots=True)
class Route:
    """choice (n,): REUSE, BASE or a rung. order: the tiles with a rung, the most worthwhile for its price first."""

    choice: Choice
    order: npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class _Steps:
    """Steps along the hulls, best first. number: which of its tile's steps; price_ns: beyond the step before it."""

    tile: npt.NDArray[np.intp]
    rung: npt.NDArray[np.intp]
    number: npt.NDArray[np.intp]
    price_ns: Float


def route(tiles: TileState, budget_ns: float | None, least_gain: float = 0.0) -> Route:
    """A choice for every tile; the rungs taken cost ``budget_ns`` together at most (None: whatever they cost).

    A rung is taken only where it adds more than ``least_gain`` to the best cheaper rung that does (or to what the
    tile shows for nothing); without a budget every tile takes the highest such rung. Reuse and the base are free.
    An unchanged tile never gets less than it shows.
    """
    changed = _changed(tiles)
    free, worth = _held(tiles, changed)
    wanted = _wanted(tiles, changed, free, worth, least_gain)
    ageing = 1 + tiles.age / AGE_FRAMES
    free, worth = free * ageing, worth * ageing[:, None]
    choice = np.where(changed, BASE, REUSE).astype(np.int8)
    _climb(choice, _steps(free, worth, tiles.prices_ns, wanted), np.inf if budget_ns is None else budget_ns)
    taken = np.flatnonzero(choice > BASE)
    rung = choice[taken] - 1
    rise = (worth[taken, rung] - free[taken]) / tiles.prices_ns[taken, rung]
    return Route(choice, taken[np.argsort(-rise, kind="stable")])


def aged(tiles: TileState, choice: Choice, wanted: Choice) -> npt.NDArray[np.int32]:
    """The next ages (n,). choice: what was really done; wanted: what ``route`` would do without a budget."""
    got, best = (np.where(made == REUSE, tiles.shown, made) for made in (choice, wanted))
    return np.where(got < best, tiles.age + 1, 0).astype(np.int32)


def _changed(tiles: TileState) -> npt.NDArray[np.bool_]:
    return tiles.changed | (tiles.shown < 0)


def _held(tiles: TileState, changed: npt.NDArray[np.bool_]) -> tuple[Float, Float]:
    """Worth before age. What a changed tile shows now counts more: every step up to it is HOLD times as high."""
    n, rungs = tiles.gains.shape
    shown = np.zeros(n)
    if rungs:
        shown = np.where(tiles.shown > 0, tiles.gains[np.arange(n), np.maximum(tiles.shown - 1, 0)], 0.0)
    extra = (HOLD - 1) * np.minimum(tiles.gains, shown[:, None])
    return np.where(changed, 0.0, shown), tiles.gains + np.where(changed[:, None], extra, 0.0)


def _wanted(
    tiles: TileState, changed: npt.NDArray[np.bool_], free: Float, worth: Float, least_gain: float
) -> npt.NDArray[np.bool_]:
    """(n, K): the rungs that add enough to the best choice below them."""
    wanted = np.zeros(worth.shape, np.bool_)
    best = free
    for rung in range(worth.shape[1]):
        higher = changed | (tiles.shown < rung + 1)
        wanted[:, rung] = higher & (worth[:, rung] - best > least_gain)
        best = np.where(wanted[:, rung], worth[:, rung], best)
    return wanted


def _steps(free: Float, worth: Float, prices_ns: Float, wanted: npt.NDArray[np.bool_]) -> _Steps:
    """The upper hulls of all tiles, by gift wrapping: from where a tile stands, always the steepest step."""
    n, rungs = worth.shape
    rows = np.arange(n)
    at_worth, at_price, steepest = free, np.zeros(n), np.full(n, np.inf)
    rung, price, rises = np.zeros((rungs, n), np.intp), np.zeros((rungs, n)), np.zeros((rungs, n))
    for number in range(rungs):
        up, cost = worth - at_worth[:, None], prices_ns - at_price[:, None]
        rise = np.full(worth.shape, -np.inf)
        np.divide(up, cost, out=rise, where=wanted & (up > 0) & (cost > 0))
        best = rise.argmax(axis=1)
        found = rise[rows, best] > 0
        # Rounding must not make a later step the steeper one: it would come before the step it stands on.
        steepest = np.where(found, np.minimum(rise[rows, best], steepest), -np.inf)
        rung[number], price[number], rises[number] = best + 1, cost[rows, best], steepest
        at_worth = np.where(found, worth[rows, best], at_worth)
        at_price = np.where(found, prices_ns[rows, best], at_price)
    # Equal steps are told apart by all that is known of their tiles, so that the worth of the result does not hang
    # on the order in which the tiles came.
    alike = np.empty(n, np.intp)
    alike[np.lexsort((free, *worth.T, *prices_ns.T))] = rows
    numbers = np.repeat(np.arange(rungs), n)
    order = np.lexsort((np.tile(alike, rungs), price.ravel(), numbers, -rises.ravel()))
    order = order[: np.count_nonzero(rises > 0)]
    return _Steps(order % n, rung.ravel()[order], numbers[order], price.ravel()[order])


def _climb(choice: Choice, steps: _Steps, budget_ns: float) -> None:
    """Take every step that fits, in order, where the tile has taken the steps before it."""
    taken = [0] * len(choice)
    left = budget_ns
    columns = (steps.tile.tolist(), steps.rung.tolist(), steps.number.tolist(), steps.price_ns.tolist())
    for tile, rung, number, price in zip(*columns, strict=True):
        if price <= left and taken[tile] == number:
            choice[tile] = rung
            taken[tile] += 1
            left -= price
