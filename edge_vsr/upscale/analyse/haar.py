"""Haar bands of a part of the frame: every so many rows of cells, seen whole.

Noise, detail and coding damage are averages over tiles; a quarter of the rows gives them as well as all of them do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge_vsr.upscale.analyse.cells import CELL_PX, Map, Plane8, halved

Band = npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class HaarCells:
    """Mean energy per cell of the kept rows, (rows, max(1, W // 8)): squares of orthonormal Haar coefficients, codes^2.

    White noise of deviation s gives s^2 in every band. coarse: the variance of the low band in the cell, s^2 as
    well; white noise is independent between the bands.
    """

    lh: Map
    hl: Map
    hh: Map
    coarse: Map


def sampled_strips(luma: Plane8, stride: int) -> Plane8:
    """Luma of every ``stride``-th whole row of cells, and of the line below it: (rows, 9, W // 8 * 8).

    Below the frame its last line is repeated; a frame smaller than a cell is filled up to one in the same way.
    """
    height, width = (max(1, side // CELL_PX) * CELL_PX for side in luma.shape)
    lines = np.arange(0, height, CELL_PX * stride)[:, None] + np.arange(CELL_PX + 1)
    strips = luma[np.minimum(lines, len(luma) - 1), :width]
    missing = width - strips.shape[2]
    return np.pad(strips, ((0, 0), (0, 0), (0, missing)), mode="edge") if missing else strips


def haar_cells(strips: Plane8) -> HaarCells:
    """Energies of the bands of ``sampled_strips``."""
    ll, lh, hl, hh = haar_bands(strips[:, :CELL_PX])
    low = ll.astype(np.float32)
    coarse = _energy(ll) - np.square(_mean_of_4x4(low) / 2)
    return HaarCells(_energy(lh), _energy(hl), _energy(hh), coarse.astype(np.float32, copy=False))


def haar_bands(strips: Plane8) -> tuple[Band, Band, Band, Band]:
    """LL, LH, HL and HH (rows * 4, w/2), twice as large as orthonormal ones, of luma (rows, 8, w) with even w.

    Two neighbours are read as one 16-bit word: unpacking them is vector code, a strided view is not.
    """
    pairs = strips.view(np.dtype("<u2"))
    upper, lower = (pairs[:, first::2] for first in (0, 1))
    width = pairs.shape[2]
    a, b, c, d = (half.view(np.int16).reshape(-1, width) for p in (upper, lower) for half in (p & 255, p >> 8))
    above, below, left, right = a + b, c + d, a - b, c - d
    return above + below, above - below, left + right, left - right


def _energy(band: Band) -> Map:
    values = band.astype(np.float32)
    values *= values
    return np.asarray(_mean_of_4x4(values) / 4, np.float32)


def _mean_of_4x4(values: Map) -> Map:
    return np.asarray(halved(halved(values)), np.float32)
