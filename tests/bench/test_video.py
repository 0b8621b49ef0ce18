"""The video bench on a drawn clip: who is better, what is counted, what is printed."""

from __future__ import annotations

import argparse
import json
import sys
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_vsr.bench import ours, video, vmaf
from edge_vsr.bench.clips import Clip, find_clips
from edge_vsr.bench.coded import SETTINGS
from edge_vsr.bench.contenders import BASELINE, FrameMethod, frame_methods
from edge_vsr.bench.metrics import psnr
from edge_vsr.bench.rgb import to_frame, to_rgb
from edge_vsr.bench.video_report import Row, gains
from edge_vsr.bench.video_score import Measures, Tools, measure
from edge_vsr.capture.pattern import PatternSource
from edge_vsr.errors import ModelError, SourceError, UsageError
from edge_vsr.frame import Frame, VideoFormat
from edge_vsr.models.store import Model

NO_TOOLS = Tools(None, None)


def drawn(count: int = 4) -> list[Frame]:
    return list(PatternSource(192, 144, frame_count=count).frames())


@pytest.fixture(autouse=True)
def no_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    """VMAF and LPIPS have their own tests."""
    monkeypatch.setattr(video, "tools_here", lambda: NO_TOOLS)


def noisy(method: FrameMethod, sigma: float) -> FrameMethod:
    rng = np.random.default_rng(0)

    def run(frame: Frame) -> Frame:
        large = method(frame)
        y, u, v = (np.clip(p + rng.normal(0, sigma, p.shape), 0, 255).astype(np.uint8) for p in large.planes)
        return large.with_(planes=(y, u, v))

    return run


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_the_baseline_at_every_scale_and_noise_is_worse(scale: int) -> None:
    table = frame_methods([], None, scale)
    table["noisy"] = noisy(table[BASELINE], 8)
    clip = Clip("drawn", Fraction(25), drawn)
    rows = list(video.measure_clips([clip], table, scale, 2, NO_TOOLS, SETTINGS[:1]))
    by_name = {row.method: row.measures for row in rows}
    assert set(by_name) == ({"bicubic", "noisy"} if scale == 1 else {"bicubic", "lanczos3", "noisy"})
    assert by_name["noisy"].psnr_y_db < by_name[BASELINE].psnr_y_db
    assert by_name["noisy"].psnr_c_db < by_name[BASELINE].psnr_c_db
    assert by_name["noisy"].ssim_y < by_name[BASELINE].ssim_y
    assert by_name["noisy"].invention > by_name[BASELINE].invention == 0
    assert all(row.bit_s > 1000 for row in rows)


def test_measures_are_means_over_frames(tmp_path: Path) -> None:
    truth = drawn(3)
    large = [noisy(lambda frame: frame, sigma)(frame) for frame, sigma in zip(truth, (1, 5, 20), strict=True)]
    given = iter(large)
    found = measure(truth, truth, {"given": lambda _: next(given)}, NO_TOOLS, tmp_path)["given"]
    by_plane = [
        [psnr(a, b) for a, b in zip(x.planes, y.planes, strict=True)] for x, y in zip(large, truth, strict=True)
    ]
    assert found.psnr_y_db == pytest.approx(np.mean([frame[0] for frame in by_plane]))
    assert found.psnr_c_db == pytest.approx(np.mean([frame[1:] for frame in by_plane]))
    assert found.tof_px is not None
    assert found.flicker is not None
    assert found.flicker > 1
    assert (found.lpips, found.vmaf, found.vmaf_neg) == (None, None, None)


def test_the_truth_itself_is_perfect(tmp_path: Path) -> None:
    truth = drawn(2)
    found = measure(truth, truth, {"same": lambda frame: frame}, NO_TOOLS, tmp_path)["same"]
    assert found == Measures(100.0, pytest.approx(1), 100.0, None, None, None, 0.0, 0.0, 0.0)  # type: ignore[arg-type]


def test_one_frame_says_nothing_of_time(tmp_path: Path) -> None:
    truth = drawn(1)
    found = measure(truth, truth, {"same": lambda frame: frame}, NO_TOOLS, tmp_path)["same"]
    assert (found.tof_px, found.flicker) == (None, None)


def test_vmaf_is_measured_where_there_is_one(tmp_path: Path) -> None:
    ffmpeg = vmaf.find_ffmpeg()
    if ffmpeg is None:
        pytest.skip(f"no ffmpeg with libvmaf here: {vmaf.HOW_TO_GET}")
    truth = drawn(2)
    table: dict[str, FrameMethod] = {"same": lambda frame: frame, "noisy": noisy(lambda frame: frame, 20)}
    found = measure(truth, truth, table, Tools(None, ffmpeg), tmp_path)
    assert found["same"].vmaf_neg > found["noisy"].vmaf_neg + 5  # type: ignore[operator]


def test_a_picture_net_gets_rgb_and_gives_a_frame_back() -> None:
    frame = drawn(1)[0]
    there_and_back = to_frame(to_rgb(frame), frame)
    assert psnr(there_and_back.planes[0], frame.planes[0]) > 45
    assert psnr(there_and_back.planes[1], frame.planes[1]) > 35
    assert (there_and_back.layout, there_and_back.siting) == (frame.layout, frame.siting)


def row(clip: str, setting: str, method: str, db: float) -> Row:
    return Row(clip, setting, 1e6, method, Measures(db, 0.9, 40.0, None, None, None, None, None, 0.0))


def test_gains_are_paired_by_clip_and_setting() -> None:
    rows = [
        row("a", "s", BASELINE, 20),
        row("a", "s", "net", 21),
        row("b", "s", BASELINE, 40),
        row("b", "s", "net", 43),
    ]
    found = gains(rows, "psnr_y_db")
    assert list(found) == ["net"]
    assert (found["net"].mean, found["net"].low, found["net"].high, found["net"].n) == (2, 1, 3, 2)
    assert gains(rows, "vmaf") == {}


def test_a_clip_counts_once_however_many_its_settings() -> None:
    rows = [
        row(clip, f"s{n}", method, db)
        for clip in "abc"
        for n in range(9)
        for method, db in ((BASELINE, 20), ("net", 20 + "abc".index(clip)))
    ]
    found = gains(rows, "psnr_y_db")["net"]
    assert (found.mean, found.low, found.high, found.n) == (1, 0, 2, 3)


def options(folder: Path, *more: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    video.add_arguments(parser)
    return parser.parse_args(["--clips", str(folder), "--frames", "2", *more])


def test_the_engine_takes_part_as_on_coded_film(
    folder: Path,
    whole_model: Model,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[bool] = []
    build = ours.build_engine

    def spy(word: str, form: VideoFormat, *rest: object) -> object:
        seen.append(form.coded)
        return build(word, form, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(ours, "build_engine", spy)
    told = tmp_path / "told.json"
    assert video.run(options(folder, "--models", str(whole_model.folder), "--json", str(told))) == 0
    assert seen
    assert all(seen)
    out = capsys.readouterr()
    name = whole_model.manifest.name
    assert "x2, x264 crf 23, mean of 1 clips" in out.out
    assert "least and most (too few for an interval) over n = 1 clips" in out.out
    assert "drawn: 2 frames, x264 crf 28" in out.err
    content = json.loads(told.read_text())
    assert {entry["method"] for entry in content["rows"]} == {BASELINE, "lanczos3", name}
    assert len(content["rows"]) == 5 * 3
    assert content["gain_over_baseline"]["psnr_y_db"][name]["n"] == 1


def test_equal_runs_print_equal_figures(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = []
    for _ in range(2):
        video.run(options(folder, "--models", "--json"))
        told.append(capsys.readouterr().out)
    assert told[0] == told[1]


def test_clips_can_be_named(folder: Path) -> None:
    with pytest.raises(SourceError, match="holds no clip named other"):
        video.run(options(folder, "--only", "other"))


def test_what_makes_no_sense_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="--frames must be at least 1"):
        video.run(options(folder, "--frames", "0"))
    with pytest.raises(ModelError, match="unknown model"):
        video.run(options(folder, "--models", "x9"))
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(UsageError, match=r"--plot needs matplotlib: pip install 'edge-vsr\[bench\]'"):
        video.run(options(folder, "--plot", "a.png"))


def test_curves_are_drawn(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    assert len(find_clips(folder)) == 1
    video.run(options(folder, "--models", "--plot", str(tmp_path / "a.png")))
    picture = cv2.imread(str(tmp_path / "a.png"))
    assert picture is not None
    assert picture.shape[1] > 600
