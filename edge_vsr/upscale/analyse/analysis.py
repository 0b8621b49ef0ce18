"""What a router must know of every tile of a frame, and whether the scene was cut.

``Analyser`` puts the estimates of this room together and remembers, between two frames of one stream, small maps and
what was learnt of the noise. The values that nets are conditioned with are another matter: see ``condition``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge_vsr.upscale.analyse.cells import CELL_PX, Area, Map, Planes8, TileCells, cell_means
from edge_vsr.upscale.analyse.change import changed_cells, changed_tiles, differing_tiles
from edge_vsr.upscale.analyse.haar import haar_cells, sampled_rows

__all__ = ["Analyser", "Analysis", "Area", "Planes8"]

_SAMPLED_CELLS = 8000
_ROWS_A_TILE = 3  # sampled rows of cells that a tile has at the least, where it is high enough


@dataclass(frozen=True, slots=True)
class Analysis:
    """What is known of every tile of one frame; arrays (tiles,) in the order of the areas.

    changed: differs from the reference by more than its noise explains. detail: root mean square of what 2x2 means
    leave out, less the noise in it, 8-bit code values. noise: sigma, 8-bit code values. coding: damage 0..1, 0 where
    no lossy codec was at work. motion: luma px since the frame before. cut: another scene than the frame before.
    """

    changed: npt.NDArray[np.bool_]
    detail: npt.NDArray[np.float32]
    noise: npt.NDArray[np.float32]
    coding: npt.NDArray[np.float32]
    motion: npt.NDArray[np.float32]
    cut: bool


class Analyser:
    """One stream's analyser: keeps the frame before (as small maps) and what was learnt of the noise."""

    def __init__(self, width_px: int, height_px: int, areas: Sequence[Area], coded: bool, margin_px: int = 4) -> None:
        self._areas = list(areas)
        self._shape = (height_px, width_px)
        self._coded = coded
        self._margin_px = margin_px
        cells = (height_px // CELL_PX) * (width_px // CELL_PX)
        lowest = min((a.bottom - a.top for a in self._areas), default=CELL_PX) // CELL_PX
        self._stride = max(1, min(cells // _SAMPLED_CELLS, lowest // _ROWS_A_TILE))
        self._grown = TileCells(self._areas, height_px, width_px, margin_px)
        self._tiles = TileCells(self._areas, height_px, width_px)
        self._sampled = TileCells(self._areas, height_px, width_px, row_stride=self._stride)
        self.reset()

    def reset(self) -> None:
        """Forget the stream, as after a jump in it."""

    def analyse(self, planes: Planes8, reference: Planes8 | None, tolerance: float = 1.0) -> Analysis:
        """Analyse the next frame of the stream; ``reference``: what each tile's shown output was computed from."""
        none = np.zeros(len(self._areas), np.float32)
        luma_cells = cell_means(planes[0])
        sigma = np.zeros(luma_cells.shape, np.float32)
        changed = self._changed(planes, reference, luma_cells, sigma, tolerance)
        rows = sampled_rows(planes[0], self._stride)
        energy = haar_cells(rows)
        detail = np.sqrt(self._sampled.means((energy.lh + energy.hl + energy.hh) / 4))
        return Analysis(changed, detail, none, none, none, cut=False)

    def _changed(
        self, planes: Planes8, reference: Planes8 | None, luma_cells: Map, sigma: Map, tolerance: float
    ) -> npt.NDArray[np.bool_]:
        if reference is None:
            return np.ones(len(self._areas), np.bool_)
        if tolerance <= 0:
            return differing_tiles(planes, reference, self._areas, self._margin_px)
        return changed_tiles(changed_cells(planes, reference, luma_cells, sigma, tolerance), self._grown)
