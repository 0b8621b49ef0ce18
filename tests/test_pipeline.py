"""The job loop: order, overlap, stops, failures in every stage, nothing left behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from edge_vsr import pipeline
from edge_vsr.color import BT709_LIMITED
from edge_vsr.errors import SinkError, SourceError
from edge_vsr.frame import ChromaLayout, Frame, Siting
from edge_vsr.pipeline import Counters, JobLoop


def frames(count: int, fail_at: int | None = None) -> Iterator[Frame]:
    plane = np.zeros((2, 2), np.uint8)
    for index in range(count):
        if index == fail_at:
            raise SourceError("the source broke")
        yield Frame((plane, plane, plane), 8, ChromaLayout.YUV444, BT709_LIMITED, Siting(0, 0), pts=index)


def same(frame: Frame) -> Frame:
    return frame


def go(loop: JobLoop) -> Counters:
    before = set(threading.enumerate())
    try:
        return loop.run(lambda: False, lambda counters: None)
    finally:
        assert set(threading.enumerate()) == before


def test_every_frame_in_order() -> None:
    written: list[Frame] = []
    counters = go(JobLoop(frames(50), same, written.append))
    assert [f.pts for f in written] == list(range(50))
    assert (counters.read, counters.upscaled, counters.written, counters.stopped) == (50, 50, 50, False)


def test_skipped_frames_are_read_only() -> None:
    written: list[Frame] = []
    counters = go(JobLoop(frames(50), same, written.append, skip=47))
    assert [f.pts for f in written] == [47, 48, 49]
    assert counters.read == 50


def test_stages_overlap() -> None:
    def slow(frame: Frame) -> Frame:
        time.sleep(0.02)
        return frame

    begin = time.monotonic()
    go(JobLoop((slow(f) for f in frames(20)), slow, lambda frame: time.sleep(0.02)))
    assert time.monotonic() - begin < 20 * 0.06 * 0.8


def test_a_stop_writes_what_is_upscaled() -> None:
    written: list[Frame] = []
    loop = JobLoop(frames(1000), same, written.append)
    counters = loop.run(lambda: loop.counters.upscaled >= 10, lambda c: None)
    assert counters.stopped
    assert counters.written == counters.upscaled == 10


def test_a_stop_ends_the_wait_for_a_silent_source() -> None:
    release = threading.Event()

    def silent() -> Iterator[Frame]:
        yield from frames(1)
        release.wait(20)

    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    threading.Timer(0.6, release.set).start()
    counters = JobLoop(silent(), same, lambda frame: None).run(stop.is_set, lambda c: None)
    assert counters.stopped
    assert counters.written == 1


def _raise(error: Exception) -> None:
    raise error


def test_a_failing_source_is_raised() -> None:
    with pytest.raises(SourceError, match="broke"):
        go(JobLoop(frames(50, fail_at=20), same, lambda frame: None))


def test_a_failing_sink_is_raised() -> None:
    with pytest.raises(SinkError, match="full"):
        go(JobLoop(frames(50), same, lambda frame: _raise(SinkError("full"))))


def test_a_failing_engine_is_raised() -> None:
    def broken(frame: Frame) -> Frame:
        raise RuntimeError("net")

    with pytest.raises(RuntimeError, match="net"):
        go(JobLoop(frames(50), broken, lambda frame: None))


def test_a_dead_source_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()

    def dead() -> Iterator[Frame]:
        release.wait(20)
        yield from frames(1)

    monkeypatch.setattr(pipeline, "STALL_S", 0.3)
    threading.Timer(0.6, release.set).start()
    with pytest.raises(SourceError, match="gave no frame"):
        JobLoop(dead(), same, lambda frame: None).run(lambda: False, lambda c: None)
