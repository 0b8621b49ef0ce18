"""Our nets as the product would run them: the one place where the bench builds an engine.

A *word* is what a user gives to ``--model``: a rung, or a model by name or folder. Of a rung, the engine takes the
nets that the product takes for that ratio and that kind of source. Only here a word may also be several, as in
``fast+light``: the first one's nets, and those of the others where these do not pay.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from edge_vsr.errors import UsageError
from edge_vsr.frame import ChromaLayout, Frame, VideoFormat
from edge_vsr.models import ladder, store
from edge_vsr.models.store import Model, Selection
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
SPARSE = 1.0  # the sparsity that leaves out what cannot be seen


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
    sparsity: float = 0.0,
    threads: int = 0,
) -> Engine:
    """An engine for frames of ``video``, so many times their size or of the target's; odd sides are kept in 4:4:4.

    backend: of INT8; by default what the product would pick on this machine. sparsity, threads: see ``Engine``.
    Backends are shared between engines: do not close it. Raises ModelError, BackendError, UsageError.
    """
    return Engine(
        video,
        target=Target(factor=target) if isinstance(target, int) else target,
        fit=fit,
        layout=layout,
        exact=layout is ChromaLayout.YUV444,
        nets=_nets(word, variant, backend),
        sparsity=sparsity,
        threads=threads,
        stages=stages,
    )


def video_of(frame: Frame, coded: bool = True) -> VideoFormat:
    """The format of a stream of such frames."""
    size = frame.width_px, frame.height_px
    return VideoFormat(*size, frame.bit_depth, frame.layout, frame.color, frame.siting, frame.time_base, coded=coded)


def label(word: str) -> str:
    """What it is called in tables. Raises ModelError, UsageError."""
    return "+".join(selection.name for selection in _selections(word))


def macs_per_px(word: str, scale: int) -> float:
    """Multiply-adds for a pixel of a clean source, enlarged so many times: all passes. Raises ModelError, UsageError.

    Of several nets: where the first one serves.
    """
    total, area = 0.0, 1
    for model in _selections(word)[0].plan(scale, coded=False):
        total += area * model.manifest.macs_per_px
        area *= model.manifest.scale**2
    return total


def default_words(scale: int) -> list[str]:
    """All there is for that scale: every rung, and the models that stand on none. Raises ModelError."""
    manifests = [model.manifest for model in store.installed()]
    rungs = list(ladder.rungs(manifests)) if scale > 1 else []
    return rungs + [m.name for m in manifests if m.scale == scale and (scale == 1 or not m.rung)]


def plans(word: str, ratio: float, coded: bool) -> list[tuple[Model, ...]]:
    """Of each pass the nets that may serve, the first word's first. Raises ModelError, UsageError."""
    found = [selection.plan(ratio, coded) for selection in _selections(word)]
    if len({tuple(model.manifest.scale for model in passes) for passes in found}) > 1:
        raise UsageError(f"{word}: these nets do not enlarge alike, so that one cannot stand in for another")
    return list(zip(*found, strict=True))


def _selections(word: str) -> list[Selection]:
    parts = [word] if Path(word).is_dir() else word.split("+")
    if len(parts) > 1 and not all(parts):
        raise UsageError(f"{word}: a + stands between two rungs or models")
    return [store.select(part) for part in parts]


def _nets(word: str, variant: str, backend: str) -> Nets:
    _selections(word)  # say at once that there is none

    def enlarger(model: Model, cheaper: tuple[Enlarger, ...] = ()) -> Enlarger:
        return Enlarger(model.manifest, _backend(str(model.folder), variant, backend), cheaper=cheaper)

    def nets(ratio: float, coded: bool) -> list[Enlarger]:
        out = []
        for first, *others in plans(word, ratio, coded):
            lower = sorted(others, key=lambda model: model.manifest.macs_per_px)
            out.append(enlarger(first, tuple(enlarger(model) for model in lower)))
        return out

    return nets


@lru_cache(maxsize=64)
def _backend(folder: str, variant: str, wanted: str) -> Backend:
    model = store.find(str(Path(folder)))
    kind = VARIANTS[variant]
    return choose(model, wanted).backend if kind is None else OrtBackend(model, "cpu", kind=kind)
