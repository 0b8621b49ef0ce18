"""Keeping pace: frames come by the clock whether or not anyone is ready, the newest wins, and each has a deadline.

The frames are decoded beforehand: a box captures what comes uncompressed over HDMI. The sink takes frames and shows
them to nobody.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from edge_vsr.bench.live_content import ping_pong
from edge_vsr.bench.live_curve import WARM_FRAMES, LiveEngine, since
from edge_vsr.frame import Frame
from edge_vsr.upscale.passes import Tally

SHARE = 0.85  # of the time between two frames: what is left is for taking a frame and handing it on
MOST_SAMPLES = 40


@dataclass(frozen=True, slots=True)
class Beat:
    """One frame that was made. step: which of those captured; times: monotonic ns."""

    step: int
    arrived_ns: int
    begun_ns: int
    ready_ns: int


@dataclass(frozen=True)
class Paced:
    """A run. drops: frames that a newer one replaced before anyone looked at them. cpu_ns: of the whole process.

    samples: some of the frames made, with their index in the clip.
    """

    frame_ns: int
    beats: list[Beat]
    drops: int
    cpu_ns: int
    tally: Tally
    samples: list[tuple[int, Frame]]

    @property
    def budget_ms(self) -> float:
        """What a frame may take that is begun as it arrives."""
        return budget_ns(self.frame_ns, 0) / 1e6

    @property
    def misses(self) -> int:
        """Frames that were ready later than the next one was due."""
        return sum(beat.ready_ns - beat.arrived_ns > self.frame_ns for beat in self.beats)

    @property
    def fps(self) -> float:
        """Frames made a second, from the first one's arrival; the last one is given the time to be shown."""
        span_ns = self.beats[-1].arrived_ns - self.beats[0].arrived_ns + self.frame_ns
        return len(self.beats) * 1e9 / max(span_ns, self.beats[-1].ready_ns - self.beats[0].arrived_ns)

    @property
    def cpu_ms(self) -> float:
        """Of all threads, for a frame made."""
        return self.cpu_ns / 1e6 / len(self.beats)

    def wall_ms(self, *percentiles: float) -> list[float]:
        """Of making a frame, by percentile (100: the worst)."""
        taken = [(beat.ready_ns - beat.begun_ns) / 1e6 for beat in self.beats]
        return [float(value) for value in np.percentile(taken, percentiles)]


class Mailbox:
    """One slot: the newest frame wins, and what it replaces is counted."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._held: tuple[int, int] | None = None
        self._closed = False
        self.drops = 0

    def put(self, step: int, arrived_ns: int) -> None:
        with self._changed:
            self.drops += self._held is not None
            self._held = (step, arrived_ns)
            self._changed.notify()

    def close(self) -> None:
        """Nothing more will come."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def take(self) -> tuple[int, int] | None:
        """The newest (step, arrival in ns), waiting for one; ``None``: there will be none."""
        with self._changed:
            self._changed.wait_for(lambda: self._held is not None or self._closed)
            held, self._held = self._held, None
            return held


def budget_ns(frame_ns: int, waited_ns: int) -> int:
    """What a frame may still take that has waited so long since its arrival; 0: the base alone."""
    return max(0, round(SHARE * frame_ns) - waited_ns)


def pace(engine: LiveEngine, seen: Sequence[Frame], fps: Fraction, count: int) -> Paced:
    """Play ``seen`` forth and back for ``count`` frames at ``fps``. Raises BackendError."""
    frame_ns = round(1_000_000_000 / fps)
    for step in range(-WARM_FRAMES, 0):
        engine.process(seen[ping_pong(step, len(seen))], budget_ns(frame_ns, 0))
    before, cpu_ns, mailbox, stop = engine.tally, time.process_time_ns(), Mailbox(), threading.Event()
    camera = threading.Thread(target=_capture, args=(mailbox, frame_ns, count, stop), name="camera", daemon=True)
    beats: list[Beat] = []
    samples: list[tuple[int, Frame]] = []
    every = -(-count // MOST_SAMPLES)
    camera.start()
    try:
        while taken := mailbox.take():
            step, arrived_ns = taken
            index, begun_ns = ping_pong(step, len(seen)), time.monotonic_ns()
            large = engine.process(seen[index], budget_ns(frame_ns, begun_ns - arrived_ns))
            beats.append(Beat(step, arrived_ns, begun_ns, time.monotonic_ns()))
            if len(beats) % every == 0:
                samples.append((index, large))
    finally:
        stop.set()
        camera.join()
    cpu_ns = time.process_time_ns() - cpu_ns
    samples = samples or [(index, large)]  # so few were made that none was due
    return Paced(frame_ns, beats, mailbox.drops, cpu_ns, since(before, engine.tally), samples)


def _capture(mailbox: Mailbox, frame_ns: int, count: int, stop: threading.Event) -> None:
    """Frame ``n`` comes n frame times after the first, however late the one before was."""
    start_ns = time.monotonic_ns()
    for step in range(count):
        if stop.wait(max(0, start_ns + step * frame_ns - time.monotonic_ns()) / 1e9):
            break
        mailbox.put(step, time.monotonic_ns())
    mailbox.close()
