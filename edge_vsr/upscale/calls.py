"""Which tiles go to a net together: few shapes, so that providers compile few engines. Pure.

Four tiles that form a square go as one tile of twice the side: a third of the halo and half the calls are
saved, and the integers are the same, however a picture is cut. What is left over goes eight at a time, then one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge_vsr.upscale.tiles import Tile

BATCHES = (8, 1)  # single tiles per call, largest first


@dataclass(frozen=True, slots=True)
class Call:
    """One run of a net.

    tiles: the grid's tiles that it makes. cuts: what is cut out, all of shape ``core``; rung: 1 is the cheapest.
    """

    rung: int
    tiles: tuple[int, ...]
    cuts: tuple[Tile, ...]
    core: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Grid:
    """Tiles of one shape, row by row."""

    columns: int
    core: tuple[int, int]
    tiles: tuple[Tile, ...]

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return len(self.tiles) // self.columns, self.columns

    def square(self, tile: int) -> tuple[int, ...]:
        """The four tiles, row by row, of the square that a tile belongs to; none where they do not abut."""
        row, column = (at // 2 * 2 for at in divmod(tile, self.columns))
        if row + 1 >= self.shape[0] or column + 1 >= self.columns:
            return ()
        first = row * self.columns + column
        corner, far = self.tiles[first], self.tiles[first + self.columns + 1]
        if (far.top - corner.top, far.left - corner.left) != self.core:
            return ()  # slid back at the picture's edge
        return first, first + 1, first + self.columns, first + self.columns + 1


def calls_for(grid: Grid, choice: npt.NDArray[np.integer], order: Sequence[int]) -> list[Call]:
    """The calls that make the tiles of ``order``, the most worthwhile first; ``choice`` (tiles,) names their rungs."""
    calls: list[Call] = []
    waiting: dict[int, list[int]] = {}
    wanted, done = set(order), set[int]()
    for tile in order:
        if tile in done:
            continue
        rung, square = int(choice[tile]), grid.square(tile)
        if square and all(one in wanted and one not in done and choice[one] == rung for one in square):
            done.update(square)
            height, width = grid.core
            calls.append(Call(rung, square, (grid.tiles[square[0]],), (2 * height, 2 * width)))
            continue
        done.add(tile)
        single = waiting.setdefault(rung, [])
        single.append(tile)
        if len(single) == BATCHES[0]:
            calls.append(_of_singles(grid, rung, waiting.pop(rung)))
    for rung, left in waiting.items():
        calls += [_of_singles(grid, rung, [tile]) for tile in left]
    return calls


def _of_singles(grid: Grid, rung: int, tiles: Sequence[int]) -> Call:
    return Call(rung, tuple(tiles), tuple(grid.tiles[tile] for tile in tiles), grid.core)
