"""Pictures to test the upscaler with."""

from __future__ import annotations

from typing import Any

import numpy as np

from edge_vsr.color import BT709_LIMITED, ColorSpace
from edge_vsr.frame import ChromaLayout, Frame, VideoFormat, default_siting
from edge_vsr.telemetry import Stages
from edge_vsr.upscale.enlarge import Enlarger
from edge_vsr.upscale.passes import Effort, Pass
from edge_vsr.upscale.workers import Workers

L420, L422, L444 = ChromaLayout.YUV420, ChromaLayout.YUV422, ChromaLayout.YUV444


def noise_frame(
    width: int,
    height: int,
    bits: int = 8,
    layout: ChromaLayout = L420,
    color: ColorSpace = BT709_LIMITED,
    seed: int = 1,
    **more: Any,
) -> Frame:
    """Coarse random structure in every plane over the whole range of codes, read-only as a decoder may hand it out."""
    rng = np.random.default_rng(seed)
    planes = []
    for w, h in ((width, height), *[layout.plane_size(width, height)] * 2):
        coarse = rng.integers(0, 1 << bits, (-(-h // 3), -(-w // 3)))
        plane = np.kron(coarse, np.ones((3, 3), int))[:h, :w] + rng.integers(-9, 10, (h, w))
        plane = np.clip(plane, 0, (1 << bits) - 1).astype(np.uint8 if bits == 8 else np.uint16)
        plane.setflags(write=False)
        planes.append(plane)
    return Frame((planes[0], planes[1], planes[2]), bits, layout, color, default_siting(layout), **more)


def flat_frame(
    width: int, height: int, codes: tuple[int, int, int], bits: int = 8, layout: ChromaLayout = L420, **more: Any
) -> Frame:
    """One colour all over."""
    sizes = ((width, height), *[layout.plane_size(width, height)] * 2)
    y, u, v = (
        np.full((h, w), code, np.uint8 if bits == 8 else np.uint16) for (w, h), code in zip(sizes, codes, strict=True)
    )
    return Frame((y, u, v), bits, layout, more.pop("color", BT709_LIMITED), default_siting(layout), **more)


def format_of(frame: Frame) -> VideoFormat:
    """What a source that yields such frames would promise."""
    return VideoFormat(
        frame.width_px,
        frame.height_px,
        frame.bit_depth,
        frame.layout,
        frame.color,
        frame.siting,
        frame.time_base,
        sar=frame.sar,
    )


def same_picture(a: Frame, b: Frame) -> bool:
    """Equal planes, to the code value."""
    return all(np.array_equal(p, q) for p, q in zip(a.planes, b.planes, strict=True))


def enlarged(net: Enlarger, frame: Frame, coded: bool = True) -> Frame:
    """One pass of a net over one frame, every tile of it."""
    one = Pass(net, frame.width_px, frame.height_px, coded, Workers(1))
    return one.process(frame, Stages(), Effort())
