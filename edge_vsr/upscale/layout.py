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

_MOSTLY_GAPS = 3  # times as many tiles as are flagged
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

    def banded(self, which: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """The flagged tiles (tiles,) and all between two of them in a row, unless most of that would be gaps."""
        flags = which.reshape(self.grid.shape)
        from_left, from_right = (np.maximum.accumulate(side, axis=1) for side in (flags, flags[:, ::-1]))
        bands = np.asarray(from_left & from_right[:, ::-1], np.bool_).ravel()
        return bands if bands.sum() <= _MOSTLY_GAPS * which.sum() else self.bridged(which)

    def parts(self, which: npt.NDArray[np.bool_]) -> list[Part]:
        """The flagged tiles (tiles,) as rectangles: runs along a row, and the same run in the row below it.

        No more rows: what is in the cache is worked on faster, and there is something for every thread.
        """
        edges = np.diff(np.pad(which.reshape(self.grid.shape).astype(np.int8), ((0, 0), (1, 1))))
        upper: set[tuple[int, int, int]] = set()  # runs of even rows, until one below joins them
        found: list[Part] = []
        for (row, begin), (_, end) in zip(
            np.argwhere(edges > 0).tolist(), np.argwhere(edges < 0).tolist(), strict=True
        ):
            if row % 2 == 0:
                upper.add((row, begin, end))
            elif (row - 1, begin, end) in upper:
                upper.remove((row - 1, begin, end))
                found.append(self._rectangle(row - 1, row + 1, begin, end))
            else:
                found.append(self._rectangle(row, row + 1, begin, end))
        return found + [self._rectangle(row, row + 1, begin, end) for row, begin, end in sorted(upper)]

    def _rectangle(self, top: int, bottom: int, left: int, right: int) -> Part:
        columns = self.grid.columns
        first, last = self.areas[top * columns + left], self.areas[(bottom - 1) * columns + right - 1]
        inside = tuple(row * columns + column for row in range(top, bottom) for column in range(left, right))
        return Part(inside, Area(first.top, first.left, last.bottom, last.right))
