"""The engine: any frame in, a frame of the wanted size out. Runs the passes, lays out the canvas.

A ratio that no net has is reached by whole passes of nets plus a polyphase step for the rest. With sparsity, or
budgets, what a frame becomes depends on the frames before it, back to the first one or the last ``reset``.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import cast

import cv2

from edge_vsr.color import Matrix, Plane, Planes, Range
from edge_vsr.errors import UsageError
from edge_vsr.frame import ChromaLayout, Frame, VideoFormat, default_siting
from edge_vsr.models.ladder import in_words
from edge_vsr.telemetry import Stages
from edge_vsr.upscale.backends.backend import usable_cores
from edge_vsr.upscale.enlarge import Enlarger, Nets
from edge_vsr.upscale.geometry import MAX_OUTPUT_PX, Fit, Geometry, Target, plan
from edge_vsr.upscale.passes import Effort, Pass, Tally
from edge_vsr.upscale.resample import KERNELS, resample_frame
from edge_vsr.upscale.workers import Workers

_BASE = KERNELS["bicubic"]


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is done to frames of one size. ratio: how many times larger the picture becomes."""

    geometry: Geometry
    ratio: float
    nets: tuple[Enlarger, ...]
    passes: tuple[Pass, ...]


class Engine:
    """Implements Upscaler for frames of one stream; frames that change size in mid-stream are planned anew.

    nets: plans the passes of each size of frame (``only(enlarger)`` for a single net); ``None``: the base alone.
    exact: allow odd output sizes (stills, lossless 4:4:4). sparsity: see ``Effort``. threads: 0: one a core.
    """

    def __init__(
        self,
        source: VideoFormat,
        *,
        target: Target,
        fit: Fit,
        layout: ChromaLayout,
        exact: bool = False,
        nets: Nets | None = None,
        sparsity: float = 0.0,
        threads: int = 0,
        stages: Stages | None = None,
    ) -> None:
        self._target, self._fit, self._exact, self._nets = target, fit, exact, nets
        self._sparsity, self._workers = sparsity, Workers(threads or usable_cores())
        self.stages = stages or Stages()
        self._coded = source.coded
        self._plans: dict[tuple[int, int, Fraction], _Plan] = {}
        self._last: _Plan | None = None
        first = self._plan(source.width_px, source.height_px, source.sar)
        self._canvas = first.geometry.canvas
        siting = source.siting if layout is source.layout else default_siting(layout)
        self.output = VideoFormat(
            *self._canvas,
            source.bit_depth,
            layout,
            source.color.settled(source.height_px),
            siting,
            source.time_base,
            source.frame_rate,
            Fraction(1),
            source.hdr,
        )
        self.notes = (*_notes(source, first), *_evened(target, fit, self._canvas))
        self.rung = _rung(first.nets)

    def process(self, frame: Frame, budget_ns: int | None = None) -> Frame:
        """The frame at ``output`` size and layout. Raises BackendError when the net fails.

        budget_ns: time for this frame. The base is always made; of the nets' work, no call is begun that would not end
        in time by what such calls took before. What is left out is made up for in the frames that follow.
        """
        end_ns = None if budget_ns is None else time.monotonic_ns() + budget_ns
        todo = self._plan(frame.width_px, frame.height_px, frame.sar)
        if todo is not self._last:  # what was remembered is of older frames
            self._last = todo
            self.reset()
        large = frame
        for index, one in enumerate(todo.passes):
            large = one.process(large, self.stages, Effort(self._sparsity, _deadline(end_ns, todo.nets[index:])))
        return self._present(large, todo.geometry)

    def reset(self) -> None:
        """Forget the frames before: the next one becomes what it would be as the first one."""
        for todo in self._plans.values():
            for one in todo.passes:
                one.reset()

    @property
    def tally(self) -> Tally:
        """What became of the tiles, all passes together."""
        return sum((one.tally for todo in self._plans.values() for one in todo.passes), Tally())

    def base_of(self, frame: Frame) -> Frame:
        """The same picture by resampling alone: what ``process`` is compared with."""
        return self._present(frame, self._plan(frame.width_px, frame.height_px, frame.sar).geometry)

    def close(self) -> None:
        self._workers.close()
        for todo in self._plans.values():
            for net in todo.nets:
                for one in (*net.cheaper, net):
                    one.backend.close()

    def _plan(self, width_px: int, height_px: int, sar: Fraction) -> _Plan:
        key = (width_px, height_px, sar)
        if key not in self._plans:
            target, fit = self._target, self._fit
            if self._plans:  # a later size: the canvas stands
                target, fit = Target(box=self._canvas), Fit.LETTERBOX if fit is Fit.INSIDE else fit
            geometry = plan(width_px, height_px, sar, target, fit, self._exact)
            if self._plans and max(geometry.picture) > MAX_OUTPUT_PX:  # a sliver in mid-stream: show all of it
                geometry = plan(width_px, height_px, sar, target, Fit.LETTERBOX, self._exact)
            ratio = geometry.enlargement(width_px, height_px)
            nets = tuple(self._nets(ratio, self._coded)) if self._nets else ()
            self._plans[key] = _Plan(geometry, ratio, nets, self._passes(nets, width_px, height_px))
        return self._plans[key]

    def _passes(self, nets: Sequence[Enlarger], width_px: int, height_px: int) -> tuple[Pass, ...]:
        passes, factor = [], 1
        for index, net in enumerate(nets):
            # What the first pass has cleaned needs no second cleaning.
            coded = self._coded and index == 0
            passes.append(Pass(net, width_px * factor, height_px * factor, coded, self._workers))
            factor *= net.manifest.scale
        return tuple(passes)

    def _present(self, frame: Frame, geometry: Geometry) -> Frame:
        with self.stages.stage("base"):
            picture = resample_frame(frame, *geometry.picture, _BASE, self.output.layout, self.output.siting)
        if geometry.picture != geometry.canvas:
            with self.stages.stage("scatter"):
                picture = picture.with_(planes=_on_canvas(picture, geometry))
        return picture.with_(sar=Fraction(1), color=self.output.color)


def _deadline(end_ns: int | None, nets: Sequence[Enlarger]) -> int | None:
    """When the first of the passes that are left must end: each gets time by the arithmetic it would take."""
    if end_ns is None:
        return None
    costs, area = [], 1
    for net in nets:
        costs.append(area * max(1.0, net.manifest.macs_per_px))
        area *= net.manifest.scale**2
    now = time.monotonic_ns()
    return now + round((end_ns - now) * costs[0] / sum(costs))


def _rung(nets: Sequence[Enlarger]) -> str:
    """What runs, as progress and reports show it."""
    if not nets:
        return "base"
    names, backends = [net.manifest.name for net in nets], [net.backend.name for net in nets]
    if len(set(backends)) == 1:
        return f"{in_words(names)} on {backends[0]}"
    return in_words([f"{name} on {backend}" for name, backend in zip(names, backends, strict=True)])


def _notes(source: VideoFormat, first: _Plan) -> tuple[str, ...]:
    """What a user should know of the plan, one plain sentence each. Raises UsageError when it cannot be done."""
    picture, cleaned, notes = first.geometry.picture, bool(first.nets), []
    if max(picture) > MAX_OUTPUT_PX:
        raise UsageError(f"the target would be {picture[0]}x{picture[1]}; neither side may exceed {MAX_OUTPUT_PX}")
    size = f"{source.width_px}x{source.height_px}"
    if picture == (source.width_px, source.height_px):
        happens = "is cleaned, not enlarged" if cleaned else "passes unchanged"
        notes.append(f"The source is {size} already: its picture {happens}.")
    elif first.ratio <= 1:
        happens = "cleaned, then scaled down" if cleaned else "scaled down"
        notes.append(f"The source ({size}) is larger than its target: {happens} to {picture[0]}x{picture[1]}.")
    elif not first.nets:
        notes.append("No net was used: the picture is resampled only.")
    elif all(net.manifest.scale == 1 for net in first.nets):
        notes.append(f"{first.nets[0].manifest.name} does not enlarge: the picture is cleaned, then resampled.")
    if source.color.matrix is Matrix.UNSPECIFIED:
        assumed = source.color.settled(source.height_px).matrix
        notes.append(
            f"The source does not name its colour matrix: {assumed.name}, usual at its size, was assumed and named."
        )
    return tuple(notes)


def _evened(target: Target, fit: Fit, canvas: tuple[int, int]) -> list[str]:
    if target.box is None or fit is Fit.INSIDE or target.box == canvas:
        return []
    return [f"Shared chroma needs even sides: the output is {canvas[0]}x{canvas[1]}."]


def _on_canvas(picture: Frame, geometry: Geometry) -> Planes:
    """Black bars around, or a cut out of, the picture; offsets are multiples of the chroma step."""
    y, u, v = (
        _placed(plane, geometry, step, black)
        for plane, step, black in zip(
            picture.planes, ((1, 1), picture.layout.value, picture.layout.value), _black(picture), strict=True
        )
    )
    return y, u, v


def _black(picture: Frame) -> tuple[int, int, int]:
    unit = 1 << (picture.bit_depth - 8)
    return (16 * unit if picture.color.range is Range.LIMITED else 0), 128 * unit, 128 * unit


def _placed(plane: Plane, geometry: Geometry, step: tuple[int, int], black: int) -> Plane:
    width, height = -(-geometry.canvas[0] // step[0]), -(-geometry.canvas[1] // step[1])
    left, top = geometry.offset[0] // step[0], geometry.offset[1] // step[1]
    cut = plane[max(0, -top) : max(0, -top) + height, max(0, -left) : max(0, -left) + width]
    top, left = max(0, top), max(0, left)
    below, right = height - top - cut.shape[0], width - left - cut.shape[1]
    if not (top or left or below or right):
        return cut
    return cast(Plane, cv2.copyMakeBorder(cut, top, below, left, right, cv2.BORDER_CONSTANT, value=black))
