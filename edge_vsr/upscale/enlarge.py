"""One pass of one net over one frame: base, analyse, gather, infer, scatter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from edge_vsr.errors import BackendError
from edge_vsr.frame import ChromaLayout, Frame, default_siting
from edge_vsr.models.ladder import passes_of_net
from edge_vsr.models.manifest import Manifest
from edge_vsr.telemetry import Stages
from edge_vsr.upscale import tiles
from edge_vsr.upscale.analyse.condition import condition
from edge_vsr.upscale.backends.backend import Backend
from edge_vsr.upscale.resample import KERNELS, Kernel, resample_frame

BATCHES = (6, 1)  # tiles per call, largest first: few shapes, so that providers compile few engines


@dataclass(frozen=True)
class Enlarger:
    """A net ready to run: manifest, backend, tile shape."""

    manifest: Manifest
    backend: Backend
    core: tuple[int, int] = tiles.CORE

    def enlarge(self, frame: Frame, stages: Stages, coded: bool = True) -> Frame:
        """The frame at ``manifest.scale`` times its size, same layout and siting. Raises BackendError.

        coded: the frame comes from a lossy codec.
        """
        factor, halo = self.manifest.scale, self.manifest.halo
        kernel = KERNELS[self.manifest.base_kernel]
        # A net made for one kind of source has never been told of the other.
        coded = {"any": coded, "clean": False, "coded": True}[self.manifest.source]
        with stages.stage("base"):
            base = _base(frame, factor, kernel)
        # The net knows chroma where MPEG puts it; chroma sited elsewhere keeps to the base.
        chroma = _as_trained(frame)
        with stages.stage("gather"):
            planes = _as_net_sees(frame, kernel)
            packed = tiles.pack(planes, halo, self.core)
        with stages.stage("analyse"):
            seen = condition(planes[0], coded)
        unit = 1 << (frame.bit_depth - 8)
        scale = tiles.Scale(self.backend.step, self.backend.zero, unit, (1 << frame.bit_depth) - 1)
        for batch in batches(tiles.grid(tiles.blocks_of(frame.width_px, frame.height_px), self.core)):
            with stages.stage("gather"):
                picture = tiles.gather(packed, batch, seen, halo, self.core)
            with stages.stage("infer"):
                residual = self.backend.run(picture)
            if residual.shape != (len(batch), self.manifest.channels[1], *self.core):
                raise BackendError(f"{self.backend.name} gave a residual of shape {residual.shape}")
            with stages.stage("scatter"):
                tiles.scatter(residual, batch, base.planes, scale, factor, chroma)
        return base


# How many times larger, and whether the source is coded → the net of each pass, in order; none where none is needed.
Nets = Callable[[float, bool], Sequence[Enlarger]]


def only(enlarger: Enlarger) -> Nets:
    """One net for everything, as often as the ratio asks for it."""
    return lambda ratio, coded: [enlarger] * len(passes_of_net(enlarger.manifest, ratio))


def batches(todo: list[tiles.Tile]) -> list[list[tiles.Tile]]:
    """Split tiles into calls of the fixed batch shapes."""
    calls, at = [], 0
    for size in BATCHES:
        while len(todo) - at >= size:
            calls.append(todo[at : at + size])
            at += size
    return calls


def _base(frame: Frame, factor: int, kernel: Kernel) -> Frame:
    """What the residual is added to, in planes of its own."""
    if factor == 1:  # nothing is resampled, and the source is not ours to write into
        y, u, v = (plane.copy() for plane in frame.planes)
        return frame.with_(planes=(y, u, v))
    size = (frame.width_px * factor, frame.height_px * factor)
    return resample_frame(frame, *size, kernel, frame.layout, frame.siting)


def _as_trained(frame: Frame) -> bool:
    return frame.layout is ChromaLayout.YUV420 and frame.siting == default_siting(frame.layout)


def _as_net_sees(frame: Frame, kernel: Kernel) -> tuple[tiles.Bytes, tiles.Bytes, tiles.Bytes]:
    """The frame as 8-bit 4:2:0."""
    if not _as_trained(frame):
        layout = ChromaLayout.YUV420
        frame = resample_frame(frame, frame.width_px, frame.height_px, kernel, layout, default_siting(layout))
    gain = 1.0 / (1 << (frame.bit_depth - 8))
    y, u, v = (
        np.asarray(plane if frame.bit_depth == 8 else cv2.convertScaleAbs(plane, alpha=gain), np.uint8)
        for plane in frame.planes
    )
    return y, u, v
