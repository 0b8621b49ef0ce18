"""A net ready to run, and what runs in which order: the words in which passes are planned."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edge_vsr.models.ladder import passes_of_net
from edge_vsr.models.manifest import Manifest
from edge_vsr.upscale import tiles
from edge_vsr.upscale.backends.backend import Backend


@dataclass(frozen=True)
class Enlarger:
    """A net ready to run: manifest, backend, largest tile.

    cheaper: nets of lower rungs, cheapest first, that may serve where this one does not pay. They enlarge alike.
    """

    manifest: Manifest
    backend: Backend
    core: tuple[int, int] = tiles.CORE
    cheaper: tuple[Enlarger, ...] = ()


# How many times larger, and whether the source is coded → the net of each pass, in order; none where none is needed.
Nets = Callable[[float, bool], Sequence[Enlarger]]


def only(enlarger: Enlarger) -> Nets:
    """One net for everything, as often as the ratio asks for it."""
    return lambda ratio, coded: [enlarger] * len(passes_of_net(enlarger.manifest, ratio))
