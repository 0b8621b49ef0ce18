"""From a decoded ffmpeg frame to planar Y'CbCr arrays: every pixel format, nothing about time or order.

Planar Y'CbCr of 8 or 10 bits is a view on the decoder's own buffer (no copy, read-only: the decoder may
still predict from it). Deeper samples are rounded to 10 bits. Packed and semi-planar formats are only
re-ordered by swscale. R'G'B' is converted once, to the colour space that the caller asks for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import av
import numpy as np
import numpy.typing as npt

from edge_vsr.color import BT709_LIMITED, ColorSpace, Matrix, Plane, Planes, Range, rgb_to_yuv444
from edge_vsr.errors import SourceError
from edge_vsr.frame import ChromaLayout

_PLANAR = re.compile(r"yuv[ja]?4(20|22|44)p(9|10|12|14|16)?(le|be)?")
_GRAY = re.compile(r"gray(9|10|12|14|16)?(le|be)?")
_LAYOUTS = {"20": ChromaLayout.YUV420, "22": ChromaLayout.YUV422, "44": ChromaLayout.YUV444}
_H273_MATRIX_RGB = 0
_H273_MATRIX_BT2020_CL = 10
_AVCOL_RANGE_JPEG = 2
MAX_BIT_DEPTH = 10


@dataclass(frozen=True, slots=True)
class RgbTarget:
    """What R'G'B' sources become. bit_depth: 8 or 10; None keeps the source's, 10 at most."""

    color: ColorSpace = BT709_LIMITED
    bit_depth: int | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """The pixels of one frame. note: what was given up on the way, one plain sentence, or None."""

    planes: Planes
    bit_depth: int
    layout: ChromaLayout
    color: ColorSpace
    note: str | None = None


def read_picture(frame: av.VideoFrame, rgb: RgbTarget) -> Picture:
    """The planes of a decoded frame, valid for as long as they are referenced. Raises SourceError."""
    name = frame.format.name
    if frame.format.is_rgb or frame.format.has_palette or name.startswith("xyz"):
        return _read_rgb(frame, rgb)
    if _GRAY.fullmatch(name) or len([c for c in frame.format.components if not c.is_alpha]) == 1:
        return _read_gray(frame)
    if _PLANAR.fullmatch(name):
        return _read_planar(frame)
    return _read_planar(_reformat(frame, _nearest_planar(frame.format)), note=_alpha_note(frame.format))


def read_luma(frame: av.VideoFrame) -> npt.NDArray[np.uint8]:
    """The luma (H, W) of a frame of any format in 8 bits, for measurements. Raises SourceError."""
    gray = _reformat(frame, "gray")
    return np.asarray(_plane(gray, 0, 8, False), np.uint8)


def color_of(frame: av.VideoFrame) -> ColorSpace:
    """The colour tags of a frame; 0 and reserved numbers count as unspecified."""
    code = int(frame.colorspace)
    if code == _H273_MATRIX_BT2020_CL:
        code = Matrix.BT2020_NCL  # constant luminance is never seen in the wild but by mistake for this
    matrix = Matrix(code) if code != _H273_MATRIX_RGB and code in Matrix._value2member_map_ else Matrix.UNSPECIFIED
    full = int(frame.color_range) == _AVCOL_RANGE_JPEG or frame.format.name.startswith("yuvj")
    return ColorSpace(
        matrix,
        Range.FULL if full else Range.LIMITED,
        primaries=int(frame.color_primaries) or 2,
        transfer=int(frame.color_trc) or 2,
    )


def _read_planar(frame: av.VideoFrame, note: str | None = None) -> Picture:
    match = _PLANAR.fullmatch(frame.format.name)
    if match is None:
        raise SourceError(f"pixel format {frame.format.name} cannot be read")
    bits = int(match[2] or 8)
    y, u, v = (_narrow(_plane(frame, i, bits, match[3] == "be"), bits) for i in range(3))
    return Picture(
        (y, u, v), _delivered_bits(bits), _LAYOUTS[match[1]], color_of(frame), note or _alpha_note(frame.format)
    )


def _read_gray(frame: av.VideoFrame) -> Picture:
    """Gray becomes 4:2:0 with neutral chroma. Without a range tag it is full range, as ffmpeg takes it."""
    note = _alpha_note(frame.format)
    if not _GRAY.fullmatch(frame.format.name):
        frame = _reformat(frame, "gray16le" if frame.format.components[0].bits > 8 else "gray")
    bits = frame.format.components[0].bits
    y = _narrow(_plane(frame, 0, bits, frame.format.is_big_endian), bits)
    depth = _delivered_bits(bits)
    width, height = ChromaLayout.YUV420.plane_size(frame.width, frame.height)
    neutral = np.full((height, width), 1 << (depth - 1), y.dtype)
    tags = color_of(frame)
    full = int(frame.color_range) in (0, _AVCOL_RANGE_JPEG)
    color = ColorSpace(tags.matrix, Range.FULL if full else Range.LIMITED, tags.primaries, tags.transfer)
    return Picture((y, neutral, neutral), depth, ChromaLayout.YUV420, color, note)


def _read_rgb(frame: av.VideoFrame, rgb: RgbTarget) -> Picture:
    bits = 8 if frame.format.has_palette or frame.format.is_bayer else max(c.bits for c in frame.format.components)
    note = _alpha_note(frame.format)
    deep = bits > 8
    packed = _reformat(frame, "rgb48le" if deep else "rgb24")
    samples: npt.NDArray[Any] = np.frombuffer(memoryview(packed.planes[0]), np.uint16 if deep else np.uint8)
    rows = samples.reshape(-1, packed.planes[0].line_size // samples.itemsize)
    pixels = rows[: frame.height, : 3 * frame.width].reshape(frame.height, frame.width, 3)
    depth = rgb.bit_depth or _delivered_bits(bits)
    planes = rgb_to_yuv444(pixels, rgb.color, depth, 16 if deep else 8)
    return Picture(planes, depth, ChromaLayout.YUV444, rgb.color, note)


def _plane(frame: av.VideoFrame, index: int, bits: int, big_endian: bool) -> npt.NDArray[Any]:
    """One plane as a read-only view (H, W). It keeps the ffmpeg buffer alive."""
    plane = frame.planes[index]
    dtype = np.dtype(np.uint8) if bits <= 8 else np.dtype(">u2" if big_endian else "<u2")
    flat: npt.NDArray[Any] = np.frombuffer(memoryview(plane), dtype)
    flat.flags.writeable = False
    rows = flat.reshape(-1, abs(plane.line_size) // dtype.itemsize)[: plane.height, : plane.width]
    # Bottom-up pictures (some BMP and raw AVI) have a negative stride, which OpenCV does not take.
    return rows if plane.line_size > 0 else np.ascontiguousarray(rows[::-1])


def _delivered_bits(bits: int) -> int:
    return 8 if bits <= 8 else MAX_BIT_DEPTH


def _narrow(plane: npt.NDArray[Any], bits: int) -> Plane:
    """``bits`` per sample to 8 or 10, rounded; 9 bits are widened."""
    if bits <= 8:
        return np.asarray(plane, np.uint8)
    if bits == MAX_BIT_DEPTH:
        return np.asarray(plane, np.uint16)
    if bits < MAX_BIT_DEPTH:
        return np.left_shift(plane.astype(np.uint16), MAX_BIT_DEPTH - bits, dtype=np.uint16)
    shift = bits - MAX_BIT_DEPTH
    rounded = (plane.astype(np.uint32) + (1 << (shift - 1))) >> shift
    return np.asarray(np.minimum(rounded, (1 << MAX_BIT_DEPTH) - 1), np.uint16)


def _nearest_planar(fmt: av.VideoFormat) -> str:
    """The supported planar format that loses nothing (4:1:1, 4:4:0) or least (4:1:0) of ``fmt``."""
    step_x, step_y = 8 // fmt.chroma_width(8), 8 // fmt.chroma_height(8)
    layout = {(1, 1): "444", (1, 2): "444", (2, 1): "422", (4, 1): "422"}.get((step_x, step_y), "420")
    return f"yuv{layout}p" if fmt.components[0].bits <= 8 else f"yuv{layout}p10le"


def _reformat(frame: av.VideoFrame, name: str) -> av.VideoFrame:
    try:
        return frame.reformat(format=name)
    except (av.FFmpegError, ValueError) as error:
        raise SourceError(f"pixel format {frame.format.name} cannot be read ({error})") from error


def _alpha_note(fmt: av.VideoFormat) -> str | None:
    if any(c.is_alpha for c in fmt.components):
        return "The transparency of the source was dropped."
    return None
