"""``probe`` says what a file is and foretells what ``upscale`` makes of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from job_clips import make_clip

from edge_vsr.cli import main


def probed(capsys: pytest.CaptureFixture[str], path: Path, *options: str) -> dict[str, Any]:
    assert main(["probe", str(path), "--model", "none", "--json", *options]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_a_film_is_described(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    film = make_clip(tmp_path / "film.mkv", frames=12, audio="aac", subtitles=True)
    found = probed(capsys, film)["source"]
    assert found["codec"] == "h264"
    assert found["size_px"] == [64, 48]
    assert found["frame_rate"] == "24"
    assert found["bit_depth"] == 8
    assert found["chroma"] == "YUV420"
    assert found["streams"] == ["audio (aac)", "subtitle (srt)"]
    assert found["hdr"] is None
    assert not found["still"]


def test_ten_bit_hdr_colour_is_seen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tags = {"color_primaries": 9, "color_trc": 16, "colorspace": 9, "color_range": 1}
    film = make_clip(tmp_path / "hdr.mkv", frames=3, pixel_format="yuv420p10le", tags=tags)
    found = probed(capsys, film)["source"]
    assert found["bit_depth"] == 10
    assert found["color"] == {"matrix": 9, "range": "limited", "primaries": 9, "transfer": 16}
    assert main(["probe", str(film), "--model", "none"]) == 0
    assert "primaries BT.2020, transfer PQ (HDR)" in capsys.readouterr().out


def test_a_picture_is_a_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cv2.imwrite(str(tmp_path / "photo.png"), np.full((30, 41, 3), 90, np.uint8))
    found = probed(capsys, tmp_path / "photo.png", "--to", "x2")
    assert found["source"]["still"]
    assert found["output"]["size_px"] == [82, 60]


@pytest.mark.parametrize(
    ("options", "canvas", "picture"),
    [
        (("--to", "x3"), [192, 144], [192, 144]),
        (("--to", "1080p"), [1920, 1080], [1440, 1080]),
        (("--to", "1080p", "--fit", "inside"), [1440, 1080], [1440, 1080]),
        (("--to", "1080p", "--fit", "crop"), [1920, 1080], [1920, 1440]),
    ],
)
def test_the_foretold_size_is_the_size_that_comes(
    options: tuple[str, ...],
    canvas: list[int],
    picture: list[int],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    film = make_clip(tmp_path / "film.mkv", frames=2)
    found = probed(capsys, film, *options)["output"]
    assert found["size_px"] == canvas
    assert found["picture_px"] == picture
    assert main(["upscale", str(film), str(tmp_path / "out.mkv"), "--model", "none", "--quiet", *options]) == 0
    with av.open(str(tmp_path / "out.mkv")) as made:
        assert [made.streams.video[0].width, made.streams.video[0].height] == canvas


@pytest.mark.parametrize(
    ("options", "nets", "words"),
    [
        (("--to", "x2"), ["x2-balanced"], "128x96, by x2-balanced"),
        (("--to", "x2", "--model", "fast"), ["x2-fast"], "128x96, by x2-fast"),
        (("--to", "x4"), ["x4-balanced"], "256x192, by x4-balanced"),
        (
            ("--to", "512x384"),
            ["x4-balanced", "x2-balanced-clean"],
            "512x384, by x4-balanced, then x2-balanced-clean",
        ),
        (("--to", "x4", "--model", "x2-fast"), ["x2-fast", "x2-fast"], "256x192, by x2-fast twice"),
        (("--to", "x1", "--model", "x1-balanced"), ["x1-balanced"], "64x48, by x1-balanced"),
        (("--to", "x1"), [], "64x48, resampling alone"),
    ],
)
def test_it_foretells_which_nets_run(
    options: tuple[str, ...],
    nets: list[str],
    words: str,
    tmp_path: Path,
    ladder_root: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    film = make_clip(tmp_path / "film.mkv", frames=2)
    assert main(["probe", str(film), "--json", *options]) == 0
    assert json.loads(capsys.readouterr().out)["output"]["nets"] == nets
    assert main(["probe", str(film), *options]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"  becomes   {words}"


def test_an_unknown_model_is_one_line(tmp_path: Path, ladder_root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    film = make_clip(tmp_path / "film.mkv", frames=2)
    assert main(["probe", str(film), "--model", "grand"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "unknown model 'grand'; installed: x1-balanced, x2-balanced, x2-balanced-clean, x2-fast" in line
    assert line.endswith("rungs: fast, balanced")


def test_it_reads_like_a_description(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    film = make_clip(tmp_path / "film.mkv", frames=12)
    assert main(["probe", str(film), "--model", "none", "--to", "x2"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{film}: film, h264 in matroska,webm",
        "  size      64x48",
        "  samples   8 bit, 420 chroma",
        "  colour    SMPTE170M matrix (not said; the usual for this size), limited range",
        "  time      24 frames/s, about 12 frames, 0:00",
        "  becomes   128x96, resampling alone",
    ]
