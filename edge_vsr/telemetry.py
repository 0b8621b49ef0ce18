"""Where time goes: nanoseconds by stage."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Stages:
    """Sums a clock by stage name; with ``time.process_time_ns`` it sums CPU time of all threads."""

    def __init__(self, clock_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self._clock_ns = clock_ns
        self.total_ns: dict[str, int] = defaultdict(int)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        begin = self._clock_ns()
        try:
            yield
        finally:
            self.total_ns[name] += self._clock_ns() - begin
