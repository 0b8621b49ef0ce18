"""Pick a backend: best provider first, each admitted only after it matches the reference on this machine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edge_vsr.errors import BackendError, UsageError
from edge_vsr.models.store import Model
from edge_vsr.upscale.backends import litert, ort
from edge_vsr.upscale.backends.backend import Backend, Candidate, probe_picture
from edge_vsr.upscale.backends.reference import ReferenceBackend

WORST_CODES = 2  # integer steps a provider may differ by: fused rounding differs in ties, layer by layer
MEAN_CODES = 0.02


@dataclass(frozen=True, slots=True)
class Choice:
    """The backend that runs, and one line for every better one that was passed over."""

    backend: Backend
    refused: tuple[str, ...]


def infidelity(backend: Candidate, model: Model) -> str | None:
    """Why a backend must not go live: its probe differs from the reference; ``None`` if it may."""
    picture = probe_picture(model.manifest)
    seen, expected = backend.run(picture), ReferenceBackend(model, backend.kind).run(picture)
    if seen.shape != expected.shape:
        return f"{backend.name} gives a residual of shape {seen.shape}, the reference one of {expected.shape}"
    error = np.abs(seen.astype(np.int32) - expected)
    if error.max() <= WORST_CODES and error.mean() <= MEAN_CODES:
        return None
    return f"{backend.name} differs from the reference by {error.max()} steps at most, {error.mean():.3f} on average"


def available() -> list[str]:
    """Backends of this machine by name, best first; the reference, always there, is not among them."""
    return [*ort.available(), *litert.available()]


def opened(model: Model, name: str, *, wide_sums: bool = False) -> Candidate:
    """An available backend with the model in it, not yet compared. Raises BackendError.

    A file that is there but not what the manifest says is a ModelError: no other backend would mend that.
    """
    kind = "tflite" if name == litert.NAME else ort.wanted_kind(name)
    if kind not in model.manifest.files:
        raise BackendError(f"{name}: model {model.manifest.name} has no {kind} variant")
    if name == litert.NAME:
        return litert.LiteRtBackend(model)
    return ort.OrtBackend(model, name, wide_sums=wide_sums)


def choose(model: Model, wanted: str = "auto") -> Choice:
    """The first faithful backend in order, or the wanted one. Raises BackendError, ModelError, UsageError."""
    if wanted == "reference":
        return Choice(ReferenceBackend(model), ())
    names = available()
    if wanted != "auto":
        if wanted not in names:
            raise UsageError(f"backend {wanted!r} is not available here; there are: {', '.join(names)}, reference")
        names = [wanted]
    refused: list[str] = []
    attempts = [(name, wide) for name in names for wide in ((False, True) if name == "cpu" else (False,))]
    for name, wide_sums in attempts:
        try:
            backend = opened(model, name, wide_sums=wide_sums)
            reason = infidelity(backend, model)
        except BackendError as error:
            reason = str(error)
        if reason is None:
            return Choice(backend, tuple(refused))
        refused.append(reason)
    if wanted != "auto":
        raise BackendError(f"backend {wanted} is not usable: {refused[0]}")
    return Choice(ReferenceBackend(model), tuple(refused))
