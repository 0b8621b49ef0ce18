"""What a net is expected to gain on a tile, from what the analysis says of it. Pure.

The fall of squared error is a linear function of a few features with non-negative weights; each package brings
the weights that the factory fitted to real gains, tile by tile.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from edge_vsr.upscale.analyse.analysis import Analysis

Float = npt.NDArray[np.float32]
FEATURES = ("detail", "detail squared", "detail times damage", "noise squared")
UNKNOWN = (1.0, 0.0, 0.0, 0.0)  # of a package without weights: where there is detail, there is gain


def features(analysis: Analysis) -> Float:
    """(tiles, features), in the order of ``FEATURES``."""
    detail, noise, coding = analysis.detail, analysis.noise, analysis.coding
    return np.stack([detail, detail**2, detail * coding, noise**2], axis=1).astype(np.float32)


def expected(analysis: Analysis, weights: Sequence[float]) -> Float:
    """(tiles,): by how much squared error falls, per luma pixel of the output, in 8-bit code values squared."""
    return np.asarray(features(analysis) @ np.asarray(weights or UNKNOWN, np.float32), np.float32)
