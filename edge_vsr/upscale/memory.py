"""What a pass remembers from frame to frame: which tile shows what, and the pictures that belong to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge_vsr.frame import Frame
from edge_vsr.upscale.analyse.analysis import Analyser, Area, Planes8
from edge_vsr.upscale.feather import Edges
from edge_vsr.upscale.router import BASE


@dataclass
class Memory:
    """The state of one stream, of frames of one size.

    shown: (tiles,) what each tile's output was made with. age: (tiles,) frames for which it showed less than it
    wanted. open: see ``feather``. reference: the source as it was when each tile was made. output: the last frame made.
    """

    analyser: Analyser
    shown: npt.NDArray[np.int8]
    age: npt.NDArray[np.int32]
    open: Edges
    reference: Planes8 | None = None
    output: Frame | None = None

    @classmethod
    def of(cls, analyser: Analyser, shape: tuple[int, int]) -> Memory:
        """Nothing seen yet; ``shape``: (rows, columns) of tiles."""
        count = shape[0] * shape[1]
        return cls(analyser, np.full(count, BASE, np.int8), np.zeros(count, np.int32), np.zeros((*shape, 4), np.bool_))

    def learn(self, planes: Planes8, areas: Iterable[Area]) -> None:
        """Keep the source of what was made anew."""
        if self.reference is None:
            y, u, v = (np.array(plane, order="C") for plane in planes)
            self.reference = y, u, v
        for area in areas:
            for kept, plane, step in zip(self.reference, planes, (1, 2, 2), strict=True):
                part = np.s_[area.top // step : -(-area.bottom // step), area.left // step : -(-area.right // step)]
                kept[part] = plane[part]
