"""How frames of one size are parted into tiles, and tiles into larger parts that can be worked on at once. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from edge_vsr.upscale import tiles
from edge_vsr.upscale.analyse.analysis import Area
from edge_vsr.upscale.calls import Grid
from edge_vsr.upscale.resample import Kernel

_BRIDGE = np.ones((3, 7), np.uint8)  # tiles


@dataclass(frozen=True, slots=True)
class Part:
    """A rectangle of tiles, and where it lies on the source."""

    tiles: tuple[int, ...]
    area: Area


@dataclass(frozen=True, slots=True)
class Layout:
    """areas: of the grid's tiles, on the source."""

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

    def part_of(self, tile: int) -> Part:
        return Part((tile,), self.areas[tile])

    def bridged(self, which: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """The flagged tiles (tiles,) and small gaps between them: a part costs as much as seven tiles more in one."""
        flags = which.reshape(self.grid.shape).astype(np.uint8)
        return np.asarray(cv2.morphologyEx(flags, cv2.MORPH_CLOSE, _BRIDGE) != 0, np.bool_).ravel()

    def parts(self, which: npt.NDArray[np.bool_]) -> list[Part]:
        """The flagged tiles (tiles,) as rectangles: runs along a row, and the same run in the rows below it."""
        fenced = np.pad(which.reshape(self.grid.shape), ((0, 1), (1, 1)))
        begins, ends = fenced[:, 1:] & ~fenced[:, :-1], ~fenced[:, 1:] & fenced[:, :-1]
        growing: dict[tuple[int, int], int] = {}  # run → its first row
        found: list[Part] = []
        for row in range(len(fenced)):
            runs = set(zip(np.flatnonzero(begins[row]).tolist(), np.flatnonzero(ends[row]).tolist(), strict=True))
            for run in [run for run in growing if run not in runs]:
                found.append(self._rectangle(growing.pop(run), row, *run))
            growing.update({run: row for run in runs if run not in growing})
        return found

    def _rectangle(self, top: int, bottom: int, left: int, right: int) -> Part:
        columns = self.grid.columns
        first, last = self.areas[top * columns + left], self.areas[(bottom - 1) * columns + right - 1]
        inside = tuple(row * columns + column for row in range(top, bottom) for column in range(left, right))
        return Part(inside, Area(first.top, first.left, last.bottom, last.right))
