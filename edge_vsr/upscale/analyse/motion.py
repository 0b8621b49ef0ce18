"""Motion: how far the content of each tile moved since the frame before, coarsely.

On luma means of 16x16 pixels, all tiles at once out of summed-area tables. Below one cell the motion follows from
brightness constancy, least squares over the tile (Lucas & Kanade, IJCAI 1981). From there on blocks are matched: the
mean absolute difference at 25 shifts of up to two cells (32 px) each way, and between cells the two lines of equal
slope that such differences follow around their least (the equiangular fit of Shimizu & Okutomi, 2003).
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from edge_vsr.upscale.analyse.cells import CELL_PX, Area, Map, Numbers, halved

COARSE_PX = 2 * CELL_PX
_REACH = 2
_SIDE = 2 * _REACH + 1
_CLEARLY = 0.8  # a shift by a cell or more must fit so much better than none
_LEAST_PX = 0.25  # what noise may feign
_STEEPER = 0.77  # central differences miss a part of the slopes of what is as fine as the cells; photos, shifted
_STIFFNESS = 0.5  # squared gradient per cell, codes^2, up to which a slope may be noise


def coarse_map(luma_cells: Map) -> Map:
    """Means of 16x16 pixels (ceil h/2, ceil w/2) from ``cells.cell_means`` (h, w)."""
    below, right = luma_cells.shape[0] % 2, luma_cells.shape[1] % 2
    even = cv2.copyMakeBorder(luma_cells, 0, below, 0, right, cv2.BORDER_REPLICATE) if below or right else luma_cells
    return np.asarray(halved(even), np.float32)


class TileMotion:
    """The motion of the tiles of one geometry."""

    def __init__(self, areas: Sequence[Area], height_px: int, width_px: int) -> None:
        boxes = np.array([(a.top, a.left, a.bottom, a.right) for a in areas], np.int64).reshape(-1, 4)
        self._shape = -(-height_px // COARSE_PX), -(-width_px // COARSE_PX)
        first = np.minimum(boxes[:, :2] // COARSE_PX, np.array(self._shape) - 1)
        last = np.minimum(np.maximum(-(-boxes[:, 2:] // COARSE_PX), first + 1), self._shape)
        self._count = np.prod(last - first, axis=1)
        corners = [
            (last[:, 0], last[:, 1]),
            (first[:, 0], first[:, 1]),
            (first[:, 0], last[:, 1]),
            (last[:, 0], first[:, 1]),
        ]
        pitch = self._shape[1] + 1
        starts = np.arange(_SIDE * _SIDE)[:, None] * (self._shape[0] * pitch)
        self._corners = [starts + row * pitch + column for row, column in corners]

    def lengths(self, now: Map, before: Map) -> Map:
        """Length of every tile's motion in luma px (tiles,), up to 45; 0 where it is still or has nothing to match."""
        error = self._errors(now, before)
        tiles = np.arange(error.shape[-1])
        row, column = np.divmod(error.reshape(_SIDE * _SIDE, -1).argmin(axis=0), _SIDE)
        dy = row - _REACH + _between(error[:, column, tiles], row)
        dx = column - _REACH + _between(error[row, :, tiles].T, column)
        far = error[row, column, tiles] < _CLEARLY * error[_REACH, _REACH]
        length = COARSE_PX * np.where(far, np.hypot(dy, dx), self._slow(now, before))
        return np.where(length < _LEAST_PX, 0, length).astype(np.float32)

    def _slow(self, now: Map, before: Map) -> Map:
        """Motion below a cell by its gradients: lengths in cells (tiles,)."""
        mean = (now + before) / 2
        gx, gy = (cv2.Sobel(mean, cv2.CV_32F, dx, 1 - dx, ksize=1, scale=0.5) for dx in (1, 0))
        change = now - before
        products = np.stack([gx * gx, gy * gy, gx * gy, gx * change, gy * change])
        xx, yy, xy, xt, yt = self._means(products)
        xx, yy = xx + _STIFFNESS, yy + _STIFFNESS
        scale = 1 / (xx * yy - xy * xy)
        length = np.hypot((xy * yt - yy * xt) * scale, (xy * xt - xx * yt) * scale)
        return np.asarray(np.minimum(_STEEPER * length, 1), np.float32)

    def _errors(self, now: Map, before: Map) -> Map:
        """Mean absolute difference of every tile at every shift: (5, 5, tiles)."""
        padded = cv2.copyMakeBorder(cv2.convertScaleAbs(before), _REACH, _REACH, _REACH, _REACH, cv2.BORDER_REPLICATE)
        shifted = np.ascontiguousarray(np.lib.stride_tricks.sliding_window_view(padded, now.shape))
        repeated = np.tile(cv2.convertScaleAbs(now), (_SIDE * _SIDE, 1))
        apart = cv2.absdiff(shifted.reshape(repeated.shape), repeated)
        return self._means(apart.reshape(-1, *now.shape)).reshape(_SIDE, _SIDE, -1)

    def _means(self, stack: Numbers) -> Map:
        """Means over every tile's cells of maps (n <= 25, rows, columns): (n, tiles)."""
        table = cv2.integral(stack.reshape(-1, self._shape[1])).ravel()
        inside, above, upper, lower = (table.take(corner[: len(stack)]) for corner in self._corners)
        return np.asarray((inside + above - upper - lower) / self._count, np.float32)


def _between(errors: Map, at: npt.NDArray[np.int64]) -> Map:
    """Where between its neighbours the least of ``errors`` (5, tiles) lies, -0.5..0.5; 0 at the end of the search."""
    tiles = np.arange(errors.shape[1])
    inner = np.clip(at, 1, _SIDE - 2)
    below, least, above = (errors[inner + step, tiles] for step in (-1, 0, 1))
    slope = np.maximum(np.maximum(below, above) - least, 1e-6)
    offset = np.clip((below - above) / (2 * slope), -0.5, 0.5)
    return np.where(inner == at, offset, 0).astype(np.float32)
