"""How a running job is shown: a bar on a terminal, a line now and then on a pipe, JSON lines, or nothing."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Protocol, TextIO

from tqdm import tqdm

from edge_vsr.jobs.spec import JobReport, Progress

LINE_EVERY_S = 5.0


class Display(Protocol):
    """Gets every tick of a job and, unless it failed, its report."""

    def progress(self, tick: Progress) -> None:
        """The job has got on."""
        ...

    def done(self, report: JobReport) -> None:
        """The job is finished."""
        ...

    def close(self) -> None:
        """Leave the terminal in order; called however the job ended."""
        ...


def choose(*, as_json: bool, quiet: bool) -> Display:
    """The display that fits the options and what standard error is."""
    if as_json:
        return JsonLines()
    if quiet:
        return Silence()
    return Bar(sys.stderr) if sys.stderr.isatty() else Lines(sys.stderr)


def clock(seconds: float) -> str:
    """0:07, 12:34, 1:02:03."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute}:{second:02d}"


def pace(tick: Progress) -> str:
    """Speed, time left and what is computing."""
    left = f", {clock(tick.eta_s)} left" if tick.eta_s is not None else ""
    return f"{tick.fps:.1f} frames/s{left}, {tick.rung}"


class Silence:
    """Says nothing."""

    def progress(self, tick: Progress) -> None:
        """See Display."""

    def done(self, report: JobReport) -> None:
        """See Display."""

    def close(self) -> None:
        """See Display."""


class JsonLines:
    """One JSON object a line on standard output."""

    def progress(self, tick: Progress) -> None:
        """See Display."""
        self._print({"event": "progress", **asdict(tick)})

    def done(self, report: JobReport) -> None:
        """See Display."""
        self._print({"event": "done", **asdict(report), "output": str(report.output)})

    def close(self) -> None:
        """See Display."""

    def _print(self, event: dict[str, Any]) -> None:
        print(json.dumps(event), flush=True)


class Lines:
    """A line every few seconds, for log files and pipes."""

    def __init__(self, stream: TextIO, now_s: Callable[[], float] = time.monotonic) -> None:
        self._stream, self._now_s = stream, now_s
        self._last = now_s()

    def progress(self, tick: Progress) -> None:
        """See Display."""
        now = self._now_s()
        if now - self._last >= LINE_EVERY_S:
            self._last = now
            total = f" of {tick.frames_total}" if tick.frames_total is not None else ""
            print(f"{tick.frames_done}{total} frames, {pace(tick)}", file=self._stream, flush=True)

    def done(self, report: JobReport) -> None:
        """See Display."""
        _print_report(report)

    def close(self) -> None:
        """See Display."""


class Bar:
    """tqdm's bar; numbers are the job's own, which know of resumed frames."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._bar: Any = None

    def progress(self, tick: Progress) -> None:
        """See Display."""
        if self._bar is None:
            known = "{percentage:3.0f}% |{bar:24}| {n_fmt}/{total_fmt} frames{postfix}"
            layout = known if tick.frames_total is not None else "{n_fmt} frames{postfix}"
            self._bar = tqdm(total=tick.frames_total, file=self._stream, bar_format=layout, dynamic_ncols=True)
        self._bar.total = tick.frames_total
        self._bar.n = tick.frames_done
        self._bar.set_postfix_str(pace(tick))

    def done(self, report: JobReport) -> None:
        """See Display."""
        _print_report(report)

    def close(self) -> None:
        """See Display."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def _print_report(report: JobReport) -> None:
    count = f"{report.frames} frames" if report.frames != 1 else "1 picture"
    width, height = report.size_px
    print(f"{report.output}: {count} of {width}x{height} in {clock(report.wall_s)}")
    for note in report.notes:
        print(f"  {note}")
