"""Side data of decoded frames as raw bytes."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import cast

import av
import av.filter
from av.sidedata.sidedata import SideData, Type

# AVFrameSideDataType numbers that ffmpeg 8 has and PyAV 18 does not name: LCEVC, VIEW_ID,
# 3D_REFERENCE_DISPLAYS, EXIF. PyAV indexes all blocks of a frame at once and raises on such a one.
_UNNAMED_KINDS = range(28, 32)


def read_side_data(frame: av.VideoFrame, kind: Type) -> bytes:
    """The block of that kind; empty where there is none."""
    try:
        return _read(frame, kind)
    except ValueError:
        return _read(_without_unnamed(frame), kind)


def _read(frame: av.VideoFrame, kind: Type) -> bytes:
    try:
        return bytes(cast(Mapping[Type, SideData], frame.side_data)[kind])
    except KeyError:
        return b""


def _without_unnamed(frame: av.VideoFrame) -> av.VideoFrame:
    """The same frame, the blocks that PyAV cannot name removed by ffmpeg."""
    graph = av.filter.Graph()
    source = graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=Fraction(1, 1000))
    removers = [graph.add("sidedata", f"mode=delete:type={number}") for number in _UNNAMED_KINDS]
    graph.link_nodes(source, *removers, graph.add("buffersink")).configure()
    graph.vpush(frame)
    return graph.vpull()
