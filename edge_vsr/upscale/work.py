"""What is done for the tiles of one frame: former output copied, base resampled, residuals computed and added.

Every method computes on the thread that calls it and writes nothing but its own part. Residuals wait on a sheet as
large as the picture, so that they can be added in parts larger than a tile, once it is known which came in time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge_vsr.color import Planes
from edge_vsr.errors import BackendError
from edge_vsr.frame import Frame
from edge_vsr.telemetry import Stages
from edge_vsr.upscale import base, feather, guard, tiles
from edge_vsr.upscale.backends.backend import Residual
from edge_vsr.upscale.calls import Call
from edge_vsr.upscale.enlarge import Enlarger
from edge_vsr.upscale.layout import Layout, Part
from edge_vsr.upscale.seen import Seen, as_trained

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Work:
    """One frame in the making. out: planes of its own. sheet: (channels, rows, columns) of blocks, for residuals."""

    frame: Frame
    out: Frame
    layout: Layout
    sheet: Residual
    stages: Stages

    def reuse(self, part: Part, former: Planes) -> None:
        """Take over what was shown there before."""
        with self.stages.stage("reuse"):
            base.copy_area(former, self.out.planes, self.frame, part.area, self.layout.factor)

    def resample(self, part: Part) -> None:
        """Show the base there."""
        with self.stages.stage("base"):
            base.base_area(self.frame, self.out.planes, part.area, self.layout.factor, self.layout.kernel)

    def infer(self, seen: Seen, call: Call, net: Enlarger) -> None:
        """Run a net and lay its residuals on the sheet. Raises BackendError."""
        with self.stages.stage("gather"):
            picture = seen.cut(call.cuts, net.manifest.halo, call.core)
        with self.stages.stage("infer"):
            residual = net.backend.run(picture)
        if residual.shape != (len(call.cuts), net.manifest.channels[1], *call.core):
            raise BackendError(f"{net.backend.name} gave a residual of shape {residual.shape}")
        with self.stages.stage("scatter"):
            for one, cut in zip(residual, call.cuts, strict=True):
                kept = one[:, cut.keep_top :, cut.keep_left :]
                top, left = cut.top + cut.keep_top, cut.left + cut.keep_left
                self.sheet[:, top : top + kept.shape[1], left : left + kept.shape[2]] = kept

    def add(self, part: Part, net: Enlarger, mine: Flags, edges: Flags, limit: float) -> None:
        """Add residuals from the sheet to the base, which must be there.

        mine: (all tiles,), those whose residuals were laid; elsewhere the sheet says that there is nothing to add.
        edges: (all tiles, 4), see ``feather``. limit: see ``guard``.
        """
        step, zero = net.backend.step, net.backend.zero
        unit = 1 << (self.frame.bit_depth - 8)
        scale = tiles.Scale(step, zero, unit, (1 << self.frame.bit_depth) - 1)
        factor, chroma = self.layout.factor, as_trained(self.frame)
        with self.stages.stage("guard"):
            residual = guard.bounded(self._on_sheet(part), step, zero, factor, limit)
        with self.stages.stage("scatter"):
            for tile in part.tiles:
                if mine[tile] and not edges[tile].all():
                    feather.fade(self._on_sheet(self.layout.part_of(tile)), zero, edges[tile])
            top, left = part.area.top // 2, part.area.left // 2
            tiles.scatter(residual, (top, left), self.out.planes, scale, factor, chroma)

    def _on_sheet(self, part: Part) -> Residual:
        area = part.area
        return self.sheet[:, area.top // 2 : -(-area.bottom // 2), area.left // 2 : -(-area.right // 2)]
