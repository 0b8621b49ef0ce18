"""The contract of everything that turns a small frame into a large one."""

from __future__ import annotations

from typing import Protocol

from edge_vsr.frame import Frame, VideoFormat


class Upscaler(Protocol):
    """Turns frames of any size into frames of one fixed format."""

    output: VideoFormat

    def process(self, frame: Frame) -> Frame:
        """The frame at ``output`` size and layout, with the same pts, colour and stamps."""
        ...

    def close(self) -> None:
        """Release backends; may be called twice."""
        ...
