"""The contract of every sink of frames."""

from __future__ import annotations

from typing import Protocol

from edge_vsr.frame import Frame


class Sink(Protocol):
    """Takes frames in presentation order."""

    def write(self, frame: Frame) -> None:
        """Take one frame. Raises SinkError when it cannot be written (disk full, encoder failure)."""
        ...

    def close(self) -> None:
        """Flush everything and make the result durable."""
        ...

    def abort(self) -> None:
        """Give up: release everything, leave no half-written result behind."""
        ...
