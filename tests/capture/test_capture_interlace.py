"""Interlaced, telecined, falsely flagged: what is decided, and that every frame gets its exact time."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import av.filter
import numpy as np
import pytest
from capture_clips import flag_fields, gray_frame, moving_luma, plain_pts, weave, write_clip

from edge_vsr.capture.media_file import open_source

COUNT = 24


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    folder = tmp_path_factory.mktemp("fields")

    def build(name: str, top_first: bool = True, interlaced: bool = True, flagged: bool = False) -> Path:
        if interlaced:
            lumas = [weave(moving_luma(2 * i), moving_luma(2 * i + 1), top_first) for i in range(COUNT)]
        else:
            lumas = [moving_luma(i) for i in range(COUNT)]
        if flagged:
            options = {"x264-params": "tff=1", "preset": "ultrafast", "qp": "8"}
            frames = flag_fields(map(gray_frame, lumas), "tff" if top_first else "bff")
            return write_clip(folder / name, "libx264", frames, options=options)
        return write_clip(folder / name, "ffv1", map(gray_frame, lumas))

    return build


@pytest.mark.parametrize("flagged", [False, True])
@pytest.mark.parametrize("top_first", [True, False])
def test_field_rate_is_twice_the_frames_with_exact_times(
    make: Callable[..., Path], top_first: bool, flagged: bool
) -> None:
    path = make(f"i{top_first}{flagged}.mkv", top_first=top_first, flagged=flagged)
    source = open_source(str(path))
    frames = list(source.frames())
    pts = plain_pts(path)
    following = [*pts[1:], 2 * pts[-1] - pts[-2]]
    assert [f.pts for f in frames] == [t for a, b in zip(pts, following, strict=True) for t in (2 * a, a + b)]
    assert source.info.video.time_base == Fraction(1, 2000)
    assert source.info.video.frame_rate == 50
    assert "Interlaced" in source.info.notes[0]
    # The fields must come in the order in which the scene moves.
    inner = (slice(16, -16), slice(16, -16))
    for index in range(4, 40):
        truth = moving_luma(index).astype(int)[inner]
        wrong = moving_luma(index ^ 1).astype(int)[inner]
        got = frames[index].planes[0].astype(int)[inner]
        assert np.abs(got - truth).mean() < np.abs(got - wrong).mean()


def test_frame_mode_keeps_count_and_times(make: Callable[..., Path]) -> None:
    path = make("frame.mkv")
    source = open_source(str(path), deinterlace="frame")
    assert [frame.pts for frame in source.frames()] == plain_pts(path)
    assert source.info.video.frame_rate == 25


def test_off_leaves_everything_alone(make: Callable[..., Path]) -> None:
    path = make("off.mkv")
    source = open_source(str(path), deinterlace="off")
    assert [frame.pts for frame in source.frames()] == plain_pts(path)
    assert source.info.notes == ()


def test_progressive_is_left_alone(make: Callable[..., Path]) -> None:
    source = open_source(str(make("progressive.mkv", interlaced=False)))
    assert len(list(source.frames())) == COUNT
    assert source.info.notes == ()


def test_falsely_flagged_film_is_left_alone(make: Callable[..., Path]) -> None:
    source = open_source(str(make("film.mkv", interlaced=False, flagged=True)))
    assert len(list(source.frames())) == COUNT
    assert "left as it is" in source.info.notes[0]


def test_ten_bits_survive(tmp_path: Path) -> None:
    frames = [
        gray_frame(weave(moving_luma(2 * i), moving_luma(2 * i + 1))).reformat(format="yuv422p10le") for i in range(12)
    ]
    path = write_clip(tmp_path / "deep.mkv", "ffv1", frames, pix_fmt="yuv422p10le")
    source = open_source(str(path), deinterlace="field")
    got = list(source.frames())
    assert len(got) == 24
    assert {frame.bit_depth for frame in got} == {10}
    assert any(int((frame.planes[0] & 3).max()) for frame in got)


@pytest.mark.parametrize("mode", ["field", "frame"])
def test_a_single_frame(tmp_path: Path, mode: str) -> None:
    path = write_clip(tmp_path / "one.mkv", "ffv1", [gray_frame(moving_luma(0))])
    got = [frame.pts for frame in open_source(str(path), deinterlace=mode).frames()]
    assert got == ([0, 40] if mode == "field" else [0])


@pytest.mark.parametrize("mode", ["auto", "telecine"])
def test_telecine_becomes_film_again(tmp_path: Path, mode: str) -> None:
    graph = av.filter.Graph()
    arguments = "video_size=160x96:pix_fmt=yuv420p:time_base=1001/24000:frame_rate=24000/1001:pixel_aspect=1/1"
    nodes = [graph.add("buffer", arguments), graph.add("telecine", "pattern=23"), graph.add("buffersink")]
    graph.link_nodes(*nodes).configure()
    telecined = []
    for index in range(64):
        frame = gray_frame(moving_luma(index))
        frame.pts, frame.time_base = index, Fraction(1001, 24000)
        graph.vpush(frame)
        while True:
            try:
                telecined.append(graph.vpull())
            except av.error.BlockingIOError:
                break
    assert len(telecined) == 80
    path = write_clip(tmp_path / "film.mkv", "ffv1", telecined, rate=Fraction(30000, 1001))
    source = open_source(str(path), deinterlace=mode)
    frames = list(source.frames())
    assert source.info.video.frame_rate == Fraction(24000, 1001)
    assert len(frames) == 64
    assert "film" in source.info.notes[0]
    times = [frame.pts * source.info.video.time_base for frame in frames]
    assert all(abs(t - i * Fraction(1001, 24000)) < Fraction(2, 1000) for i, t in enumerate(times))
    close = [np.abs(f.planes[0].astype(int) - moving_luma(i).astype(int)).mean() < 1.5 for i, f in enumerate(frames)]
    assert sum(close) >= 60
