"""Ctrl-C and SIGTERM: the first asks a job to stop in order, the second ends the process on the spot."""

from __future__ import annotations

import os
import signal
from types import FrameType, TracebackType
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_HARD_EXIT = 130


class Stop:
    """While the context is open, calling it tells whether a stop was asked for. Main thread only."""

    def __init__(self) -> None:
        self._asked = False
        self._before: list[Any] = []

    def __call__(self) -> bool:
        return self._asked

    def __enter__(self) -> Stop:
        self._before = [signal.signal(number, self._ask) for number in _SIGNALS]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in zip(_SIGNALS, self._before, strict=True):
            signal.signal(number, handler)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self._asked:
            os._exit(_HARD_EXIT)
        self._asked = True
