"""Colour: what a Y'CbCr code value means, and the one conversion from and to R'G'B'.

Code points are those of ITU-T H.273 (the numbers that containers and codecs carry). The maths follows
BT.601, BT.709, BT.2020 (matrix coefficients Kr, Kb) and BT.2100 (narrow and full range for n bits).
Nothing here touches transfer functions: pictures stay in their gamma (SDR, PQ or HLG) throughout.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, IntEnum

import cv2
import numpy as np
import numpy.typing as npt

Plane = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
Planes = tuple[Plane, Plane, Plane]


class Matrix(IntEnum):
    """H.273 MatrixCoefficients that describe Y'CbCr (5 and 6 are the same numbers)."""

    BT709 = 1
    UNSPECIFIED = 2
    FCC = 4
    BT470BG = 5
    SMPTE170M = 6
    SMPTE240M = 7
    BT2020_NCL = 9


class Range(Enum):
    """Where black and white sit: 16-235 (limited) or 0-255 (full), scaled by 2^(n-8) for n bits."""

    LIMITED = "limited"
    FULL = "full"


# Kr, Kb: H.273 table 4, BT.2020-2 table 4.
_LUMA_WEIGHTS: dict[Matrix, tuple[float, float]] = {
    Matrix.BT709: (0.2126, 0.0722),
    Matrix.FCC: (0.30, 0.11),
    Matrix.BT470BG: (0.299, 0.114),
    Matrix.SMPTE170M: (0.299, 0.114),
    Matrix.SMPTE240M: (0.212, 0.087),
    Matrix.BT2020_NCL: (0.2627, 0.0593),
}


@dataclass(frozen=True, slots=True)
class ColorSpace:
    """How code values map to light; ``primaries`` and ``transfer`` are H.273 numbers, carried as tags.

    2 means unspecified. An unspecified matrix is settled by the source's size before the picture grows:
    a player that guesses by size again would guess wrong.
    """

    matrix: Matrix = Matrix.UNSPECIFIED
    range: Range = Range.LIMITED
    primaries: int = 2
    transfer: int = 2

    def settled(self, height_px: int) -> ColorSpace:
        """With a known matrix: the tag, or what players assume for a source of this height (BT.601 below 720)."""
        if self.matrix is not Matrix.UNSPECIFIED:
            return self
        return replace(self, matrix=Matrix.BT709 if height_px >= 720 else Matrix.SMPTE170M)


BT709_LIMITED = ColorSpace(Matrix.BT709, Range.LIMITED, primaries=1, transfer=1)
JPEG_FULL = ColorSpace(Matrix.SMPTE170M, Range.FULL, primaries=1, transfer=13)


def code_affine(
    matrix: Matrix, range_: Range, bit_depth: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The 3x3 matrix and offset taking R'G'B' in 0..1 to Y'CbCr code values of ``bit_depth`` bits."""
    kr, kb = _LUMA_WEIGHTS[matrix]
    kg = 1.0 - kr - kb
    rows = np.array(
        [
            [kr, kg, kb],
            [-kr / (2 * (1 - kb)), -kg / (2 * (1 - kb)), 0.5],
            [0.5, -kg / (2 * (1 - kr)), -kb / (2 * (1 - kr))],
        ]
    )
    unit = float(1 << (bit_depth - 8))
    if range_ is Range.LIMITED:
        span, black = np.array([219.0, 224.0, 224.0]) * unit, 16.0 * unit
    else:
        span, black = np.full(3, 256.0 * unit - 1.0), 0.0
    return rows * span[:, None], np.array([black, 128.0 * unit, 128.0 * unit])


def _dtype(bit_depth: int) -> type[np.uint8] | type[np.uint16]:
    return np.uint8 if bit_depth == 8 else np.uint16


def _apply(
    image: npt.NDArray[np.float32], gain: npt.NDArray[np.float64], offset: npt.NDArray[np.float64]
) -> npt.NDArray[np.float32]:
    full = np.concatenate([gain, offset[:, None]], axis=1)
    return np.asarray(cv2.transform(image, full.astype(np.float32)), np.float32)


def rgb_to_yuv444(rgb: Plane, color: ColorSpace, bit_depth: int, rgb_bits: int) -> Planes:
    """Full-range R'G'B' (H, W, 3; ``rgb_bits`` per sample) to three full-size Y'CbCr planes, rounded once.

    ``color.matrix`` must be known. A 10-bit result holds 8-bit R'G'B' without visible loss.
    """
    peak = float((1 << rgb_bits) - 1)
    gain, offset = code_affine(color.matrix, color.range, bit_depth)
    yuv = _apply(rgb.astype(np.float32), gain / peak, offset)
    codes = np.clip(np.rint(yuv), 0, (1 << bit_depth) - 1).astype(_dtype(bit_depth))
    y, u, v = (np.ascontiguousarray(codes[..., i]) for i in range(3))
    return y, u, v


def yuv444_to_rgb(planes: Planes, color: ColorSpace, bit_depth: int, rgb_bits: int = 8) -> Plane:
    """Three full-size Y'CbCr planes to full-range R'G'B' (H, W, 3), rounded and clipped once."""
    gain, offset = code_affine(color.settled(planes[0].shape[0]).matrix, color.range, bit_depth)
    inverse = np.linalg.inv(gain)
    peak = (1 << rgb_bits) - 1
    shift = np.asarray(-inverse @ offset * peak, np.float64)
    rgb = _apply(np.stack(planes, axis=-1).astype(np.float32), np.asarray(inverse * peak, np.float64), shift)
    codes = np.clip(np.rint(rgb), 0, peak)
    return codes.astype(np.uint8) if rgb_bits == 8 else codes.astype(np.uint16)


@dataclass(frozen=True, slots=True)
class HdrMetadata:
    """HDR10 static metadata (SMPTE ST 2086, CTA-861.3), in the integer units that bitstreams carry.

    primaries: (x, y) of R, G, B in 1/50000; white: (x, y) likewise; luminance: (min, max) in 1/10000 cd/m2.
    max_cll, max_fall: cd/m2; 0 where unknown.
    """

    primaries: tuple[tuple[int, int], tuple[int, int], tuple[int, int]] | None = None
    white: tuple[int, int] | None = None
    luminance: tuple[int, int] | None = None
    max_cll: int = 0
    max_fall: int = 0
