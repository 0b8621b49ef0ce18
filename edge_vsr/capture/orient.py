"""Turning a picture the way it is meant to be looked at: display matrices and EXIF orientations."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import av
import cv2
import numpy as np
import numpy.typing as npt
from av.sidedata.sidedata import Type

from edge_vsr.capture.side_data import read_side_data
from edge_vsr.color import Plane, Planes
from edge_vsr.frame import ChromaLayout, Frame, Siting


@dataclass(frozen=True, slots=True)
class Orientation:
    """First transpose (swap rows and columns), then mirror; together every multiple of 90 degrees."""

    transpose: bool = False
    mirror_x: bool = False
    mirror_y: bool = False

    def __bool__(self) -> bool:
        return self.transpose or self.mirror_x or self.mirror_y

    def describe(self) -> str:
        """One plain sentence."""
        if self.transpose:
            return "The picture was turned upright by 90 degrees, as its display matrix asks."
        if self.mirror_x and self.mirror_y:
            return "The picture was turned by 180 degrees, as its display matrix asks."
        return "The picture was mirrored, as its display matrix asks."


UPRIGHT = Orientation()


def parse_display_matrix(data: bytes) -> Orientation:
    """The nearest right-angle orientation of a 3x3 matrix of int32 (ISO/IEC 14496-12, 6.2.2), row by row."""
    if len(data) < 36:
        return UPRIGHT
    a, b, _, c, d, *_ = struct.unpack_from("=9i", data)
    # Display x = a x + c y, display y = b x + d y.
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return Orientation(False, a < 0, d < 0)
    return Orientation(True, c < 0, b < 0)


def orientation_of(frame: av.VideoFrame) -> Orientation:
    """What a decoded frame's display matrix asks for."""
    matrix = read_side_data(frame, Type.DISPLAYMATRIX)
    if matrix:
        return parse_display_matrix(matrix)
    # Degrees counter-clockwise; the way out where the side data cannot be listed.
    quarter = round(frame.rotation / 90) % 4
    return (UPRIGHT, Orientation(True, False, True), Orientation(False, True, True), Orientation(True, True, False))[
        quarter
    ]


def turn(frame: Frame, how: Orientation) -> Frame:
    """The frame as it should be seen; sample aspect ratio and siting turn with it."""
    if not how:
        return frame
    if how.transpose and frame.layout is ChromaLayout.YUV422:
        # Turned 4:2:2 would be 4:4:0, which nothing downstream takes: widen the chroma first.
        y, u, v = frame.planes
        wide = (y, _widen(u, frame.width_px, frame.siting.x), _widen(v, frame.width_px, frame.siting.x))
        frame = frame.with_(planes=wide, layout=ChromaLayout.YUV444, siting=Siting(0.0, 0.0))
    turned = tuple(_turn_plane(plane, how) for plane in frame.planes)
    planes: Planes = (turned[0], turned[1], turned[2])
    return frame.with_(
        planes=planes, sar=1 / frame.sar if how.transpose else frame.sar, siting=_turn_siting(frame, how)
    )


def _turn_plane(plane: Plane, how: Orientation) -> Plane:
    turned = plane.T if how.transpose else plane
    return np.ascontiguousarray(turned[:: -1 if how.mirror_y else 1, :: -1 if how.mirror_x else 1])


def _turn_siting(frame: Frame, how: Orientation) -> Siting:
    """Seen from the other end, the last chroma sample is the first."""
    x = (frame.siting.x, frame.layout.step_x, frame.width_px)
    y = (frame.siting.y, frame.layout.step_y, frame.height_px)
    if how.transpose:
        x, y = y, x
    return Siting(_mirror(*x) if how.mirror_x else x[0], _mirror(*y) if how.mirror_y else y[0])


def _mirror(offset: float, step: int, size: int) -> float:
    last = offset + step * (-(-size // step) - 1)
    return size - 1 - last


def _widen(chroma: Plane, width_px: int, offset: float) -> Plane:
    """Twice as wide by linear interpolation between samples at ``offset + 2 i`` luma pixels."""
    columns = ((np.arange(width_px, dtype=np.float32) - offset) / 2)[None, :].repeat(chroma.shape[0], axis=0)
    rows = np.arange(chroma.shape[0], dtype=np.float32)[:, None].repeat(width_px, axis=1)
    source: npt.NDArray[np.float32] = chroma.astype(np.float32)
    wide = cv2.remap(source, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.rint(wide).astype(np.uint8 if chroma.dtype == np.uint8 else np.uint16)
