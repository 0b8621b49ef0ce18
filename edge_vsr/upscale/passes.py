"""One pass over the frames of a stream: analyse, reuse or resample, route, infer.

A tile whose source has not changed keeps its former output, to the code. All others get the base at once, and a
residual where it pays, the most worthwhile first, until the deadline; what that cuts off is older, and so worth
more, in the next frame. Without sparsity and deadline every tile is computed, and nothing is remembered.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import numpy.typing as npt

from edge_vsr.frame import Frame
from edge_vsr.telemetry import Stages
from edge_vsr.upscale import base, feather, gains, guard, tiles
from edge_vsr.upscale.analyse.analysis import Analyser, Analysis, Area, Compared, Planes8
from edge_vsr.upscale.analyse.condition import condition
from edge_vsr.upscale.backends.backend import Residual
from edge_vsr.upscale.calls import Call, calls_for
from edge_vsr.upscale.costs import Costs
from edge_vsr.upscale.enlarge import Enlarger
from edge_vsr.upscale.layout import Layout, Part
from edge_vsr.upscale.memory import Memory
from edge_vsr.upscale.resample import KERNELS
from edge_vsr.upscale.router import BASE, REUSE, TileState, aged, route
from edge_vsr.upscale.seen import Seen, eight_bit_420
from edge_vsr.upscale.work import Work
from edge_vsr.upscale.workers import Task, Workers

_LEAST_GAIN = 0.012  # squared code values per pixel: at 40 dB less than a hundredth of a decibel
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


@dataclass
class _Look:
    """What is known of a frame; threads fill it in. kept: (tiles,), those whose source has not changed."""

    planes: Planes8
    kept: Flags
    compared: Compared | None = None
    analysis: Analysis | None = None
    seen: Seen | None = None


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
        tile_px = 4 * self._layout.grid.core[0] * self._layout.grid.core[1]
        self._costs = Costs(self._rungs, tile_px, len(self._layout.areas), workers.count)
        rows, columns = tiles.blocks_of(width_px, height_px)
        kind = np.uint8 if net.backend.zero else np.float32  # integers have their zero in the middle
        self._sheet: Residual = np.empty((net.manifest.channels[1], rows, columns), kind)
        self._memory = self._fresh()
        self.tally = Tally()

    def reset(self) -> None:
        """Forget all frames, and with them what could be reused."""
        self._memory = self._fresh()

    def process(self, frame: Frame, stages: Stages, effort: Effort) -> Frame:
        """The frame at ``scale`` times its size, same layout and siting. Raises BackendError."""
        with stages.stage("gather"):
            planes = eight_bit_420(frame, self._kernel)
        self.tally.frames += 1
        look = self._compared(planes, stages, effort)
        clearing = [] if effort.everything else [partial(self._sheet.fill, self._rungs[-1].backend.zero)]
        self._workers.run([partial(self._judge, look, stages), partial(self._see, look, stages), *clearing])
        anew = [] if look.kept.all() else self._layout.parts(self._layout.bridged(~look.kept))
        state, least, deadline_ns = self._state(look), self._least(effort), effort.deadline_ns
        wanted = routed = route(state, None, least)
        if deadline_ns is not None:
            routed = route(state, self._costs.budget_ns(deadline_ns, len(anew)), least)
        if look.kept.all() and not len(routed.order):
            self.tally.kinds["reused"] += len(look.kept)
            assert self._memory.output is not None
            return frame.with_(planes=self._memory.output.planes)
        work = Work(frame, base.blank(frame, self._layout.factor), self._layout, self._sheet, stages)
        made = self._infer(work, look, anew, calls_for(self._layout.grid, routed.choice, routed.order.tolist()), effort)
        self._put_together(work, look, made, effort)
        self._count(made)
        if not effort.everything:
            self._memory.age = aged(state, made, wanted.choice)
            self._memory.shown = np.where(made == REUSE, self._memory.shown, made).astype(np.int8)
            self._memory.output = work.out
        return work.out

    def _fresh(self) -> Memory:
        areas, grid = self._layout.areas, self._layout.grid
        return Memory.of(Analyser(*self._size, areas, self._coded, 2 * self._halo), grid.shape)

    def _compared(self, planes: Planes8, stages: Stages, effort: Effort) -> _Look:
        """Which tiles keep their output."""
        if effort.everything:
            return _Look(planes, np.zeros(len(self._area_px), np.bool_))
        with stages.stage("analyse"):
            compared = self._memory.analyser.compare(planes, self._memory.reference, effort.sparsity)
        return _Look(planes, ~compared.changed, compared)

    def _judge(self, look: _Look, stages: Stages) -> None:
        """The rest of the analysis; after a cut nothing is owed to tiles of old."""
        if look.compared is None:
            return
        with stages.stage("analyse"):
            look.analysis = self._memory.analyser.judge(look.planes, look.compared)
        if look.analysis.cut:
            self.tally.cuts += 1
            self._memory.age[:] = 0

    def _see(self, look: _Look, stages: Stages) -> None:
        """What nets need of a frame."""
        with stages.stage("analyse"):
            told = condition(look.planes[0], self._coded)
        with stages.stage("gather"):
            look.seen = Seen(tiles.pack(look.planes, self._halo, self._layout.grid.core), told, self._halo)

    def _state(self, look: _Look) -> TileState:
        """What the router decides by. Without an analysis all tiles promise the same, better nets more."""
        rungs, count = self._rungs, len(look.kept)
        if look.analysis is None:
            promised = np.tile(np.arange(1.0, len(rungs) + 1), (count, 1))
        else:
            promised = np.stack([gains.expected(look.analysis, rung.manifest.gain) for rung in rungs], axis=1)
        prices, memory = np.tile(self._costs.tile_ns(), (count, 1)), self._memory
        return TileState(promised * self._area_px, prices, ~look.kept, memory.shown, memory.age)

    def _least(self, effort: Effort) -> float:
        return effort.sparsity * _LEAST_GAIN * float(self._area_px.mean())

    def _infer(self, work: Work, look: _Look, anew: list[Part], calls: list[Call], effort: Effort) -> Choice:
        """Lay residuals on the sheet, until the deadline, and meanwhile make the base of parts.

        (tiles,): the rung that made each tile now, BASE, or REUSE.
        """
        seen, done_parts = look.seen, []
        assert seen is not None

        def run(call: Call) -> None:
            begin = time.monotonic_ns()
            work.infer(seen, call, self._rungs[call.rung - 1])
            self._costs.note_call(call.rung, begin, len(call.tiles))

        def resample(part: Part) -> None:
            begin = time.monotonic_ns()
            work.resample(part)
            self._costs.note_base(begin)
            done_parts.append(part)

        in_time = self._costs.in_time(calls, effort.deadline_ns, lambda: len(anew) - len(done_parts))
        done = self._workers.run(
            [partial(run, call) for call in calls], in_time, [partial(resample, part) for part in anew]
        )
        made = np.where(look.kept, REUSE, BASE).astype(np.int8)
        for call in calls[:done]:
            made[list(call.tiles)] = call.rung
        self.tally.late += sum(len(call.tiles) for call in calls[done:])
        return made

    def _put_together(self, work: Work, look: _Look, made: Choice, effort: Effort) -> None:
        """The former output where it is kept; residuals on the base where they came in time."""
        shape = self._layout.grid.shape
        edges = feather.opened((made > BASE).reshape(shape), (made == REUSE).reshape(shape), self._memory.open)
        learning: list[Task] = []
        if not effort.everything:
            self._memory.open = edges
            learning = [partial(self._memory.learn, look.planes, self._areas(made != REUSE))]
        if self._memory.output is not None:
            former = self._memory.output.planes
            learning += [partial(work.reuse, part, former) for part in self._layout.parts(look.kept)]
        self._workers.run(learning)
        upgraded = look.kept & (made > BASE)  # they show a base, or a lesser net's work
        self._workers.run([partial(work.resample, part) for part in self._layout.parts(upgraded)])
        begin, count = time.monotonic_ns(), int((made > BASE).sum())
        if count:
            assert look.seen is not None
            self._workers.run(self._adding(work, look.seen, made, edges.reshape(-1, 4)))
            self._costs.note_adding(begin, count)

    def _adding(self, work: Work, seen: Seen, made: Choice, edges: Flags) -> list[Task]:
        """The tasks that add what lies on the sheet."""
        limit = guard.tolerance(seen.condition.sigma, seen.condition.damage)
        tasks: list[Task] = []
        for rung, net in enumerate(self._rungs, 1):
            mine = made == rung
            for part in self._layout.parts(self._layout.banded(mine) & ((made <= BASE) | mine)):
                if mine[list(part.tiles)].any():  # a gap may be a rectangle of its own
                    tasks.append(partial(work.add, part, net, mine, edges, limit))
        return tasks

    def _areas(self, which: Flags) -> list[Area]:
        return [part.area for part in self._layout.parts(which)]

    def _count(self, made: Choice) -> None:
        names = ["reused", "base", *(rung.manifest.name for rung in self._rungs)]
        for kind, count in zip(*np.unique(made, return_counts=True), strict=True):
            self.tally.kinds[names[int(kind) + 1]] += int(count)
