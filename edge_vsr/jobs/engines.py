"""Builds the engine of a job: models from the store, backends by fidelity, or the base alone.

Engine(video, target=..., fit=..., layout=..., nets=enlargers("best"))    as a job has it, of any rung or model
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2

from edge_vsr.frame import ChromaLayout, Frame, VideoFormat
from edge_vsr.heap import keep_freed_memory
from edge_vsr.jobs.spec import JobSpec
from edge_vsr.models import store
from edge_vsr.models.store import Model, Selection
from edge_vsr.upscale.backends.choose import choose
from edge_vsr.upscale.engine import Engine
from edge_vsr.upscale.enlarge import Enlarger
from edge_vsr.upscale.passes import Tally

NO_MODEL = "none"


class JobEngine(Protocol):
    """An Upscaler that can also show its base picture and say what it is and did."""

    output: VideoFormat
    notes: tuple[str, ...]
    rung: str

    @property
    def tally(self) -> Tally:
        """What became of the tiles so far."""
        ...

    def process(self, frame: Frame) -> Frame:
        """See Upscaler."""
        ...

    def reset(self) -> None:
        """Forget the frames before."""
        ...

    def base_of(self, frame: Frame) -> Frame:
        """The same picture by resampling alone."""
        ...

    def close(self) -> None:
        """See Upscaler."""
        ...


@dataclass(frozen=True, slots=True)
class Built:
    """An engine; ``identity`` names everything in it that changes a pixel; ``notes``: what was passed over."""

    engine: JobEngine
    identity: str
    notes: tuple[str, ...] = ()


class Enlargers:
    """The nets of a job, as the engine asks for them: each is loaded once, when a plan first takes it.

    refused: one line for every backend that was better than the one a net got, and passed over.
    """

    def __init__(self, selection: Selection, backend: str) -> None:
        self._selection, self._wanted = selection, backend
        self._loaded: dict[Path, Enlarger] = {}
        self.refused: list[str] = []

    def __call__(self, ratio: float, coded: bool) -> tuple[Enlarger, ...]:
        """The net of each pass. Raises ModelError, BackendError, UsageError."""
        return tuple(self._load(model) for model in self._selection.plan(ratio, coded))

    def identity(self) -> str:
        """Names every net that may change a pixel: frames may change size, and then need another one."""
        return "; ".join(self._name(model) for model in self._selection.reachable())

    def _load(self, model: Model) -> Enlarger:
        if model.folder not in self._loaded:
            choice = choose(model, self._wanted)
            self.refused = list(dict.fromkeys([*self.refused, *choice.refused]))
            self._loaded[model.folder] = Enlarger(model.manifest, choice.backend)
        return self._loaded[model.folder]

    def _name(self, model: Model) -> str:
        hashes = " ".join(f.sha256[:12] for _, f in sorted(model.manifest.files.items()))
        name = f"{model.manifest.name} {model.manifest.version} {hashes}"
        loaded = self._loaded.get(model.folder)
        return f"{name} on {loaded.backend.name}" if loaded else name


def enlargers(model: str = "", backend: str = "auto") -> Enlargers:
    """The nets of a rung, or one model by name or folder; "" is the default rung. Raises ModelError."""
    return Enlargers(store.select(model), backend)


# (source, spec, layout of the output, whether odd sizes are kept) → engine
Builder = Callable[[VideoFormat, JobSpec, ChromaLayout, bool], Built]


def build(source: VideoFormat, spec: JobSpec, layout: ChromaLayout, exact: bool) -> Built:
    """The engine a job asks for. Raises ModelError, BackendError, UsageError."""
    cv2.setNumThreads(1)  # the stages of a job overlap; threads inside one stage cost a third more CPU time
    keep_freed_memory()
    selection = None if spec.model == NO_MODEL else store.select(spec.model)
    nets = Enlargers(selection, spec.backend) if selection else None
    engine = Engine(
        source, target=spec.target, fit=spec.fit, layout=layout, exact=exact, nets=nets, sparsity=spec.sparsity
    )
    if selection is None or nets is None:
        return Built(engine, NO_MODEL)
    notes = [f"A faster backend was passed over: {why}." for why in nets.refused]
    cleaner = selection.cleaner()
    if cleaner and source.coded and engine.rung == "base":
        notes.append(f"--model {cleaner.manifest.name} would clean the picture without enlarging it.")
    return Built(engine, nets.identity(), tuple(notes))


def grouped(process: Callable[[Frame], Frame], engine: JobEngine, first: int, group: int) -> Callable[[Frame], Frame]:
    """``process``, with every ``group`` of frames begun afresh: a job that goes on then makes the same pictures.

    first: the number of the first frame that will come.
    """
    index = itertools.count(first)

    def run(frame: Frame) -> Frame:
        if next(index) % group == 0:
            engine.reset()
        return process(frame)

    return run


def spared(tally: Tally) -> list[str]:
    """How much of the picture needed no net, in a sentence."""
    total = sum(tally.kinds.values())
    reused, plain = (100 * tally.kinds[kind] / max(1, total) for kind in ("reused", "base"))
    if reused + plain < 1:
        return []
    return [
        f"{reused:.0f} % of the picture was kept, for it had not changed; {plain:.0f} % had nothing to gain from a net."
    ]
