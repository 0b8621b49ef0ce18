"""Feathering: where a tile with a residual meets one without, the residual fades out, so that no border shows.

An edge of a tile is *open* where its residual reaches it in full: its neighbour's does so from the other side.
A reused tile is never touched, so a neighbour that is made anew heeds how that edge was made. Pure.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edge_vsr.upscale.backends.backend import Residual

FADE = 6  # blocks of 2x2 source pixels
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
    for side in np.flatnonzero(~edges):
        turned = residual if side in (ABOVE, BELOW) else residual.transpose(0, 2, 1)
        towards = turned if side in (ABOVE, LEFT) else turned[:, ::-1]
        reach = min(FADE, towards.shape[1])
        weight = ((np.arange(reach, dtype=np.float32) + 0.5) / FADE)[:, None]
        strip = towards[:, :reach]
        faded = zero + (strip.astype(np.float32) - zero) * weight
        strip[:] = np.rint(faded) if residual.dtype == np.uint8 else faded
