"""What a frame's work costs on this machine, and what fits before a deadline.

Two kinds of work are priced: a net's calls, by the tile, and adding all residuals of a frame at the end, by the
tile and for being there at all: parts, borders and threads cost something however few the tiles.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from edge_vsr.upscale.calls import Call
from edge_vsr.upscale.enlarge import Enlarger
from edge_vsr.upscale.prices import Prices

_FIRST_MACS_PER_NS, _FIRST_PX_PER_NS = 100.0, 0.1  # of a thread, until they are measured
_ADDING, _BY_ITSELF = "adding", 0.4  # of what adding all tiles costs comes with the first of them
_FULL = 4  # tiles: smaller calls cost more by the tile, and would frighten off the larger ones
_BASE = "base"  # of a part


class Costs:
    """Prices of one pass.

    rungs: cheapest first; tile_px: source pixels of a tile; tiles: of a frame; threads: that share the work.
    """

    def __init__(self, rungs: Sequence[Enlarger], tile_px: int, tiles: int, threads: int) -> None:
        self._names = [rung.manifest.name for rung in rungs]
        self._threads, self._at_once = threads, _BY_ITSELF * tiles
        guessed = {rung.manifest.name: tile_px * rung.manifest.macs_per_px / _FIRST_MACS_PER_NS for rung in rungs}
        guessed[_BASE] = 40 * tile_px / _FIRST_PX_PER_NS
        guessed[_ADDING] = tile_px / _FIRST_PX_PER_NS / threads
        self._prices = Prices({name: max(1.0, price) for name, price in guessed.items()})

    def note_call(self, rung: int, began_ns: int, tiles: int) -> None:
        """A call of a net, rung 1 the cheapest, has just ended."""
        if tiles >= _FULL:
            self._prices.note(self._names[rung - 1], (time.monotonic_ns() - began_ns) / tiles)

    def note_adding(self, began_ns: int, tiles: int) -> None:
        """The residuals of a frame have just been added."""
        self._prices.note(_ADDING, (time.monotonic_ns() - began_ns) / (tiles + self._at_once))

    def note_base(self, began_ns: int) -> None:
        """The base of a part has just been made."""
        self._prices.note(_BASE, time.monotonic_ns() - began_ns)

    def tile_ns(self) -> npt.NDArray[np.float64]:
        """(rungs,): time of one thread that a tile takes, from input to output."""
        return np.array([self._prices.price_ns(name) for name in self._names]) + self._adding_ns(1) * self._threads

    def budget_ns(self, deadline_ns: int, parts: int) -> float:
        """Time of all threads that is left for tiles, beside the base of so many parts."""
        left_ns = deadline_ns - time.monotonic_ns() - self._adding_ns(self._at_once)
        return max(0.0, left_ns * self._threads - parts * self._prices.price_ns(_BASE))

    def in_time(
        self, calls: Sequence[Call], deadline_ns: int | None, parts_left: Callable[[], int]
    ) -> Callable[[int], bool]:
        """Whether the call of an index may still begin: what it gives must be added in time, too, and the base made."""
        if deadline_ns is None:
            return lambda index: True
        prices = [self._prices.price_ns(name) for name in self._names]
        laid = np.cumsum([len(call.tiles) for call in calls]).tolist()

        def may_begin(index: int) -> bool:
            call_ns = prices[calls[index].rung - 1] * len(calls[index].tiles)
            base_ns = parts_left() * self._prices.price_ns(_BASE) / self._threads
            still_ns = call_ns + base_ns + self._adding_ns(laid[index] + self._at_once)
            return time.monotonic_ns() + still_ns <= deadline_ns

        return may_begin

    def _adding_ns(self, tiles: float) -> float:
        return tiles * self._prices.price_ns(_ADDING)
