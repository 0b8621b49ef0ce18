"""One pass over the frames of a stream: analyse, reuse or resample, route, infer.

A tile whose source has not changed keeps its former output, to the code. All others get the base at once, and a
residual where it pays, the most worthwhile first, until the deadline; what that cuts off is older, and so worth
more, in the next frame. Without sparsity and deadline every tile is computed, and nothing is remembered.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import numpy.typing as npt

from edge_vsr.frame import Frame
from edge_vsr.telemetry import Stages
from edge_vsr.upscale import base, feather, gains, tiles
from edge_vsr.upscale.analyse.analysis import Analyser, Analysis
from edge_vsr.upscale.analyse.condition import condition
from edge_vsr.upscale.calls import Call, calls_for
from edge_vsr.upscale.enlarge import Enlarger
from edge_vsr.upscale.memory import Memory
from edge_vsr.upscale.prices import Prices
from edge_vsr.upscale.resample import KERNELS
from edge_vsr.upscale.router import BASE, REUSE, Route, TileState, aged, route
from edge_vsr.upscale.seen import Planes8, Seen, eight_bit_420
from edge_vsr.upscale.work import Layout, Work
from edge_vsr.upscale.workers import Workers

_LEAST_GAIN = 0.02  # squared code values per pixel: at 40 dB a hundredth of a decibel
_FIRST_MACS_PER_NS = 100.0  # of a thread, until it is measured
Flags = npt.NDArray[np.bool_]
Choice = npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Effort:
    """What a frame may cost.

    sparsity: 0 computes every tile; 1 leaves out what cannot be seen; more leaves out more. deadline_ns: monotonic.
    """

    sparsity: float = 0.0
    deadline_ns: int | None = None

    @property
    def everything(self) -> bool:
        return self.sparsity == 0 and self.deadline_ns is None


@dataclass
class Tally:
    """What became of the tiles of all frames. late: put off by a deadline. kinds: reused, base, and nets by name."""

    frames: int = 0
    cuts: int = 0
    late: int = 0
    kinds: Counter[str] = field(default_factory=Counter)

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.frames + other.frames, self.cuts + other.cuts, self.late + other.late, self.kinds + other.kinds
        )


class Pass:
    """A net, and the cheaper ones that may stand in for it, over frames of one size."""

    def __init__(self, net: Enlarger, width_px: int, height_px: int, coded: bool, workers: Workers) -> None:
        self._rungs = (*net.cheaper, net)
        self._kernel = KERNELS[net.manifest.base_kernel]
        self._layout = Layout.of(width_px, height_px, net.core, net.manifest.scale, self._kernel)
        # A net made for one kind of source has never been told of the other.
        self._coded = {"any": coded, "clean": False, "coded": True}[net.manifest.source]
        self._halo = max(rung.manifest.halo for rung in self._rungs)
        self._size, self._workers = (width_px, height_px), workers
        self._area_px = np.array([[(a.bottom - a.top) * (a.right - a.left)] for a in self._layout.areas])
        self._area_px *= net.manifest.scale**2
        block_px = 4 * self._layout.grid.core[0] * self._layout.grid.core[1]
        self._prices = Prices(
            {
                rung.manifest.name: max(1.0, block_px * rung.manifest.macs_per_px / _FIRST_MACS_PER_NS)
                for rung in self._rungs
            }
        )
        self._memory = self._fresh()
        self.tally = Tally()

    def reset(self) -> None:
        """Forget all frames, and with them what could be reused."""
        self._memory = self._fresh()

    def process(self, frame: Frame, stages: Stages, effort: Effort) -> Frame:
        """The frame at ``scale`` times its size, same layout and siting. Raises BackendError."""
        with stages.stage("gather"):
            planes = eight_bit_420(frame, self._kernel)
        with stages.stage("analyse"):
            analysis = None if effort.everything else self._look(planes, effort)
        kept = np.zeros(len(self._area_px), np.bool_) if analysis is None else ~analysis.changed
        self.tally.frames += 1
        work = None if kept.all() else self._begun(frame, kept, stages)
        state = self._state(analysis, kept)
        wanted = route(state, None, self._least(effort))
        routed = wanted if effort.deadline_ns is None else self._within(state, effort, effort.deadline_ns)
        if work is None and not len(routed.order):
            self.tally.kinds["reused"] += len(kept)
            assert self._memory.output is not None
            return frame.with_(planes=self._memory.output.planes)
        work = work or self._begun(frame, kept, stages)
        made = self._infer(work, planes, routed, kept, effort)
        self._count(made)
        if not effort.everything:
            self._memory.age = aged(state, made, wanted.choice)
            self._remember(work.out, planes, made)
        return work.out

    def _fresh(self) -> Memory:
        areas, grid = self._layout.areas, self._layout.grid
        return Memory.of(Analyser(*self._size, areas, self._coded, 2 * self._halo), grid.shape)

    def _look(self, planes: Planes8, effort: Effort) -> Analysis:
        """The analysis of a frame; after a cut nothing is owed to tiles of old."""
        analysis = self._memory.analyser.analyse(planes, self._memory.reference, effort.sparsity)
        if analysis.cut:
            self.tally.cuts += 1
            self._memory.age[:] = 0
        return analysis

    def _begun(self, frame: Frame, kept: Flags, stages: Stages) -> Work:
        """A frame that shows the former output where that is kept, and the base elsewhere."""
        work = Work(frame, base.blank(frame, self._layout.factor), self._layout, stages)
        tasks = [partial(work.resample, area) for area in self._layout.runs(~kept)]
        if self._memory.output is not None:
            tasks += [partial(work.reuse, area, self._memory.output.planes) for area in self._layout.runs(kept)]
        self._workers.run(tasks)
        return work

    def _state(self, analysis: Analysis | None, kept: Flags) -> TileState:
        """What the router decides by. Without an analysis all tiles promise the same, better nets more."""
        rungs, count = self._rungs, len(kept)
        if analysis is None:
            promised = np.tile(np.arange(1.0, len(rungs) + 1), (count, 1))
        else:
            promised = np.stack([gains.expected(analysis, rung.manifest.gain) for rung in rungs], axis=1)
        prices = np.array([self._prices.price_ns(rung.manifest.name) for rung in rungs])
        memory = self._memory
        return TileState(promised * self._area_px, np.tile(prices, (count, 1)), ~kept, memory.shown, memory.age)

    def _within(self, state: TileState, effort: Effort, deadline_ns: int) -> Route:
        left_ns = max(0, deadline_ns - time.monotonic_ns())
        return route(state, left_ns * self._workers.count, self._least(effort))

    def _least(self, effort: Effort) -> float:
        return effort.sparsity * _LEAST_GAIN * float(self._area_px.mean())

    def _infer(self, work: Work, planes: Planes8, routed: Route, kept: Flags, effort: Effort) -> Choice:
        """Compute as routed; (tiles,) the rung that made each tile now, BASE, or REUSE."""
        made = np.where(kept, REUSE, BASE).astype(np.int8)
        if not len(routed.order):
            self._memory.open &= kept.reshape(*self._layout.grid.shape, 1)
            return made
        with work.stages.stage("analyse"):
            told = condition(planes[0], self._coded)
        with work.stages.stage("gather"):
            seen = Seen(tiles.pack(planes, self._halo, self._layout.grid.core), told, self._halo)
        calls = calls_for(self._layout.grid, routed.choice, routed.order.tolist())
        edges = self._edges(routed, kept)

        def compute(call: Call) -> None:
            begin, net = time.monotonic_ns(), self._rungs[call.rung - 1]
            for tile in call.tiles:
                if kept[tile]:  # it shows a base, or a lesser net's work
                    work.resample(self._layout.areas[tile])
            work.residual(seen, call, net, edges[list(call.tiles)])
            self._prices.note(net.manifest.name, (time.monotonic_ns() - begin) // len(call.tiles))

        done = self._workers.run([partial(compute, call) for call in calls], self._in_time(calls, effort))
        for call in calls[:done]:
            made[list(call.tiles)] = call.rung
        late = [tile for call in calls[done:] for tile in call.tiles]
        self.tally.late += len(late)
        edges[late] = self._memory.open.reshape(-1, 4)[late] & kept[late, None]
        self._memory.open = edges.reshape(self._memory.open.shape)
        return made

    def _edges(self, routed: Route, kept: Flags) -> npt.NDArray[np.bool_]:
        """(tiles, 4): see ``feather.opened``."""
        shape = self._layout.grid.shape
        computed = np.zeros(len(kept), np.bool_)
        computed[routed.order] = True
        stays = (kept & ~computed).reshape(shape)
        return feather.opened(computed.reshape(shape), stays, self._memory.open).reshape(-1, 4)

    def _in_time(self, calls: list[Call], effort: Effort) -> Callable[[int], bool]:
        """Whether the call of that index may still begin."""
        deadline = effort.deadline_ns
        if deadline is None:
            return lambda index: True
        prices = [self._prices.price_ns(rung.manifest.name) for rung in self._rungs]
        return lambda i: time.monotonic_ns() + prices[calls[i].rung - 1] * len(calls[i].tiles) <= deadline

    def _count(self, made: Choice) -> None:
        names = ["reused", "base", *(rung.manifest.name for rung in self._rungs)]
        for kind, count in zip(*np.unique(made, return_counts=True), strict=True):
            self.tally.kinds[names[int(kind) + 1]] += int(count)

    def _remember(self, out: Frame, planes: Planes8, made: Choice) -> None:
        self._memory.shown = np.where(made == REUSE, self._memory.shown, made).astype(np.int8)
        areas = self._layout.areas
        self._memory.learn(planes, out, [area for area, kind in zip(areas, made, strict=True) if kind != REUSE])
