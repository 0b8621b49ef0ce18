"""What a piece of work costs on this machine, kept current by measurements. Pure: no clock, only what it is told."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

WINDOW = 32  # measurements of each kind that are remembered
# A budget must hold, so a price is high rather than mean; yet a quarter of the window may be hiccups. A slowdown is
# followed after a quarter of the window, a speed-up after three quarters.
QUANTILE = 0.75


class Prices:
    """A robust high quantile of the last measurements, by kind of work ("x2-light 1": a net and a batch size)."""

    def __init__(self, first_ns: Mapping[str, float]) -> None:
        """first_ns: what is believed before anything was measured; it counts as one measurement."""
        self._seen = {kind: deque([price], WINDOW) for kind, price in first_ns.items()}

    def note(self, kind: str, ns: float) -> None:
        """One measurement. A kind without a first price is learned."""
        self._seen.setdefault(kind, deque(maxlen=WINDOW)).append(ns)

    def price_ns(self, kind: str) -> float:
        """What one such piece will cost. Raises KeyError for a kind never heard of.

        The quantile is taken downwards: however few the measurements, one that is far off never sets the price
        unless it is the only one.
        """
        seen = sorted(self._seen[kind])
        return float(seen[int(QUANTILE * (len(seen) - 1))])
