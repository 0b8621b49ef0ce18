"""Feathering: where a tile with a residual meets one without, the residual fades out, so that no border shows.

An edge of a tile is *open* where its residual reaches it in full: its neighbour's does so from the other side.
A reused tile is never touched, so a neighbour that is made anew heeds how that edge was made. Pure.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from edge_vsr.upscale.backends.backend import Residual

FADE = 6  # blocks of 2x2 source pixels
_SHIFT = 7  # bits of a weight: residuals of -128 to 127 stay within int16
_WHOLE = 1 << _SHIFT
Edges = npt.NDArray[np.bool_]  # (rows, columns, 4): open above, left, below, right
ABOVE, LEFT, BELOW, RIGHT = range(4)
_OPPOSITE = (BELOW, RIGHT, ABOVE, LEFT)
_STEP = ((-1, 0), (0, -1), (1, 0), (0, 1))


def opened(made: npt.NDArray[np.bool_], kept: npt.NDArray[np.bool_], before: Edges) -> Edges:
    """The edges of a frame's tiles.

    made: (rows, columns), tiles that get a residual now. kept: tiles that keep their former output, whose edges were
    ``before``. All other tiles have no residual and no open edge; at the picture's border every edge is open.
    """
    rows, columns = made.shape
    edges = np.where(kept[..., None], before, made[..., None])
    for side, (down, right) in enumerate(_STEP):
        across = np.pad(made | (kept & before[..., _OPPOSITE[side]]), 1, constant_values=True)
        neighbour = across[1 + down : 1 + down + rows, 1 + right : 1 + right + columns]
        edges[..., side] &= neighbour | ~made
    return np.asarray(edges, np.bool_)


def fade(residual: Residual, zero: int, edges: npt.NDArray[np.bool_]) -> None:
    """Let one tile's residual (channels, rows, columns) run out towards its closed ``edges`` (4,), in place."""
    weight = _weight(residual.shape[1], residual.shape[2], tuple(edges.tolist()))
    if residual.dtype != np.uint8:
        residual[:] = (residual - zero) * (weight / _WHOLE) + zero
        return
    part = residual.astype(np.int16)
    part -= zero
    part *= weight
    part += _WHOLE // 2
    part >>= _SHIFT
    part += zero
    residual[:] = part


@lru_cache(maxsize=64)
def _weight(rows: int, columns: int, edges: tuple[bool, ...]) -> npt.NDArray[np.int16]:
    """(rows, columns): ``_WHOLE``, but for the closed edges, towards which it falls to 0."""
    down = _ramp(rows, edges[ABOVE], edges[BELOW])
    across = _ramp(columns, edges[LEFT], edges[RIGHT])
    return np.asarray(np.rint(_WHOLE * down[:, None] * across), np.int16)


def _ramp(size: int, first: bool, last: bool) -> npt.NDArray[np.float32]:
    """(size,): 1, but for the ends that are not open."""
    rising = np.minimum((np.arange(size, dtype=np.float32) + 0.5) / FADE, 1)
    return np.where(first, 1, rising) * np.where(last, 1, rising[::-1])
