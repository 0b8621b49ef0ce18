"""Frames as 8-bit R'G'B' pictures and back, for nets and measures that know nothing else."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edge_vsr.color import rgb_to_yuv444, yuv444_to_rgb
from edge_vsr.frame import ChromaLayout, Frame, default_siting
from edge_vsr.upscale.resample import KERNELS, resample_frame

Rgb = npt.NDArray[np.uint8]

_CHROMA = KERNELS["bicubic"]


def to_rgb(frame: Frame) -> Rgb:
    """(H, W, 3) of a frame of any layout; chroma is enlarged by the bicubic kernel, its siting heeded."""
    layout = ChromaLayout.YUV444
    full = resample_frame(frame, frame.width_px, frame.height_px, _CHROMA, layout, default_siting(layout))
    return yuv444_to_rgb(full.planes, full.color, full.bit_depth).astype(np.uint8)


def to_frame(rgb: Rgb, like: Frame) -> Frame:
    """R'G'B' (H, W, 3) as an 8-bit frame of the layout, siting and colour of ``like``, whatever its size."""
    color = like.color.settled(like.height_px)
    layout = ChromaLayout.YUV444
    planes = rgb_to_yuv444(rgb, color, bit_depth=8, rgb_bits=8)
    full = like.with_(planes=planes, bit_depth=8, layout=layout, color=color, siting=default_siting(layout))
    return resample_frame(full, full.width_px, full.height_px, _CHROMA, like.layout, like.siting)
