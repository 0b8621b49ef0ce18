"""Noise of a stream by luminance, learnt frame by frame: a Bayesian estimate that tightens with evidence.

In every luminance bin the variance has an inverse-gamma posterior, conjugate to Gaussian samples of known mean (Gelman
et al., Bayesian Data Analysis, 2.6): a + n/2 and b + sum of squares / 2 after n samples. The samples are Haar HH
coefficients, where white noise keeps its deviation and pictures have least (Donoho & Johnstone 1994), of the calmest
cells. Calm is judged by the low band: white noise is independent between bands, so choosing by it biases nothing.
What texture is left shows in LH and HL, where it has about four times the energy it has in HH; white noise has the
same in all three. That gives two equations for noise and texture. Old evidence is discounted by a power
of its likelihood (Ibrahim & Chen 2000).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edge_vsr.upscale.analyse.cells import Map, Numbers
from edge_vsr.upscale.analyse.haar import HaarCells

_BINS = 16
_SAMPLES = 16.0  # HH coefficients of a cell
_CALM = 0.15
_TEXTURE = 0.25  # energy of texture in HH, in that of LH or HL
_WORTH = (1 - _TEXTURE) ** 2 / (1 + _TEXTURE**2 / 2)  # of a sample after texture was taken out: its variance grows
_MEMORY = 0.8  # of the evidence left after a frame
_PRIOR = 60.0  # what the neighbouring bins say counts as so many times half a sample
_REACH_BINS = 1.5
_ENOUGH = 4000  # cells; of more, every so many columns

_Bins = npt.NDArray[np.float64]


class NoiseModel:
    """Inverse-gamma posteriors of the noise variance, codes^2, in 16 bins of luminance."""

    def __init__(self) -> None:
        self._shape: _Bins = np.zeros(_BINS)
        self._scale: _Bins = np.zeros(_BINS)
        centres = np.arange(_BINS)
        self._nearness = np.exp(-np.abs(centres[:, None] - centres) / _REACH_BINS)

    def learn(self, haar: HaarCells, luma_cells: Map) -> None:
        """Take in the next frame: band energies and mean luminance of the same cells (rows, columns)."""
        thin = 1 + haar.hh.size // (_ENOUGH + 1)
        hh, sides, coarse = (band[:, ::thin].ravel() for band in (haar.hh, (haar.lh + haar.hl) / 2, haar.coarse))
        luma = luma_cells[: haar.hh.shape[0], : haar.hh.shape[1] : thin].ravel()
        bins = (luma * (_BINS / 256)).astype(np.int64)
        calm = _calmest(coarse, bins)
        noise = (hh[calm] - _TEXTURE * sides[calm]) / (1 - _TEXTURE)
        samples = np.bincount(bins[calm], minlength=_BINS) * (_SAMPLES * _WORTH)
        squares = np.maximum(np.bincount(bins[calm], noise, _BINS), 0) * (_SAMPLES * _WORTH)
        self._shape = self._shape * _MEMORY + samples / 2
        self._scale = self._scale * _MEMORY + squares / 2

    def variances(self) -> _Bins:
        """Posterior mean of the variance in every bin (16,); neighbouring bins are the prior, 0 if nothing is known."""
        known = self._nearness @ self._shape
        prior = np.divide(self._nearness @ self._scale, known, out=np.zeros(_BINS), where=known > 0)
        return np.asarray((self._scale + _PRIOR * prior) / (self._shape + _PRIOR))

    def uncertainty(self) -> _Bins:
        """Relative standard deviation of every bin's variance under its posterior (16,)."""
        return np.asarray(1 / np.sqrt(self._shape + _PRIOR - 1))

    def sigma_of_luma(self) -> Map:
        """Noise deviation of every 8-bit luma value (256,), codes."""
        centres = (np.arange(_BINS) + 0.5) * (256 / _BINS)
        return np.sqrt(np.interp(np.arange(256), centres, self.variances())).astype(np.float32)


def _calmest(restless: Numbers, bins: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Indices of the calmest part of the cells of every bin, at least one."""
    order = np.argsort((bins * 1e5 + np.minimum(restless, 9e4)).astype(np.float32))
    counts = np.bincount(bins, minlength=_BINS)
    starts = np.cumsum(counts) - counts
    ranks = np.arange(order.size) - np.repeat(starts, counts)
    return np.asarray(order[ranks < np.repeat(np.ceil(_CALM * counts), counts)])
