"""What is done for the tiles of one frame: former output copied, base resampled, residuals computed and added.

Every method computes on the thread that calls it and writes nothing but its own tiles.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge_vsr.color import Planes
from edge_vsr.errors import BackendError
from edge_vsr.frame import Frame
from edge_vsr.telemetry import Stages
from edge_vsr.upscale import base, feather, tiles
from edge_vsr.upscale.analyse.analysis import Area
from edge_vsr.upscale.backends.backend import Residual
from edge_vsr.upscale.calls import Call, Grid
from edge_vsr.upscale.enlarge import Enlarger
from edge_vsr.upscale.resample import Kernel
from edge_vsr.upscale.seen import Seen, as_trained


@dataclass(frozen=True, slots=True)
class Layout:
    """How frames of one size are parted. areas: of the grid's tiles, on the source."""

    grid: Grid
    areas: tuple[Area, ...]
    factor: int
    kernel: Kernel

    @classmethod
    def of(cls, width_px: int, height_px: int, most: tuple[int, int], factor: int, kernel: Kernel) -> Layout:
        """most: the largest tile, in blocks."""
        blocks = tiles.blocks_of(width_px, height_px)
        core = tiles.core_of(blocks, most)
        cuts = tuple(tiles.grid(blocks, core))
        areas = [
            Area(
                2 * (cut.top + cut.keep_top),
                2 * (cut.left + cut.keep_left),
                min(2 * (cut.top + core[0]), height_px),
                min(2 * (cut.left + core[1]), width_px),
            )
            for cut in cuts
        ]
        return cls(Grid(-(-blocks[1] // core[1]), core, cuts), tuple(areas), factor, kernel)

    def runs(self, which: npt.NDArray[np.bool_]) -> list[Area]:
        """Areas of tiles (tiles,) that lie side by side in a row."""
        found = []
        fenced = np.pad(which.reshape(self.grid.shape), ((0, 0), (1, 1)))
        for row, column in np.argwhere(fenced[:, 1:] & ~fenced[:, :-1]).tolist():
            end = column + int(np.argmin(fenced[row, column + 1 :]))
            first, last = (self.areas[row * self.grid.columns + at] for at in (column, end - 1))
            found.append(Area(first.top, first.left, last.bottom, last.right))
        return found


@dataclass(frozen=True, slots=True)
class Work:
    """One frame in the making: ``out`` has planes of its own."""

    frame: Frame
    out: Frame
    layout: Layout
    stages: Stages

    def reuse(self, area: Area, former: Planes) -> None:
        """Take over what was shown there before."""
        with self.stages.stage("reuse"):
            base.copy_area(former, self.out.planes, self.frame, area, self.layout.factor)

    def resample(self, area: Area) -> None:
        """Show the base there."""
        with self.stages.stage("base"):
            base.base_area(self.frame, self.out.planes, area, self.layout.factor, self.layout.kernel)

    def residual(self, seen: Seen, call: Call, net: Enlarger, edges: npt.NDArray[np.bool_]) -> None:
        """Run a net and add what it gives to the base, which must be there. edges: (tiles of the call, 4) open.

        Raises BackendError.
        """
        with self.stages.stage("gather"):
            picture = seen.cut(call.cuts, net.manifest.halo, call.core)
        with self.stages.stage("infer"):
            residual = net.backend.run(picture)
        if residual.shape != (len(call.cuts), net.manifest.channels[1], *call.core):
            raise BackendError(f"{net.backend.name} gave a residual of shape {residual.shape}")
        with self.stages.stage("scatter"):
            step, zero, factor = net.backend.step, net.backend.zero, self.layout.factor
            self._fade(residual, call, zero, edges)
            unit = 1 << (self.frame.bit_depth - 8)
            scale = tiles.Scale(step, zero, unit, (1 << self.frame.bit_depth) - 1)
            tiles.scatter(residual, list(call.cuts), self.out.planes, scale, factor, as_trained(self.frame))

    def _fade(self, residual: Residual, call: Call, zero: int, edges: npt.NDArray[np.bool_]) -> None:
        height, width = self.layout.grid.core
        for index in np.flatnonzero(~edges.all(axis=1)).tolist():
            if len(call.cuts) == len(call.tiles):
                part = residual[index]
            else:  # four as one
                row, column = divmod(index, 2)
                part = residual[0][:, row * height : (row + 1) * height, column * width : (column + 1) * width]
            feather.fade(part, self.layout.grid.tiles[call.tiles[index]], zero, edges[index])
