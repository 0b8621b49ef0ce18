"""Pick a backend: best provider first, each admitted only after it matches the reference on this machine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edge_vsr.errors import BackendError, UsageError
from edge_vsr.models.store import Model
from edge_vsr.upscale.backends.backend import Backend, probe_picture
from edge_vsr.upscale.backends.ort import OrtBackend, available
from edge_vsr.upscale.backends.reference import ReferenceBackend

WORST_CODES = 2  # integer steps a provider may differ by: fused rounding differs in ties, layer by layer
MEAN_CODES = 0.02


@dataclass(frozen=True, slots=True)
class Choice:
    """The backend that runs, and one line for every better one that was passed over."""

    backend: Backend
    refused: tuple[str, ...]


def infidelity(backend: OrtBackend, model: Model) -> str | None:
    """Why a backend must not go live: its probe differs from the reference; ``None`` if it may."""
    picture = probe_picture(model.manifest)
    seen, expected = backend.run(picture), ReferenceBackend(model, backend.kind).run(picture)
    if seen.shape != expected.shape:
        return f"{backend.name} gives a residual of shape {seen.shape}, the reference one of {expected.shape}"
    error = np.abs(seen.astype(np.int32) - expected)
    if error.max() <= WORST_CODES and error.mean() <= MEAN_CODES:
        return None
    return f"{backend.name} differs from the reference by {error.max()} steps at most, {error.mean():.3f} on average"


def choose(model: Model, wanted: str = "auto", threads: int = 0) -> Choice:
    """The first faithful backend in order, or the wanted one. Raises BackendError, UsageError."""
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
            backend = OrtBackend(model, name, threads, wide_sums=wide_sums)
            reason = infidelity(backend, model)
        except BackendError as error:
            reason = str(error)
        if reason is None:
            return Choice(backend, tuple(refused))
        refused.append(reason)
    if wanted != "auto":
        raise BackendError(f"backend {wanted} is not usable: {refused[0]}")
    return Choice(ReferenceBackend(model), tuple(refused))
