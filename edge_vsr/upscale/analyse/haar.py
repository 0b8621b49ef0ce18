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
    """Mean energy per cell of the kept rows, (rows, W // 8): squares of orthonormal Haar coefficients, codes^2.

    White noise of deviation s gives s^2 in every band.
    """

    lh: Map
    hl: Map
    hh: Map


def sampled_rows(luma: Plane8, stride: int) -> Plane8:
    """Luma of every ``stride``-th whole row of cells: (rows * 8, W // 8 * 8), contiguous; may be empty."""
    height, width = (side // CELL_PX * CELL_PX for side in luma.shape)
    if not height or not width:
        return np.zeros((0, width), np.uint8)
    starts = range(0, height, CELL_PX * stride)
    return np.concatenate([luma[start : start + CELL_PX, :width] for start in starts])


def haar_cells(rows: Plane8) -> HaarCells:
    """Energies of the three high bands of ``sampled_rows``."""
    lh, hl, hh = haar_bands(rows)
    return HaarCells(_energy(lh), _energy(hl), _energy(hh))


def haar_bands(rows: Plane8) -> tuple[Band, Band, Band]:
    """LH, HL and HH (h/2, w/2), twice as large as orthonormal ones, of contiguous luma with even sides.

    Two neighbours are read as one 16-bit word: unpacking them is vector code, a strided view is not.
    """
    pairs = rows.view(np.dtype("<u2"))
    upper, lower = pairs[0::2], pairs[1::2]
    a, b = (upper & 255).view(np.int16), (upper >> 8).view(np.int16)
    c, d = (lower & 255).view(np.int16), (lower >> 8).view(np.int16)
    above, below, left, right = a + b, c + d, a - b, c - d
    return above - below, left + right, left - right


def _energy(band: Band) -> Map:
    values = band.astype(np.float32)
    values *= values
    energy: Map = halved(halved(values))
    return energy * np.float32(0.25)
