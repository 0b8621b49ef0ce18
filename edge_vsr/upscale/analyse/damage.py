"""Coding damage of every tile: how visible the block grid is, and how far the finest detail has been eaten.

*Blocking*: steps of luma across the lines of an 8-sample grid stand out from the steps beside them (Wang, Bovik &
Evans, ICIP 2000, in the pixel domain), in both directions. Where the grid lies is found for the whole frame and
remembered: a picture may have been cropped after it was coded. *Starvation*: quantisers remove diagonal detail first,
so that HH loses against LH and HL (as in ``coding``, here by tile). Ringing has no estimate of its own: it lies
within the block of its edge, where it cannot be told from texture at this price.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edge_vsr.upscale.analyse.cells import CELL_PX, Map, Plane8, TileCells
from edge_vsr.upscale.analyse.haar import HaarCells

_HEALTHY = 0.3  # of the deviation of HH in those of LH and HL: photographs that no codec has touched
_TELLING = 0.6  # codes of deviation in LH and HL from where their ratio to HH means something
_STEEP = 24  # codes; steeper steps are edges of things
_GRID_SHOWS = 0.04  # of a step: how far the lines of a grid must stand out in the frame
_MEMORY = 0.8

_Phases = npt.NDArray[np.float64]


class DamageModel:
    """Where the block grid of a stream lies, and what it and starvation say of every tile."""

    def __init__(self) -> None:
        self._seen: _Phases = np.zeros((2, CELL_PX))

    def judge(self, strips: Plane8, haar: HaarCells, tiles: TileCells) -> Map:
        """Damage (tiles,) 0..1 from ``haar.sampled_strips`` and the band energies of the same cells."""
        steps = (_across_columns(strips), _across_rows(strips))
        self._seen = self._seen * _MEMORY + [_by_phase(cells) for cells in steps]
        blocked = [_blocking(cells, seen, tiles) for cells, seen in zip(steps, self._seen, strict=True)]
        grid = (blocked[0] + blocked[1]) / 2
        return np.asarray(1 - (1 - grid) * (1 - starvation_of_tiles(haar, tiles)), np.float32)


def starvation_of_tiles(haar: HaarCells, tiles: TileCells) -> Map:
    """0 where diagonal detail is as strong as in an undamaged picture, 1 where it is gone: (tiles,)."""
    sides = np.sqrt(tiles.means((haar.lh + haar.hl) / 2))
    kept = np.sqrt(tiles.means(haar.hh)) / (_HEALTHY * np.maximum(sides, 1e-3))
    telling = np.clip(sides / _TELLING - 1, 0, 1)
    return np.asarray(np.clip(1 - kept, 0, 1) * telling, np.float32)


def _blocking(steps: Map, seen: _Phases, tiles: TileCells) -> Map:
    """0 where the grid does not show in a tile, 1 where its lines are twice as steep as the rest: (tiles,).

    steps: (rows, columns, 8), mean steps of every cell by their place in it. seen: those of the stream (8,).
    """
    line = int(seen.argmax())
    rest = (seen.sum() - seen[line]) / (CELL_PX - 1)
    if seen[line] < rest * (1 + _GRID_SHOWS):
        return tiles.means(np.zeros(steps.shape[:2], np.float32))
    lines = tiles.means(np.ascontiguousarray(steps[:, :, line]))
    others = (tiles.means(steps @ np.ones(CELL_PX, np.float32)) - lines) / (CELL_PX - 1)
    return np.asarray(np.clip(lines / (others + 0.25) - 1, 0, 1), np.float32)


def _by_phase(steps: Map) -> _Phases:
    """Means of steps (rows, columns, 8) over the frame: (8,); products with ones are far cheaper than short sums."""
    cells = steps.reshape(-1, CELL_PX)
    return np.asarray(np.ones(len(cells), np.float32) @ cells / max(1, len(cells)), np.float64)


def _across_columns(strips: Plane8) -> Map:
    """Steps from the sample to the left, in every fourth row: (rows, columns, 8); none at the frame's left edge."""
    lines = np.ascontiguousarray(strips[:, 0 : CELL_PX : CELL_PX // 2])
    steps = np.zeros(lines.shape, np.uint8)
    np.minimum(_apart(lines[:, :, 1:], lines[:, :, :-1]), _STEEP, out=steps[:, :, 1:])
    mean: Map = (steps[:, 0] + steps[:, 1]).astype(np.float32) * np.float32(0.5)  # twice _STEEP fits a byte
    return mean.reshape(len(strips), -1, CELL_PX)


def _across_rows(strips: Plane8) -> Map:
    """Steps from the sample above, in a quarter of the columns: (rows, columns, 8)."""
    some = np.ascontiguousarray(strips.view(np.uint16)[:, :, :: CELL_PX // 2]).view(np.uint8)
    steps = np.minimum(_apart(some[:, 1:], some[:, :-1]), _STEEP)
    mean = (steps[:, :, 0::2] + steps[:, :, 1::2]).astype(np.float32) / 2
    return np.ascontiguousarray(np.roll(mean, 1, axis=1).transpose(0, 2, 1))


def _apart(first: Plane8, second: Plane8) -> Plane8:
    return np.maximum(first, second) - np.minimum(first, second)
