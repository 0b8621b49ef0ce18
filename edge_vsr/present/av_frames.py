"""Frames on their way into FFmpeg: planes copied once, row by row, into aligned buffers.

Numpy copies plain samples without holding the interpreter's lock, so decode and upscale go on meanwhile.
"""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import numpy.typing as npt

from edge_vsr.color import Plane
from edge_vsr.frame import Frame


def to_av(frame: Frame, pixel_format: str, index: int, time_base: Fraction) -> av.VideoFrame:
    """An AVFrame of its own memory, stamped ``index`` in ``time_base``."""
    picture = av.VideoFrame(frame.width_px, frame.height_px, pixel_format)
    if pixel_format == "p010le":
        _fill_p010(picture, frame)
    else:
        for plane, samples in zip(picture.planes, frame.planes, strict=True):
            _view(plane, samples.dtype.type, samples.shape[0])[:, : samples.shape[1]] = samples
    picture.pts = index
    picture.time_base = time_base
    return picture


def _fill_p010(picture: av.VideoFrame, frame: Frame) -> None:
    """P010: 10-bit codes in the high bits, U and V interleaved."""
    y, u, v = frame.planes
    luma = _view(picture.planes[0], np.uint16, y.shape[0])
    np.left_shift(y, 6, out=luma[:, : y.shape[1]])
    chroma = _view(picture.planes[1], np.uint16, u.shape[0])
    np.left_shift(u, 6, out=chroma[:, 0 : 2 * u.shape[1] : 2])
    np.left_shift(v, 6, out=chroma[:, 1 : 2 * v.shape[1] : 2])


def _view(plane: object, dtype: type[np.generic], rows: int) -> npt.NDArray[np.generic] | Plane:
    flat = np.frombuffer(plane, dtype)  # type: ignore[call-overload]
    return np.asarray(flat).reshape(rows, -1)
