"""The loops that move frames. Here: the job loop, every frame in order, three stages overlapped.

    reader thread ─ bounded queue ─ caller's thread (upscale) ─ bounded queue ─ writer thread

The caller's thread upscales, so the network and its libraries live where they were made. Every wait ends
after a tick to look for a stop or a failure elsewhere, and after ``STALL_S`` without a frame it gives up.
A failure in any stage stops the others and is raised once, here; no thread outlives the call.
"""

from __future__ import annotations

import itertools
import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from edge_vsr.errors import EdgeVsrError, SinkError, SourceError
from edge_vsr.frame import Frame

DEPTH = 3  # frames waiting before each stage: enough to overlap, few enough for 4K on a small board
TICK_S = 0.1
STALL_S = 600.0
JOIN_S = 30.0


@dataclass(slots=True)
class Counters:
    """What passed each stage; read by the caller at any time."""

    read: int = 0
    upscaled: int = 0
    written: int = 0
    stopped: bool = False  # ended by ``should_stop``, not by the end of the source


class _Stop(Exception):  # noqa: N818 - a signal between the stages, never seen outside
    """Another stage failed or the job was stopped: leave quietly."""


class _Channel:
    """A bounded queue between two stages that wakes up when the loop is torn down."""

    def __init__(self, halt: threading.Event) -> None:
        self._queue: queue.Queue[Frame | None] = queue.Queue(DEPTH)
        self._halt = halt

    def put(self, item: Frame | None) -> None:
        """Raises _Stop when the loop is torn down, SinkError when the next stage takes nothing for too long."""
        deadline = time.monotonic() + STALL_S
        while True:
            if self._halt.is_set():
                raise _Stop
            try:
                return self._queue.put(item, timeout=TICK_S)
            except queue.Full:
                if time.monotonic() > deadline:
                    raise SinkError(f"the output took no frame for {STALL_S:.0f} s") from None

    def get(self, wake: Callable[[], bool], alive: Callable[[], int]) -> Frame | None:
        """The next frame, ``None`` at the end.

        wake: gives up the wait. alive: a count that grows while the stage before is getting on. Raises _Stop
        when torn down or woken, SourceError when nothing happens for too long.
        """
        seen, deadline = alive(), time.monotonic() + STALL_S
        while True:
            if self._halt.is_set() or wake():
                raise _Stop
            try:
                return self._queue.get(timeout=TICK_S)
            except queue.Empty:
                if alive() != seen:
                    seen, deadline = alive(), time.monotonic() + STALL_S
                if time.monotonic() > deadline:
                    raise SourceError(f"the source gave no frame for {STALL_S:.0f} s") from None


class JobLoop:
    """Moves every frame from ``frames`` through ``process`` to ``write``, in order.

    skip: frames at the beginning that are read but not worked on (done in an earlier run).
    """

    def __init__(
        self,
        frames: Iterator[Frame],
        process: Callable[[Frame], Frame],
        write: Callable[[Frame], None],
        *,
        skip: int = 0,
    ) -> None:
        self.counters = Counters()
        self._skip = skip
        self._frames, self._process, self._write = frames, process, write
        self._halt = threading.Event()
        self._failures: list[BaseException] = []
        self._decoded = _Channel(self._halt)
        self._finished = _Channel(self._halt)

    def run(self, should_stop: Callable[[], bool], on_frame: Callable[[Counters], None]) -> Counters:
        """Run to the end of the source or until ``should_stop``; then everything upscaled has been written.

        Raises what the first failing stage raised. ``on_frame`` is called after each upscaled frame.
        """
        reader = threading.Thread(target=self._guard, args=(self._read,), name="edge-vsr-reader", daemon=True)
        writer = threading.Thread(target=self._guard, args=(self._write_all,), name="edge-vsr-writer", daemon=True)
        reader.start()
        writer.start()
        try:
            self._upscale(should_stop, on_frame)
            self._finish(writer)
        except _Stop:
            pass  # a stage failed: its own error is raised below
        except BaseException as error:
            self._failures.append(error)
        finally:
            self._halt.set()
            self._join(writer)
            self._join(reader)
        if self._failures:
            raise self._failures[0]
        return self.counters

    def _upscale(self, should_stop: Callable[[], bool], on_frame: Callable[[Counters], None]) -> None:
        def stop_asked() -> bool:
            self.counters.stopped = self.counters.stopped or should_stop()
            return self.counters.stopped

        while not stop_asked():
            try:
                frame = self._decoded.get(stop_asked, lambda: self.counters.read)
            except _Stop:
                if self.counters.stopped and not self._halt.is_set():
                    return
                raise
            if frame is None:
                return
            result = self._process(frame)
            self.counters.upscaled += 1
            self._finished.put(result)
            on_frame(self.counters)

    def _finish(self, writer: threading.Thread) -> None:
        """Let the writer take what is upscaled already; a stopped job keeps it too."""
        self._finished.put(None)
        deadline = time.monotonic() + STALL_S
        while writer.is_alive():
            writer.join(TICK_S)
            if time.monotonic() > deadline:
                raise SinkError(f"the output took no frame for {STALL_S:.0f} s")

    def _read(self) -> None:
        for frame in self._frames:
            if self._halt.is_set():
                raise _Stop
            self.counters.read += 1
            if self.counters.read > self._skip:
                self._decoded.put(frame)
        self._decoded.put(None)

    def _write_all(self) -> None:
        # A slow net is not a failure: the writer waits as long as the upscaler lives.
        tick = itertools.count()
        while (frame := self._finished.get(lambda: False, lambda: next(tick))) is not None:
            self._write(frame)
            self.counters.written += 1

    def _guard(self, stage: Callable[[], None]) -> None:
        """A thread's top level: nothing may escape unseen."""
        try:
            stage()
        except _Stop:
            pass
        except BaseException as error:  # carried to the caller, who raises it
            self._failures.append(error)
            self._halt.set()

    def _join(self, thread: threading.Thread) -> None:
        thread.join(JOIN_S)
        if thread.is_alive() and not self._failures:
            self._failures.append(EdgeVsrError(f"{thread.name} did not stop within {JOIN_S:.0f} s"))
