"""How far a mean of few values can be trusted: percentile bootstrap (Efron 1979), always with the same draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_DRAWS, _SEED = 10_000, 1
_SHARE = 0.95
LEAST = 3  # values that an interval takes


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean of ``n`` values and the 95 % interval around it; of fewer than ``LEAST`` values their range instead."""

    mean: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        if self.n < 2:
            return f"{self.mean:+.3f} (n=1)"
        if self.n < LEAST:
            return f"{self.mean:+.3f} ({self.low:+.3f}..{self.high:+.3f})"
        return f"{self.mean:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"


def interval(values: Sequence[float]) -> Interval:
    """Of the mean of at least one value; the same values in the same order give the same interval."""
    data = np.asarray(values, np.float64)
    if len(data) < LEAST:
        return Interval(float(data.mean()), float(data.min()), float(data.max()), len(data))
    draws = np.random.default_rng(_SEED).integers(0, len(data), (_DRAWS, len(data)))
    means = data[draws].mean(axis=1)
    low, high = np.quantile(means, [(1 - _SHARE) / 2, (1 + _SHARE) / 2])
    return Interval(float(data.mean()), float(low), float(high), len(data))
