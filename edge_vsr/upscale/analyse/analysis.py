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
from edge_vsr.upscale.analyse.change import CODED_FLICKER, apart_by_cells, changed_cells, differing_tiles
from edge_vsr.upscale.analyse.cut import is_cut, small_map
from edge_vsr.upscale.analyse.damage import DamageModel
from edge_vsr.upscale.analyse.haar import haar_cells, sampled_strips
from edge_vsr.upscale.analyse.motion import TileMotion, coarse_map
from edge_vsr.upscale.analyse.noise_model import NoiseModel

__all__ = ["Analyser", "Analysis", "Area", "Compared", "Planes8"]

_SAMPLED_CELLS = 5400
_ROWS_A_TILE = 2  # sampled rows of cells that a tile has at the least, where it is high enough


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


@dataclass(frozen=True, slots=True)
class Compared:
    """changed: (tiles,), see ``Analysis``. luma_cells: mean luma of the cells of the frame."""

    changed: npt.NDArray[np.bool_]
    luma_cells: Map


class Analyser:
    """One stream's analyser: keeps the frame before (as small maps) and what was learnt of the noise.

    Noise is learnt from every other frame of a coded stream, and the coding damage judged in those between, after a
    cut at once: both change slowly, and the frame has a budget.
    """

    def __init__(self, width_px: int, height_px: int, areas: Sequence[Area], coded: bool, margin_px: int = 4) -> None:
        self._areas = list(areas)
        self._coded = coded
        self._flicker = CODED_FLICKER if coded else 1.0
        self._margin_px = margin_px
        cells = (height_px // CELL_PX) * (width_px // CELL_PX)
        lowest = min((a.bottom - a.top for a in self._areas), default=CELL_PX) // CELL_PX
        self._stride = max(1, min(cells // _SAMPLED_CELLS, lowest // _ROWS_A_TILE))
        self._grown = TileCells(self._areas, height_px, width_px, margin_px)
        self._tiles = TileCells(self._areas, height_px, width_px)
        self._sampled = TileCells(self._areas, height_px, width_px, row_stride=self._stride)
        self._motion = TileMotion(self._areas, height_px, width_px)
        self.reset()

    def reset(self) -> None:
        """Forget the stream, as after a jump in it."""
        self._noise = NoiseModel()
        self._damage = DamageModel()
        self._before: Map | None = None
        self._coding: Map | None = None if self._coded else np.zeros(len(self._areas), np.float32)
        self._learns = True

    def analyse(self, planes: Planes8, reference: Planes8 | None, tolerance: float = 1.0) -> Analysis:
        """Analyse the next frame of the stream: compare it, then judge it."""
        return self.judge(planes, self.compare(planes, reference, tolerance))

    def compare(self, planes: Planes8, reference: Planes8 | None, tolerance: float = 1.0) -> Compared:
        """Which tiles of the next frame changed; by the noise of the frames before it.

        reference: planes of the same shapes, the source as it was when each tile's shown output was computed; None:
        every tile is changed. tolerance: 0: a tile is changed unless it is identical, bit by bit, margin included;
        1: unless nobody sees the difference; more: unless few do.
        """
        if reference is None:
            return Compared(np.ones(len(self._areas), np.bool_), cell_means(planes[0]))
        if tolerance <= 0:
            changed = differing_tiles(planes, reference, self._areas, self._margin_px)
            return Compared(changed, cell_means(planes[0]))
        apart = apart_by_cells(planes, reference)
        cells = changed_cells(apart, self._noise.sigma_of_luma(), tolerance * self._flicker)
        return Compared(self._grown.any(cells), apart.luma_now)

    def judge(self, planes: Planes8, compared: Compared) -> Analysis:
        """What else is known of the frame that was compared. Needs nothing of what is made of it meanwhile."""
        strips = sampled_strips(planes[0], self._stride)
        haar = haar_cells(strips)
        if self._learns or not self._coded:
            self._noise.learn(haar, compared.luma_cells[:: self._stride])
        sigma_of_luma = self._noise.sigma_of_luma()
        noise = sigma_of_luma[np.rint(self._tiles.means(compared.luma_cells)).astype(np.int64)]
        fine = self._sampled.means((haar.lh + haar.hl + haar.hh) / 4)
        detail = np.sqrt(np.maximum(fine - 0.75 * noise * noise, 0))
        motion, cut = self._since_before(coarse_map(compared.luma_cells), bool(compared.changed.any()))
        if self._coding is None or (self._coded and (cut or not self._learns)):
            self._coding = self._damage.judge(strips, haar, self._sampled)
        self._learns = not self._learns
        return Analysis(compared.changed, detail, noise, self._coding.copy(), motion, cut)

    def _since_before(self, coarse: Map, anything_changed: bool) -> tuple[Map, bool]:
        """Motion of the tiles, none after a cut, and whether there was one; remembers the map."""
        before, self._before = self._before, coarse
        still = np.zeros(len(self._areas), np.float32)
        if before is None or not anything_changed:
            return still, False
        if is_cut(small_map(coarse), small_map(before)):
            return still, True
        return self._motion.lengths(coarse, before), False
