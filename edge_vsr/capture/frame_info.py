"""Chroma siting of a decoded frame, which PyAV does not expose: ffmpeg's own ``showinfo`` is asked."""

from __future__ import annotations

import re
from fractions import Fraction

import av
import av.filter
import av.logging

from edge_vsr.capture.opening import FOREIGN_ERRORS
from edge_vsr.frame import ChromaLayout, Siting, default_siting

# AVChromaLocation names: position of chroma sample 0 in luma pixels (H.273, figure 1).
_POSITIONS = {
    "left": (0.0, 0.5),
    "center": (0.5, 0.5),
    "topleft": (0.0, 0.0),
    "top": (0.5, 0.0),
    "bottomleft": (0.0, 1.0),
    "bottom": (0.5, 1.0),
}
_CENTRED_CODECS = frozenset({"mjpeg", "jpegls", "webp", "mpeg1video"})
_LOCATION = re.compile(r"\bcl:(\w+)")


def siting_of(frame: av.VideoFrame, layout: ChromaLayout, codec: str) -> Siting:
    """What the stream says, else centred for JPEG and MPEG-1, else cosited as in MPEG-2 and later."""
    if layout is ChromaLayout.YUV444:
        return Siting(0.0, 0.0)
    position = _POSITIONS.get(_chroma_location(frame))
    if position is None:
        position = (0.5, 0.5) if codec in _CENTRED_CODECS else None
    if position is None:
        return default_siting(layout)
    return Siting(position[0], position[1] if layout.step_y > 1 else 0.0)


def _chroma_location(frame: av.VideoFrame) -> str:
    graph = av.filter.Graph()
    source = graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=Fraction(1, 1000))
    # Without its side data a frame is one short log line; user data would be logged byte by byte.
    nodes = [source, graph.add("sidedata", "delete"), graph.add("showinfo", "checksum=0"), graph.add("buffersink")]
    level = av.logging.get_level()
    try:
        graph.link_nodes(*nodes).configure()
        av.logging.set_level(av.logging.INFO)
        with av.logging.Capture(local=True) as lines:
            graph.vpush(frame)
            graph.vpull()
    except FOREIGN_ERRORS:
        return ""
    finally:
        av.logging.set_level(level)
    found = (_LOCATION.search(text) for _, _, text in lines)
    return next((match[1] for match in found if match), "")
