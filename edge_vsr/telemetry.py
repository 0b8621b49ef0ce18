"""Where time goes: nanoseconds by stage, of all threads that work on it."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Stages:
    """Sums a clock by stage name; with ``time.thread_time_ns`` it sums CPU time, each thread its own."""

    def __init__(self, clock_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self._clock_ns = clock_ns
        self._lock = threading.Lock()
        self.total_ns: dict[str, int] = defaultdict(int)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        begin = self._clock_ns()
        try:
            yield
        finally:
            spent = self._clock_ns() - begin
            with self._lock:
                self.total_ns[name] += spent
