"""The engine of a job: which nets it gets, when they are loaded, and what the journal calls them."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from edge_vsr.capture.pattern import PatternSource
from edge_vsr.errors import ModelError, UsageError
from edge_vsr.frame import ChromaLayout, VideoFormat
from edge_vsr.jobs import engines
from edge_vsr.jobs.engines import build, enlargers
from edge_vsr.jobs.spec import JobSpec
from edge_vsr.upscale.geometry import Target

LAYOUT = ChromaLayout.YUV420
CLIP = PatternSource(96, 64, frame_count=2, rate=Fraction(25))


def video(coded: bool = True) -> VideoFormat:
    return replace(CLIP.info.video, coded=coded)


def spec(factor: int, model: str = "") -> JobSpec:
    return JobSpec("in.mkv", Path("out.mkv"), Target(factor=factor), model=model, backend="reference")


@pytest.mark.parametrize(
    ("model", "factor", "coded", "rung"),
    [
        ("", 2, True, "x2-balanced on reference"),
        ("", 2, False, "x2-balanced-clean on reference"),
        ("balanced", 3, True, "x3-balanced on reference"),
        ("balanced", 4, False, "x4-balanced on reference"),
        ("fast", 2, True, "x2-fast on reference"),
        ("fast", 4, True, "x2-fast twice on reference"),  # there is no x4-fast
        ("x2-balanced", 4, True, "x2-balanced twice on reference"),
        ("x1-balanced", 1, True, "x1-balanced on reference"),
        ("", 1, True, "base"),
        ("none", 2, True, "base"),
    ],
)
def test_a_word_and_a_size_make_a_plan(model: str, factor: int, coded: bool, rung: str, ladder_root: Path) -> None:
    built = build(video(coded), spec(factor, model), LAYOUT, False)
    assert built.engine.rung == rung
    made = built.engine.process(CLIP.frame(0))
    assert made.planes[0].shape == (64 * factor, 96 * factor)


def test_a_large_enlargement_takes_two_nets_and_cleans_once(ladder_root: Path) -> None:
    box = JobSpec("in", Path("out.mkv"), Target(box=(768, 512)), backend="reference")
    assert build(video(), box, LAYOUT, False).engine.rung == "x4-balanced, then x2-balanced-clean on reference"


def test_a_net_is_loaded_when_it_is_first_needed_and_only_once(
    ladder_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = []
    choose = engines.choose
    monkeypatch.setattr(engines, "choose", lambda m, *more: loaded.append(m.manifest.name) or choose(m, *more))  # type: ignore[func-returns-value]
    nets = enlargers("x2-fast", "reference")
    assert loaded == []
    first, second = nets(4.0, True)
    assert first is second
    ladder = enlargers("", "reference")
    assert [net.manifest.name for net in ladder(8.0, False)] == ["x4-balanced", "x2-balanced-clean"]
    assert ladder(2.0, False)[0] is ladder(8.0, False)[1]
    assert loaded == ["x2-fast", "x4-balanced", "x2-balanced-clean"]


def test_a_backend_that_was_passed_over_is_said_once(ladder_root: Path) -> None:
    nets = enlargers("x2-fast")  # a package without graphs
    assert nets(2.0, True)[0].backend.name == "reference"
    assert nets.refused
    assert len(set(nets.refused)) == len(nets.refused)
    built = build(video(), replace(spec(2, "x2-fast"), backend="auto"), LAYOUT, False)
    assert built.notes == tuple(f"A faster backend was passed over: {why}." for why in nets.refused)


def test_where_nothing_is_enlarged_nothing_is_loaded(ladder_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "choose", lambda *given: pytest.fail("a backend was opened"))
    build(video(), spec(1), LAYOUT, False)


def test_the_journal_knows_every_net_that_may_change_a_pixel(ladder_root: Path) -> None:
    told = build(video(), spec(2), LAYOUT, False).identity
    for name in ("x2-balanced", "x2-balanced-clean", "x3-balanced", "x4-balanced"):
        assert f"{name} 1 " in told
    assert "x2-fast" not in told
    assert "x1-balanced" not in told
    assert "on reference" in told
    assert build(video(), spec(2), LAYOUT, False).identity == told
    one = build(video(), spec(2, "x2-fast"), LAYOUT, False).identity
    assert one.startswith("x2-fast 1 ")
    assert one.endswith(" on reference")
    assert build(video(), spec(2, "none"), LAYOUT, False).identity == "none"


@pytest.mark.parametrize(
    ("model", "coded", "factor", "told"),
    [("", True, 1, True), ("", False, 1, False), ("", True, 2, False), ("x2-fast", True, 1, False)],
)
def test_a_coded_source_of_the_right_size_is_told_what_would_clean_it(
    model: str, coded: bool, factor: int, told: bool, ladder_root: Path
) -> None:
    notes = build(video(coded), spec(factor, model), LAYOUT, False).notes
    assert notes == (("--model x1-balanced would clean the picture without enlarging it.",) if told else ())


def test_what_is_not_there_is_answered_with_what_is(ladder_root: Path) -> None:
    with pytest.raises(ModelError, match=r"; installed: x1-balanced, .*; rungs: fast, balanced$"):
        enlargers("best")
    with pytest.raises(UsageError, match="backend 'npu' is not available"):
        enlargers("fast", "npu")(2.0, True)
