"""How much of the gain is reached within a budget: the same frames again and again, with more time each time.

The gain is that in PSNR-Y over the base, and is given as a share of what the net gains where it computes every tile
of every frame. Nothing is measured while time is taken.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from edge_vsr.bench.live_content import Content, ping_pong
from edge_vsr.bench.metrics import BEST_DB, psnr
from edge_vsr.frame import Frame
from edge_vsr.upscale.passes import Tally

WARM_FRAMES = 4  # to learn prices and to have something to reuse
COUNTED_FRAMES = 12


class LiveEngine(Protocol):
    """What the live bench asks of an engine; see ``Engine``."""

    @property
    def tally(self) -> Tally: ...

    def process(self, frame: Frame, budget_ns: int | None = None) -> Frame: ...

    def base_of(self, frame: Frame) -> Frame: ...

    def reset(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Gain:
    """Mean gain over the base in dB; share: of what every tile computed gains, None where that gains nothing."""

    db: float
    share: float | None


@dataclass(frozen=True, slots=True)
class BudgetRow:
    """One budget (None: as long as it takes). overruns: frames that took longer. late: tiles put off.

    kinds: tiles by what became of them.
    """

    budget_ms: float | None
    gain: Gain
    wall_p50_ms: float
    wall_p95_ms: float
    wall_max_ms: float
    overruns: int
    late: int
    kinds: dict[str, int]


class Judge:
    """Knows of each frame of a clip how good the base is and how good every tile computed; each is made once.

    known: by index in the clip; see ``of_clip``.
    """

    def __init__(self, content: Content, full: LiveEngine) -> None:
        """full: an engine without sparsity."""
        self._content, self._full = content, full
        self.known: dict[int, tuple[float, float]] = {}

    def of_clip(self, index: int) -> tuple[float, float]:
        """PSNR-Y in dB of one frame: the base's, every tile's."""
        if index not in self.known:
            seen = self._content.seen[index]
            self.known[index] = (
                self.psnr_y(index, self._full.base_of(seen)),
                self.psnr_y(index, self._full.process(seen)),
            )
        return self.known[index]

    def psnr_y(self, index: int, shown: Frame) -> float:
        """In dB, equal frames counting as 100."""
        return min(psnr(shown.planes[0], self._content.truth[index].planes[0]), BEST_DB)

    def gain(self, shown: Sequence[tuple[int, Frame]]) -> Gain:
        """Of frames by their index in the clip; there must be one."""
        reached, possible = 0.0, 0.0
        for index, frame in shown:
            base, full = self.of_clip(index)
            reached += self.psnr_y(index, frame) - base
            possible += full - base
        return Gain(reached / len(shown), reached / possible if possible > 0 else None)


def curve(
    content: Content, engine: LiveEngine, judge: Judge, budgets_ms: Sequence[float | None]
) -> Iterator[BudgetRow]:
    """The same frames by every budget, each beginning with nothing to reuse. Raises BackendError."""
    _run(content, engine, None)  # providers prepare for shapes they have not met
    for budget in budgets_ms:
        engine.reset()
        yield _run(content, engine, budget).judged(judge)


@dataclass(frozen=True)
class _Run:
    budget_ms: float | None
    shown: list[tuple[int, Frame]]
    wall_ms: list[float]
    tally: Tally

    def judged(self, judge: Judge) -> BudgetRow:
        p50, p95, most = np.percentile(self.wall_ms, (50, 95, 100)).tolist()
        over = 0 if self.budget_ms is None else sum(wall > self.budget_ms for wall in self.wall_ms)
        kinds = dict(self.tally.kinds)
        return BudgetRow(self.budget_ms, judge.gain(self.shown), p50, p95, most, over, self.tally.late, kinds)


def _run(content: Content, engine: LiveEngine, budget_ms: float | None) -> _Run:
    budget_ns = None if budget_ms is None else round(budget_ms * 1e6)
    shown: list[tuple[int, Frame]] = []
    wall_ms: list[float] = []
    before = engine.tally
    for step in range(WARM_FRAMES + COUNTED_FRAMES):
        if step == WARM_FRAMES:
            before = engine.tally
        index = ping_pong(step, len(content.seen))
        begin = time.monotonic_ns()
        large = engine.process(content.seen[index], budget_ns)
        took_ms = (time.monotonic_ns() - begin) / 1e6
        if step >= WARM_FRAMES:
            shown.append((index, large))
            wall_ms.append(took_ms)
    return _Run(budget_ms, shown, wall_ms, since(before, engine.tally))


def since(before: Tally, after: Tally) -> Tally:
    """What was counted between two moments."""
    return Tally(
        after.frames - before.frames,
        after.cuts - before.cuts,
        after.late - before.late,
        Counter(after.kinds) - before.kinds,
    )
