"""Side data of decoded frames as raw bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import av
from av.sidedata.sidedata import SideData, Type


def read_side_data(frame: av.VideoFrame, kind: Type) -> bytes:
    """The block of that kind; empty where there is none."""
    try:
        return bytes(cast(Mapping[Type, SideData], frame.side_data)[kind])
    except KeyError:
        return b""
    except ValueError:
        # PyAV indexes all blocks at once and refuses a frame that carries a kind newer than itself.
        return b""
