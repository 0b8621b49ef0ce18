"""Cells of 8x8 luma pixels: means over them, and sums over the cells that a tile touches.

All maps of the analysis are (ceil H/8, ceil W/8); a tile's figure comes out of four values of a summed-area table
(Crow, SIGGRAPH 1984), however many tiles there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

CELL_PX = 8

Plane8 = npt.NDArray[np.uint8]
Planes8 = tuple[Plane8, Plane8, Plane8]  # y (H, W), u and v (ceil H/2, ceil W/2)
Map = npt.NDArray[np.float32]
Numbers = npt.NDArray[Any]  # uint8 or float32


@dataclass(frozen=True, slots=True)
class Area:
    """A tile's kept core in luma pixels of the source picture; bottom and right are the first ones outside."""

    top: int
    left: int
    bottom: int
    right: int


def halved(plane: Numbers) -> Numbers:
    """Means of 2x2 samples; even sides, the dtype of ``plane`` (uint8 is rounded)."""
    size = (plane.shape[1] // 2, plane.shape[0] // 2)
    return cv2.resize(plane, size, interpolation=cv2.INTER_AREA)


def cell_means(plane: Plane8, side: int = CELL_PX) -> Map:
    """Means over cells of ``side`` x ``side`` samples (4, 8): (ceil h/side, ceil w/side), to about a quarter code.

    A cell that the frame's edge cuts is filled up with the edge's samples. Halving thrice is several times
    faster than one step of 8; the last halving is in float32, so that rounding does not hide slow drifts.
    """
    below, right = -plane.shape[0] % side, -plane.shape[1] % side
    if below or right:
        plane = cv2.copyMakeBorder(plane, 0, below, 0, right, cv2.BORDER_REPLICATE).astype(np.uint8, copy=False)
    small: Numbers = plane
    for _ in range(side.bit_length() - 2):
        small = halved(small)
    return halved(small.astype(np.float32)).astype(np.float32, copy=False)


class TileCells:
    """The rectangle of cells that each area touches, in a map of which only every ``row_stride``-th row is kept."""

    def __init__(
        self, areas: Sequence[Area], height_px: int, width_px: int, margin_px: int = 0, row_stride: int = 1
    ) -> None:
        boxes = np.array([(a.top, a.left, a.bottom, a.right) for a in areas], np.int64).reshape(-1, 4)
        grown = boxes + np.array([-margin_px, -margin_px, margin_px, margin_px])
        limits = np.array([height_px, width_px])
        first = np.clip(grown[:, :2], 0, np.maximum(limits - 1, 0)) // CELL_PX
        last = -(-np.clip(grown[:, 2:], 1, np.maximum(limits, 1)) // CELL_PX)
        self._top, self._bottom = _kept_rows(first[:, 0], last[:, 0], row_stride)
        self._left, self._right = first[:, 1], np.maximum(last[:, 1], first[:, 1] + 1)
        self._corners: dict[tuple[int, ...], tuple[list[npt.NDArray[np.int64]], npt.NDArray[np.int64]]] = {}

    def sums(self, cells: Numbers) -> npt.NDArray[np.float64]:
        """Sum over every tile's cells: (tiles,), of a uint8 or float32 map (rows, columns)."""
        return self._sums_and_counts(cells)[0]

    def means(self, cells: Numbers) -> Map:
        """Mean over every tile's cells: (tiles,)."""
        sums, counts = self._sums_and_counts(cells)
        return (sums / counts).astype(np.float32)

    def any(self, cells: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Whether one of a tile's cells is set: (tiles,)."""
        return np.asarray(self.sums(cells.view(np.uint8)) > 0)

    def _sums_and_counts(self, cells: Numbers) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
        if cells.shape not in self._corners:
            self._corners[cells.shape] = self._corners_in(*cells.shape)
        corners, count = self._corners[cells.shape]
        table = cv2.integral(cells).ravel()
        inside, above, upper, lower = (table.take(corner) for corner in corners)
        return np.asarray(inside + above - upper - lower, np.float64), count

    def _corners_in(self, rows: int, columns: int) -> tuple[list[npt.NDArray[np.int64]], npt.NDArray[np.int64]]:
        """Places in a summed-area table, cut to the map: some maps lack the cells that the frame's edge cuts."""
        top, left = np.minimum(self._top, rows - 1), np.minimum(self._left, columns - 1)
        bottom, right = np.minimum(self._bottom, rows), np.minimum(self._right, columns)
        pitch = columns + 1
        places = [y * pitch + x for y, x in ((bottom, right), (top, left), (top, right), (bottom, left))]
        return places, (bottom - top) * (right - left)


def _kept_rows(
    first: npt.NDArray[np.int64], last: npt.NDArray[np.int64], stride: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Rows of a thinned map inside [first, last), at least the one nearest above."""
    top = np.where(-(-first // stride) < -(-last // stride), -(-first // stride), first // stride)
    return top, np.maximum(-(-last // stride), top + 1)
