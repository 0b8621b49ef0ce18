"""Builds the engine of a job: model from the store, backend by fidelity, or the base alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import cv2

from edge_vsr.frame import ChromaLayout, Frame, VideoFormat
from edge_vsr.jobs.spec import JobSpec
from edge_vsr.models import store
from edge_vsr.upscale.backends.choose import choose
from edge_vsr.upscale.engine import Engine
from edge_vsr.upscale.enlarge import Enlarger

NO_MODEL = "none"


class JobEngine(Protocol):
    """An Upscaler that can also show its base picture and say what it is. Keeps no state between frames."""

    output: VideoFormat
    notes: tuple[str, ...]
    rung: str

    def process(self, frame: Frame) -> Frame:
        """See Upscaler."""
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


# (source, spec, layout of the output, whether odd sizes are kept) → engine
Builder = Callable[[VideoFormat, JobSpec, ChromaLayout, bool], Built]


def build(source: VideoFormat, spec: JobSpec, layout: ChromaLayout, exact: bool) -> Built:
    """The engine a job asks for. Raises ModelError, BackendError, UsageError."""
    cv2.setNumThreads(1)  # the stages of a job overlap; threads inside one stage cost a third more CPU time
    enlarger, identity = None, NO_MODEL
    refused: tuple[str, ...] = ()
    if spec.model != NO_MODEL:
        model = store.find(spec.model or store.DEFAULT_MODEL)
        choice = choose(model, spec.backend)
        enlarger, refused = Enlarger(model.manifest, choice.backend), choice.refused
        hashes = " ".join(f.sha256[:12] for _, f in sorted(model.manifest.files.items()))
        identity = f"{model.manifest.name} {model.manifest.version} {hashes} on {choice.backend.name}"
    engine = Engine(source, target=spec.target, fit=spec.fit, layout=layout, exact=exact, enlarger=enlarger)
    return Built(engine, identity, tuple(f"A faster backend was passed over: {why}." for why in refused))
