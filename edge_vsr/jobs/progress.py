"""How fast a job is and when it will be done: a sliding window over finished frames. Pure: time comes in."""

from __future__ import annotations

from collections import deque

from edge_vsr.jobs.spec import Progress

WINDOW_S = 10.0


class Meter:
    """Turns (frames done, now) into Progress.

    total: frames expected in all, ``None`` where unknown. resumed_at: frames that were done beforehand.
    """

    def __init__(self, total: int | None, rung: str, resumed_at: int, now_s: float) -> None:
        self._total, self._rung, self._resumed_at = total, rung, resumed_at
        self._ticks: deque[tuple[float, int]] = deque([(now_s, 0)])

    def tick(self, made: int, now_s: float) -> Progress:
        """``made``: frames made in this run; ``now_s``: monotonic seconds."""
        self._ticks.append((now_s, made))
        while len(self._ticks) > 2 and now_s - self._ticks[0][0] > WINDOW_S:
            self._ticks.popleft()
        begin, first = self._ticks[0]
        fps = (made - first) / (now_s - begin) if now_s > begin else 0.0
        done = self._resumed_at + made
        left = max(0, self._total - done) if self._total is not None else None
        eta = left / fps if left is not None and fps > 0 else None
        total = max(self._total, done) if self._total is not None else None
        return Progress(done, total, fps, eta, self._rung, self._resumed_at)
