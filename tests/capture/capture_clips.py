"""Small clips made with PyAV for the tests of this room, and what plain PyAV decodes of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.filter
import cv2
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
WIDTH, HEIGHT = 96, 64


def picture(index: float, width: int = WIDTH, height: int = HEIGHT) -> Array:
    """Smooth coloured R'G'B' (H, W, 3) with edges that move 3 pixels for each ``index``."""
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    x = columns - 3 * index
    red = 128 + 90 * np.sin(x / 7.0)
    green = 128 + 90 * np.sin((rows + 2 * index) / 9.0 + x / 19.0)
    blue = 128 + 60 * np.cos(columns / 11.0)
    image = np.stack([red, green, blue], axis=-1)
    left = (7 + 3 * index) % (width - 20)
    image[height // 4 : 3 * height // 4, int(left) : int(left) + 14] = (235, 235, 40)
    return np.clip(image, 0, 255).astype(np.uint8)


def video_frame(image: Array, pix_fmt: str) -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
    return frame if pix_fmt == "rgb24" else frame.reformat(format=pix_fmt)


def write_clip(
    path: Path,
    codec: str,
    frames: Iterable[av.VideoFrame],
    *,
    pix_fmt: str = "yuv420p",
    rate: Fraction = Fraction(25),
    times: Sequence[int] | None = None,
    time_base: Fraction | None = None,
    options: dict[str, str] | None = None,
    sar: Fraction | None = None,
    rotation: float | None = None,
    container_options: dict[str, str] | None = None,
) -> Path:
    """Encode frames; ``times`` are their pts in ``time_base`` (default: 0, 1, 2... at ``rate``)."""
    frames = list(frames)
    with av.open(str(path), "w", options=container_options or {}) as out:
        stream = out.add_stream(codec, rate=rate, options=options or {})
        stream.width, stream.height, stream.pix_fmt = frames[0].width, frames[0].height, pix_fmt
        if time_base is not None:
            stream.codec_context.time_base = time_base
        if sar is not None:
            stream.codec_context.sample_aspect_ratio = sar
        if rotation is not None:
            stream.set_display_rotation(rotation)
        for index, frame in enumerate(frames):
            frame.pts = times[index] if times is not None else index
            frame.time_base = time_base or 1 / rate
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def plain_pts(path: Path) -> list[int | None]:
    """Every pts as plain PyAV decoding gives it."""
    with av.open(str(path)) as container:
        return [frame.pts for frame in container.decode(video=0)]


def weave(first: Array, second: Array, top_first: bool = True) -> Array:
    """One interlaced picture from two instants."""
    woven = first.copy()
    start = 1 if top_first else 0
    woven[start::2] = second[start::2]
    return woven


def gray_frame(luma: Array) -> av.VideoFrame:
    """A yuv420p frame with the given luma (H, W) and no colour."""
    height, width = luma.shape
    frame = av.VideoFrame(width, height, "yuv420p")
    for plane, content in zip(frame.planes, (luma, None, None), strict=True):
        rows = np.full((plane.height, plane.line_size), 128, np.uint8)
        if content is not None:
            rows[:, :width] = content
        plane.update(rows.tobytes())
    return frame


def moving_luma(index: float, width: int = 160, height: int = 96) -> Array:
    """A textured picture that glides by 2.5 pixels for each ``index``."""
    rng = np.random.default_rng(3)
    world = cv2.resize(
        rng.integers(20, 236, (height // 6, width // 4), np.uint8), (2 * width, height), interpolation=cv2.INTER_CUBIC
    )
    matrix = np.array([[1, 0, -2.5 * index % width - width / 2], [0, 1, 0]], np.float32)
    return cv2.warpAffine(world, matrix, (width, height), borderMode=cv2.BORDER_WRAP)


def flag_fields(frames: Iterable[av.VideoFrame], order: str) -> list[av.VideoFrame]:
    """The same frames flagged as interlaced; order: tff or bff."""
    frames = list(frames)
    graph = av.filter.Graph()
    size = f"{frames[0].width}x{frames[0].height}"
    source = graph.add("buffer", f"video_size={size}:pix_fmt={frames[0].format.name}:time_base=1/25:pixel_aspect=1/1")
    graph.link_nodes(source, graph.add("setfield", order), graph.add("buffersink")).configure()
    flagged = []
    for index, frame in enumerate(frames):
        frame.pts, frame.time_base = index, Fraction(1, 25)
        graph.vpush(frame)
        flagged.append(graph.vpull())
    return flagged
