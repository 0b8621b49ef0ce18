"""Our nets as the product would run them: the one place where the bench builds an engine.

A *word* is what a user gives to ``--model``: a rung, or a model by name or folder. Of a rung, the engine takes the
nets that the product takes for that ratio and that kind of source.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from edge_vsr.frame import ChromaLayout, VideoFormat
from edge_vsr.models import ladder, store
from edge_vsr.telemetry import Stages
from edge_vsr.upscale.backends.backend import Backend
from edge_vsr.upscale.backends.choose import choose
from edge_vsr.upscale.backends.ort import OrtBackend
from edge_vsr.upscale.engine import Engine
from edge_vsr.upscale.enlarge import Enlarger, Nets
from edge_vsr.upscale.geometry import Fit, Target

# Name → graph of the package, None for integers on the backend that is asked for.
VARIANTS: dict[str, str | None] = {"fp32": "float", "int8": None, "int8 sym": "sym"}
INT8 = "int8"


def build_engine(
    word: str,
    video: VideoFormat,
    target: int | Target,
    layout: ChromaLayout,
    variant: str = INT8,
    *,
    fit: Fit = Fit.INSIDE,
    backend: str = "auto",
    stages: Stages | None = None,
) -> Engine:
    """An engine for frames of ``video``, so many times their size or of the target's; odd sides are kept in 4:4:4.

    backend: of INT8; by default what the product would pick on this machine. Backends are shared between engines:
    do not close it. Raises ModelError, BackendError, UsageError.
    """
    return Engine(
        video,
        target=Target(factor=target) if isinstance(target, int) else target,
        fit=fit,
        layout=layout,
        exact=layout is ChromaLayout.YUV444,
        nets=_nets(word, variant, backend),
        stages=stages,
    )


def label(word: str) -> str:
    """What it is called in tables. Raises ModelError."""
    return store.select(word).name


def macs_per_px(word: str, scale: int) -> float:
    """Multiply-adds for a pixel of a clean source, enlarged so many times: all passes. Raises ModelError."""
    total, area = 0.0, 1
    for model in store.select(word).plan(scale, coded=False):
        total += area * model.manifest.macs_per_px
        area *= model.manifest.scale**2
    return total


def default_words(scale: int) -> list[str]:
    """All there is for that scale: every rung, and the models that stand on none. Raises ModelError."""
    manifests = [model.manifest for model in store.installed()]
    rungs = list(ladder.rungs(manifests)) if scale > 1 else []
    return rungs + [m.name for m in manifests if m.scale == scale and (scale == 1 or not m.rung)]


def _nets(word: str, variant: str, backend: str) -> Nets:
    selection = store.select(word)
    return lambda ratio, coded: [
        Enlarger(model.manifest, _backend(str(model.folder), variant, backend))
        for model in selection.plan(ratio, coded)
    ]


@lru_cache(maxsize=64)
def _backend(folder: str, variant: str, wanted: str) -> Backend:
    model = store.find(str(Path(folder)))
    kind = VARIANTS[variant]
    return choose(model, wanted).backend if kind is None else OrtBackend(model, "cpu", kind=kind)
