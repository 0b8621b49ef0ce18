"""Decoded frames with exact times, from a window of the stream."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain

import av

from edge_vsr.capture.decoder import Decoder
from edge_vsr.capture.deinterlace import Timed
from edge_vsr.capture.opening import FOREIGN_ERRORS, Opened, check_size, open_container
from edge_vsr.capture.source import DecodeReport
from edge_vsr.capture.timeline import Timeline

_SEEK_MARGIN_S = 1  # a keyframe's own leading pictures precede it by no more than the reorder delay
_HIGHEST_RATE = 1000  # average rates above this are a container's time base in disguise
_WIDEST_PIXEL = 16


@dataclass(frozen=True, slots=True)
class Window:
    """What part of a stream is wanted, in seconds from its start: [start, start + duration)."""

    start_s: Fraction = Fraction(0)
    duration_s: Fraction | None = None


def to_seconds(seconds: float) -> Fraction:
    """Seconds as typed: 0.1 means a tenth, not the binary fraction just above it."""
    return Fraction(seconds).limit_denominator(1_000_000)


class TimedReader:
    """Reads one container once. ``opened`` may be replaced by a fresh one when seeking missed."""

    def __init__(self, opened: Opened, report: DecodeReport) -> None:
        self.opened = opened
        self.codec = opened.stream.codec_context.name
        self.lossy = opened.stream.codec_context.codec.lossy
        self.time_base = opened.stream.time_base or Fraction(1, 1000)
        self.frame_rate = _frame_rate(opened)
        self._report = report
        self._decoder = Decoder(opened, report)
        self._decoded = 0
        self._first_coded_sar: Fraction | None = None

    @property
    def nominal_step(self) -> int:
        """Ticks from frame to frame at the average rate, at least one."""
        return max(1, round(1 / (self.frame_rate * self.time_base))) if self.frame_rate else 1

    def frames(self, window: Window) -> Iterator[Timed]:
        """Frames of the window in presentation order, pts strictly increasing."""
        timeline = Timeline(self.time_base, self.frame_rate)
        begin: Fraction | None = None
        end: Fraction | None = None
        size: tuple[int, int, str] | None = None
        for frame in self._from(window.start_s):
            pts = timeline.place(frame.pts, frame.dts)
            sar = self._sar()
            if begin is None:
                origin = self._origin(pts)
                begin = origin + window.start_s / self.time_base
                end = begin + window.duration_s / self.time_base if window.duration_s is not None else None
            if end is not None and pts >= end:
                break
            if pts < begin:
                continue
            check_size(self.opened.location, frame.width, frame.height)
            if size not in (None, (frame.width, frame.height, frame.format.name)):
                self._report.size_changes += 1
            size = (frame.width, frame.height, frame.format.name)
            yield Timed(frame, pts, sar)
        self._report.warnings += timeline.warnings()

    def duration_s(self, window: Window) -> float | None:
        """Length of the window as far as the container tells, in seconds."""
        stream, container = self.opened.stream, self.opened.container
        if stream.duration is not None:
            whole = stream.duration * self.time_base
        elif container.duration:
            whole = Fraction(container.duration, av.time_base)
        else:
            return float(window.duration_s) if window.duration_s is not None else None
        rest = max(Fraction(0), whole - window.start_s)
        return float(rest if window.duration_s is None else min(rest, window.duration_s))

    def frame_count(self, window: Window) -> int | None:
        """An estimate of the decoded frames in the window; None where the container tells nothing."""
        if window == Window() and self.opened.sequence is not None:
            return self.opened.sequence.count
        if window == Window() and self.opened.stream.frames > 0:
            return self.opened.stream.frames
        seconds = self.duration_s(window)
        return round(seconds * self.frame_rate) if seconds is not None and self.frame_rate else None

    def why_nothing(self, window: Window) -> str:
        """Why ``frames`` yielded nothing at all."""
        if self._decoder.saw_encryption:
            return "the video is encrypted (copy protection), it cannot be read"
        if self._decoded:
            return f"no frame lies {float(window.start_s):g} s after the start: the video is shorter"
        if self._decoder.last_error:
            return f"not a single frame can be decoded ({self._decoder.last_error})"
        return "not a single frame could be found: the file is cut off or empty"

    def _from(self, start_s: Fraction) -> Iterator[av.VideoFrame]:
        """Decoded frames from a keyframe before ``start_s`` on, or from the very first one."""
        for frame in self._sought(start_s):
            self._decoded += 1
            yield frame

    def _sought(self, start_s: Fraction) -> Iterator[av.VideoFrame]:
        stream = self.opened.stream
        target = start_s - _SEEK_MARGIN_S
        if target <= 0 or stream.start_time is None or self.opened.sequence is not None:
            return self._decoder.frames()
        ticks = stream.start_time + int(target / self.time_base)
        try:
            self.opened.container.seek(ticks, stream=stream)
        except FOREIGN_ERRORS:
            return self._restarted()
        frames = self._decoder.frames()
        first = next(frames, None)
        if first is None or first.pts is None or first.pts > ticks:
            return self._restarted()
        return chain([first], frames)

    def _restarted(self) -> Iterator[av.VideoFrame]:
        """All frames: some containers cannot seek, some land too late."""
        self.opened.container.close()
        self.opened = open_container(self.opened.location)
        self._decoder = Decoder(self.opened, self._report)
        return self._decoder.frames()

    def _origin(self, first_pts: int) -> int:
        start = self.opened.stream.start_time
        return first_pts if start is None else start

    def _sar(self) -> Fraction:
        """The container's sample aspect ratio, or the decoder's, which may change on the way."""
        coded = self.opened.stream.codec_context.sample_aspect_ratio
        if self._decoded == 1:
            self._first_coded_sar = coded
        declared = self.opened.stream.sample_aspect_ratio if coded == self._first_coded_sar else None
        sar = declared or coded or Fraction(1)
        return sar if Fraction(1, _WIDEST_PIXEL) <= sar <= _WIDEST_PIXEL else Fraction(1)


def _frame_rate(opened: Opened) -> Fraction | None:
    for rate in (opened.stream.average_rate, opened.stream.guessed_rate):
        if rate is not None and 0 < rate <= _HIGHEST_RATE:
            return rate
    return None
