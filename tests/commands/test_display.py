"""Progress in words, and times as people type and read them."""

from __future__ import annotations

import io

import pytest

from edge_vsr.commands.display import LINE_EVERY_S, Lines, clock
from edge_vsr.commands.options import seconds
from edge_vsr.errors import UsageError
from edge_vsr.jobs.spec import Progress


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("90", 90),
        ("12.5", 12.5),
        ("1:30", 90),
        ("00:01:30.5", 90.5),
        ("90:00", 5400),
        ("2:00:00", 7200),
        (" 7 ", 7),
    ],
)
def test_times_are_understood(text: str, value: float) -> None:
    assert seconds(text) == value


@pytest.mark.parametrize("text", ["", "soon", "-3", "1:60", "1:2:3:4", "1:75:00", "nan", "inf", "1e3", "9" * 400])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not a time"):
        seconds(text)


@pytest.mark.parametrize(("value", "text"), [(0.4, "0:00"), (7, "0:07"), (754, "12:34"), (3723, "1:02:03")])
def test_durations_are_shown_as_a_clock_does(value: float, text: str) -> None:
    assert clock(value) == text


def test_a_pipe_gets_a_line_every_few_seconds() -> None:
    now_s = 0.0
    stream = io.StringIO()
    lines = Lines(stream, lambda: now_s)
    for tick in range(101):
        now_s = tick * 0.11
        lines.progress(Progress(tick, 100, 9.1, 5.0, "base", 0))
    said = stream.getvalue().splitlines()
    assert len(said) == int(100 * 0.11 / LINE_EVERY_S)
    assert said[0] == "46 of 100 frames, 9.1 frames/s, 0:05 left, base"


def test_an_unknown_length_has_no_total_and_no_end() -> None:
    now_s = 0.0
    stream = io.StringIO()
    lines = Lines(stream, lambda: now_s)
    now_s = 60.0
    lines.progress(Progress(7, None, 3.0, None, "base", 0))
    assert stream.getvalue() == "7 frames, 3.0 frames/s, base\n"
