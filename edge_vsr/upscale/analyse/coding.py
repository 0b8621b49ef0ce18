"""Coding damage: how far a lossy codec has eaten the finest detail, and how visible its block grid is.

Two cues, each 0..1. *Starvation*: quantisers remove diagonal detail first, so the ratio of HH to LH and HL
energy falls from about 0.5 in an undamaged picture towards zero. *Blocking*: luma steps across one phase
of an 8-sample grid stand out from the other seven (Wang, Bovik & Evans, ICIP 2000, in the pixel domain).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_HEALTHY_RATIO = 0.5
_GRID = 8


def starvation(lh: npt.NDArray[np.int16], hl: npt.NDArray[np.int16], hh: npt.NDArray[np.int16]) -> float:
    """0 where diagonal detail is as strong as in an undamaged picture, 1 where it is gone."""
    sides = float(np.abs(lh).mean(dtype=np.float32) + np.abs(hl).mean(dtype=np.float32)) / 2
    if sides < 0.05:  # a flat picture has nothing to lose
        return 0.0
    return float(np.clip(1 - np.abs(hh).mean(dtype=np.float32) / (sides * _HEALTHY_RATIO), 0, 1))


def blocking(luma: npt.NDArray[np.uint8]) -> float:
    """0 where no phase of an 8-sample column grid stands out, 1 where one is twice as steep as the rest."""
    width = (luma.shape[1] - 1) // _GRID * _GRID
    if not width:
        return 0.0
    steps = np.abs(np.diff(luma[:, : width + 1].astype(np.int16), axis=1)).mean(axis=0, dtype=np.float32)
    phases = np.sort(steps.reshape(-1, _GRID).mean(axis=0))
    return float(np.clip(phases[-1] / (phases[:-1].mean() + 0.25) - 1, 0, 1))
