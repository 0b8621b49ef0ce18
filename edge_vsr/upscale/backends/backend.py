"""The contract of whatever runs a net, and the check that a backend must pass before it goes live."""

from __future__ import annotations

import os
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from edge_vsr.models.manifest import Manifest

Picture = npt.NDArray[np.uint8]  # (N, channels in, h + 2 halo, w + 2 halo), code values
Residual = npt.NDArray[Any]  # (N, channels out, h, w): uint8 around 128, or float32 code values


class Backend(Protocol):
    """Runs one net. On a processor's cores, a call computes on the thread that makes it.

    name: provider as users know it. step, zero: residual in code values is ``step * (out - zero)``.
    """

    name: str
    step: float
    zero: int

    def run(self, picture: Picture) -> Residual:
        """One batch of tiles; several threads may call at once. Raises BackendError when the provider fails."""
        ...

    def close(self) -> None:
        """Release the provider; may be called twice."""
        ...


class Candidate(Backend, Protocol):
    """A backend that can be compared. kind: the reference's variant whose integers it must give."""

    kind: str


def usable_cores() -> int:
    """How many threads may compute: the cores that this process may run on."""
    return max(1, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


def probe_picture(manifest: Manifest, blocks: int = 12) -> Picture:
    """A fixed picture for comparing backends: smooth ramps, hard edges and noise, two tiles."""
    rng = np.random.default_rng(7)
    side = blocks + 2 * manifest.halo
    ramp = np.linspace(20, 235, side)[None, :] + np.linspace(-15, 15, side)[:, None]
    edges = 180.0 * ((np.arange(side)[:, None] // 5 + np.arange(side)[None, :] // 7) % 2)
    tiles = [
        ramp + rng.normal(0, 6, (manifest.channels[0], side, side)),
        edges + rng.normal(0, 2, (manifest.channels[0], side, side)) + 30,
    ]
    return np.clip(np.rint(np.stack(tiles)), 0, 255).astype(np.uint8)
