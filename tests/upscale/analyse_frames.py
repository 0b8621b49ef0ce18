"""Frames and areas for the tests of the analysis."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from edge_vsr.upscale.analyse.analysis import Analyser, Analysis, Area, Planes8

Samples = npt.NDArray[np.float64]


def texture(height: int, width: int, seed: int = 0, contrast: float = 38.0) -> Samples:
    """Random detail whose spectrum falls faster than that of photographs: no noise in it."""
    rng = np.random.default_rng(seed)
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    frequency[0, 0] = 1
    spectrum = (rng.normal(size=frequency.shape) + 1j * rng.normal(size=frequency.shape)) / frequency**1.5
    detail = np.fft.irfft2(spectrum, (height, width))
    return np.asarray(120 + contrast * detail / detail.std())


def planes(luma: Samples, sigma: float = 0, seed: int = 0, chroma: float = 128) -> Planes8:
    """A 4:2:0 picture of ``luma`` (H, W) with white noise in all planes."""
    rng = np.random.default_rng(seed)
    colour = np.full((-(-luma.shape[0] // 2), -(-luma.shape[1] // 2)), chroma)
    y, u, v = (
        np.clip(np.rint(p + rng.normal(0, sigma, p.shape)), 0, 255).astype(np.uint8) for p in (luma, colour, colour)
    )
    return y, u, v


def grid(height: int, width: int, rows: int = 108, columns: int = 160) -> list[Area]:
    """Areas that cover a frame."""
    return [
        Area(top, left, min(top + rows, height), min(left + columns, width))
        for top in range(0, height, rows)
        for left in range(0, width, columns)
    ]


def last_of(frames: list[Planes8], areas: list[Area] | None = None, *, coded: bool = False) -> Analysis:
    """What the analyser says of the last frame, every frame being compared with the one before."""
    height, width = frames[0][0].shape
    analyser = Analyser(width, height, areas or grid(height, width), coded)
    seen = analyser.analyse(frames[0], None)
    for before, now in pairwise(frames):
        seen = analyser.analyse(now, before)
    return seen
