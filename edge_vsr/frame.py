"""A frame: planar Y'CbCr as it came, with everything needed to show it right.

Never RGB inside: wide-gamut sources lose colour that way. Samples are uint8 (8 bit) or uint16 holding
10-bit codes in the low bits. Planes may be views with a row stride; the last axis is contiguous.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from fractions import Fraction
from typing import Any

from edge_vsr.color import ColorSpace, HdrMetadata, Planes


class ChromaLayout(Enum):
    """Luma samples per chroma sample, (horizontal, vertical)."""

    YUV420 = (2, 2)
    YUV422 = (2, 1)
    YUV444 = (1, 1)

    @property
    def step_x(self) -> int:
        return self.value[0]

    @property
    def step_y(self) -> int:
        return self.value[1]

    def plane_size(self, width_px: int, height_px: int) -> tuple[int, int]:
        """(width, height) of a chroma plane beside a luma plane of that size; odd sizes round up."""
        return -(-width_px // self.step_x), -(-height_px // self.step_y)


@dataclass(frozen=True, slots=True)
class Siting:
    """Where chroma sample (0, 0) lies, in luma pixels from luma sample (0, 0) (H.273 figure 1)."""

    x: float
    y: float


class FieldOrder(Enum):
    PROGRESSIVE = "progressive"
    TOP_FIRST = "tff"
    BOTTOM_FIRST = "bff"


def default_siting(layout: ChromaLayout) -> Siting:
    """What MPEG-2, H.264 and H.265 mean when they say nothing: cosited horizontally, centred vertically."""
    return Siting(0.0, (layout.step_y - 1) / 2)


@dataclass(frozen=True, slots=True)
class Frame:
    """One progressive picture or one interlaced field pair.

    planes: Y (H, W), U and V (ceil(H / step_y), ceil(W / step_x)).
    pts: presentation time in ``time_base`` units; ``None`` for stills.
    sar: sample aspect ratio (width of a pixel over its height).
    stamps: monotonic ns by stage name; filled as the frame passes.
    """

    planes: Planes
    bit_depth: int
    layout: ChromaLayout
    color: ColorSpace
    siting: Siting
    pts: int | None = None
    time_base: Fraction = Fraction(1, 1000)
    sar: Fraction = Fraction(1)
    field_order: FieldOrder = FieldOrder.PROGRESSIVE
    stamps: dict[str, int] = field(default_factory=dict)

    @property
    def width_px(self) -> int:
        return int(self.planes[0].shape[1])

    @property
    def height_px(self) -> int:
        return int(self.planes[0].shape[0])

    def with_(self, **changes: Any) -> Frame:
        """The same frame with some fields changed; stamps travel along."""
        return replace(self, **changes)


@dataclass(frozen=True, slots=True)
class VideoFormat:
    """What is true of every frame of a stream: the contract between a source, an engine and a sink."""

    width_px: int
    height_px: int
    bit_depth: int
    layout: ChromaLayout
    color: ColorSpace
    siting: Siting
    time_base: Fraction
    frame_rate: Fraction | None = None  # average; None where unknown or a still
    sar: Fraction = Fraction(1)
    hdr: HdrMetadata | None = None
    coded: bool = True  # a lossy codec has been at work; False only where that is known
