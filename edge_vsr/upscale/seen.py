"""What the nets see of a frame: 8-bit 4:2:0, packed for cutting, and the two values they are told."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from edge_vsr.frame import ChromaLayout, Frame, default_siting
from edge_vsr.upscale import tiles
from edge_vsr.upscale.analyse.analysis import Planes8
from edge_vsr.upscale.analyse.condition import Condition
from edge_vsr.upscale.resample import Kernel, resample_frame


@dataclass(frozen=True, slots=True)
class Seen:
    """One frame as input of nets. packed: see ``tiles.pack``; its ``halo`` may be wider than a net's own."""

    packed: tiles.Bytes
    condition: Condition
    halo: int

    def cut(self, cuts: tuple[tiles.Tile, ...], halo: int, core: tuple[int, int]) -> tiles.Bytes:
        """A batch of net inputs (N, 8, core + 2 halo)."""
        inner = self.halo - halo
        packed = self.packed[:, inner : self.packed.shape[1] - inner, inner : self.packed.shape[2] - inner]
        return tiles.gather(packed, list(cuts), self.condition, halo, core)


def as_trained(frame: Frame) -> bool:
    """Whether chroma lies where MPEG puts it, and nets know it; chroma sited elsewhere keeps to the base."""
    return frame.layout is ChromaLayout.YUV420 and frame.siting == default_siting(frame.layout)


def eight_bit_420(frame: Frame, kernel: Kernel) -> Planes8:
    """The frame's planes as 8-bit 4:2:0."""
    if not as_trained(frame):
        layout = ChromaLayout.YUV420
        frame = resample_frame(frame, frame.width_px, frame.height_px, kernel, layout, default_siting(layout))
    gain = 1.0 / (1 << (frame.bit_depth - 8))
    y, u, v = (
        np.asarray(plane if frame.bit_depth == 8 else cv2.convertScaleAbs(plane, alpha=gain), np.uint8)
        for plane in frame.planes
    )
    return y, u, v
