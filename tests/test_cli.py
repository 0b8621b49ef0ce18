"""The command line from outside: what it prints, where, and with which exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from job_clips import make_clip

import edge_vsr
from edge_vsr import job
from edge_vsr.cli import VERBS, main
from edge_vsr.errors import Interrupted


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return make_clip(tmp_path / "clip.mkv", frames=5, audio="aac")


def upscale(source: Path | str, output: Path | str, *options: str) -> int:
    return main(["upscale", str(source), str(output), "--model", "none", "--to", "x2", *options])


def the_one_error(capsys: pytest.CaptureFixture[str]) -> str:
    """What was said, which must be one line on standard error and nothing else."""
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("edge-vsr: error: ")
    assert captured.err.count("\n") == 1
    return captured.err


def test_a_film_becomes_a_larger_film_and_a_report(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert upscale(clip, tmp_path / "out.mp4") == 0
    first, *notes = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{tmp_path / 'out.mp4'}: 5 frames of 128x96 in 0:")
    assert "  No net was used: the picture is resampled only." in notes


def test_quiet_says_nothing(clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert upscale(clip, tmp_path / "out.mp4", "--quiet") == 0
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")


def test_json_is_one_event_a_line_and_ends_with_done(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert upscale(clip, tmp_path / "out.mp4", "--json") == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    *ticks, done = events
    assert {tick["event"] for tick in ticks} == {"progress"}
    assert ticks[-1]["frames_done"] == 5
    assert ticks[-1]["rung"] == "base"
    assert done["event"] == "done"
    assert done["frames"] == 5
    assert done["size_px"] == [128, 96]
    assert done["output"] == str(tmp_path / "out.mp4")


def test_errors_are_json_events_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert upscale(tmp_path / "missing.mkv", tmp_path / "out.mp4", "--json") == 2
    captured = capsys.readouterr()
    event = json.loads(captured.out)
    assert event["event"] == "error"
    assert "no such file" in event["message"]
    assert event["exit_code"] == 2
    assert captured.err.count("\n") == 1


def test_a_window_of_the_film(clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert upscale(clip, tmp_path / "out.mp4", "--start", "0:00:00.0", "--duration", "0.1", "--json") == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["frames"] == 3


def test_compare_and_preview(clip: Path, tmp_path: Path) -> None:
    assert upscale(clip, tmp_path / "out.mp4", "--compare", "--preview", str(tmp_path / "look.png"), "--quiet") == 0
    assert (tmp_path / "look.png").stat().st_size > 0


def unreadable(kind: str, folder: Path) -> Path:
    path = folder / f"{kind}.mkv"
    if kind == "directory":
        path.mkdir()
    elif kind == "text":
        path.write_text("Once upon a time\n" * 50)
    elif kind == "empty":
        path.touch()
    return path


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("missing", "no such file"),
        ("directory", "is a folder"),
        ("text", "is a text file"),
        ("empty", "the file is empty"),
    ],
)
@pytest.mark.parametrize("verb", ["upscale", "probe"])
def test_what_is_no_film_is_refused_in_one_line(
    verb: str, kind: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = unreadable(kind, tmp_path)
    output = [str(tmp_path / "out.mp4")] if verb == "upscale" else []
    assert main([verb, str(source), *output, "--model", "none"]) == 2
    assert words in the_one_error(capsys)
    assert not (tmp_path / "out.mp4.edge-vsr").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--to", "enormous"], "unknown target 'enormous'"),
        (["--encoder", "vhs"], "unknown encoder 'vhs'"),
        (["--encoder", "ffv1"], "cannot hold ffv1"),
        (["--model", "no-such-model"], "unknown model 'no-such-model'"),
        (["--quality", "99"], "quality 99"),
        (["--quality", "high"], "invalid int value"),
        (["--start", "soon"], "'soon' is not a time"),
        (["--duration", "1:75"], "'1:75' is not a time"),
        (["--duration", "0"], "the duration must be positive"),
        (["--fit", "wide"], "invalid choice: 'wide'"),
        (["--preview", "look.jpg"], "the preview is a .png file"),
        (["--no-such-option"], "unrecognized arguments"),
        (["--qui"], "unrecognized arguments"),
    ],
)
def test_nonsense_is_refused_in_one_line(
    options: list[str], words: str, clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert upscale(clip, tmp_path / "out.mp4", *options) == 2
    assert words in the_one_error(capsys)
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mkv"]


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("clip.mkv", "would overwrite the source"),
        ("no/such/folder/out.mp4", "no such directory"),
        ("out.xyz", "unknown kind of output"),
        ("out", "unknown kind of output"),
    ],
)
def test_an_output_that_cannot_be_is_refused_in_one_line(
    output: str, words: str, clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert upscale(clip, tmp_path / output) == 2
    assert words in the_one_error(capsys)


def test_a_file_that_stands_there_is_not_replaced_unasked(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out.mp4").write_bytes(b"precious")
    assert upscale(clip, tmp_path / "out.mp4") == 2
    assert "--overwrite" in the_one_error(capsys)
    assert upscale(clip, tmp_path / "out.mp4", "--overwrite") == 0


def test_a_stopped_job_ends_with_130(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object) -> None:
        raise Interrupted("stopped after 2 frames")

    monkeypatch.setattr(job, "run", stopped)
    assert upscale(clip, tmp_path / "out.mp4") == 130
    assert "stopped after 2 frames" in the_one_error(capsys)


def test_a_fault_of_ours_is_one_line_with_70_and_says_how_to_see_more(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("seven\nby zero")

    monkeypatch.setattr(job, "run", broken)
    monkeypatch.delenv("EDGE_VSR_DEBUG", raising=False)
    assert upscale(clip, tmp_path / "out.mp4") == 70
    assert "ZeroDivisionError: seven; EDGE_VSR_DEBUG=1" in the_one_error(capsys)
    monkeypatch.setenv("EDGE_VSR_DEBUG", "1")
    assert upscale(clip, tmp_path / "out.mp4") == 70
    assert "Traceback" in capsys.readouterr().err


def test_without_a_verb_there_is_a_hint(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "edge-vsr --help" in the_one_error(capsys)


def test_an_unknown_verb_names_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["upscael"]) == 2
    assert "upscale" in the_one_error(capsys)


@pytest.mark.parametrize(
    "words",
    [[], *([name] for name in VERBS), *([name, under] for name, verb in VERBS.items() for under in verb.verbs)],
    ids=" ".join,
)
def test_every_verb_has_help(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*words, "--help"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: {' '.join(['edge-vsr', *words])}")


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"edge-vsr {edge_vsr.__version__}\n"
