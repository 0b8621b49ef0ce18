"""What is not a video, and videos that are damaged: one clear line, never a foreign exception."""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from capture_clips import picture, plain_pts, video_frame, write_clip

from edge_vsr.capture import opening
from edge_vsr.capture.media_file import open_source
from edge_vsr.errors import SourceError

OPTIONS = {"g": "12", "preset": "ultrafast", "bf": "2"}


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    frames = [video_frame(picture(i), "yuv420p") for i in range(60)]
    return write_clip(tmp_path_factory.mktemp("damage") / "good.ts", "libx264", frames, options=OPTIONS)


def message(location: Path | str) -> str:
    with pytest.raises(SourceError) as caught:
        list(open_source(str(location)).frames())
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_things_that_are_no_video(tmp_path: Path) -> None:
    assert "no such file" in message(tmp_path / "absent.mp4")
    assert "folder" in message(tmp_path)
    empty = tmp_path / "empty.mp4"
    empty.touch()
    assert "empty" in message(empty)
    for name in ("notes.txt", "film.mp4", "art.ans", "readme"):
        text = tmp_path / name
        text.write_text("This is only a text.\n" * 40)
        assert "text" in message(text)
    subtitles = tmp_path / "film.srt"
    subtitles.write_text("1\n00:00:01,000 --> 00:00:02,000\nHello\n\n2\n00:00:03,000 --> 00:00:04,000\nYou\n")
    assert "subtitles" in message(subtitles)
    noise = tmp_path / "noise.mkv"
    noise.write_bytes(np.random.default_rng(1).bytes(20000))
    assert "noise.mkv" in message(noise)
    assert "device" in message("/dev/null")
    assert "not supported" in message("gopher://example.invalid/film.mp4")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_file(tmp_path: Path) -> None:
    path = tmp_path / "locked.mp4"
    path.write_bytes(b"x")
    path.chmod(0)
    assert "cannot be read" in message(path)


def test_sound_only(tmp_path: Path) -> None:
    path = tmp_path / "sound.m4a"
    with av.open(str(path), "w", format="mp4") as out:
        stream = out.add_stream("aac", rate=48000)
        frame = av.AudioFrame.from_ndarray(np.zeros((2, 1024), np.float32), format="fltp", layout="stereo")
        frame.sample_rate = 48000
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    assert "sound" in message(path)


def test_too_small_and_too_large(tmp_path: Path) -> None:
    tiny = write_clip(tmp_path / "tiny.mkv", "ffv1", [video_frame(picture(0, 96, 64), "yuv420p").reformat(6, 6)])
    assert "too small" in message(tiny)
    wide = av.VideoFrame(8200, 16, "gray")
    wide.planes[0].update(bytes(wide.planes[0].buffer_size))
    assert "too large" in message(write_clip(tmp_path / "wide.mkv", "ffv1", [wide], pix_fmt="gray"))


def test_unfinished_mp4(tmp_path: Path) -> None:
    frames = [video_frame(picture(i), "yuv420p") for i in range(30)]
    path = write_clip(tmp_path / "cut.mp4", "libx264", frames, options=OPTIONS)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert "cut off" in message(path)


def test_encrypted_mp4(tmp_path: Path) -> None:
    frames = [video_frame(picture(i), "yuv420p") for i in range(10)]
    protection = {
        "encryption_scheme": "cenc-aes-ctr",
        "encryption_key": "76a6c65c5ea762046bd749a2e632ccbb",
        "encryption_kid": "a7e61c373e219033c21091fa607bf3b8",
    }
    path = write_clip(tmp_path / "locked.mp4", "libx264", frames, options=OPTIONS, container_options=protection)
    assert "encrypted" in message(path)


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts", "avi", "mpg"])
def test_truncation_anywhere_is_a_source_error_or_a_shorter_video(tmp_path: Path, suffix: str) -> None:
    codec = {"avi": "mpeg4", "mpg": "mpeg2video"}.get(suffix, "libx264")
    options = {"mp4": {"movflags": "faststart"}}.get(suffix, {})
    frames = [video_frame(picture(i), "yuv420p") for i in range(20)]
    whole = write_clip(tmp_path / f"whole.{suffix}", codec, frames, container_options=options).read_bytes()
    cut = tmp_path / f"cut.{suffix}"
    for length in sorted({int(len(whole) * share) for share in np.linspace(0.001, 0.999, 40)} | {1, 2, 7, 8, 9, 33}):
        cut.write_bytes(whole[:length])
        with contextlib.suppress(SourceError):
            source = open_source(str(cut))
            assert 1 <= len(list(source.frames())) <= 21
            source.close()


@pytest.mark.parametrize("seed", range(6))
def test_corrupt_packets_are_survived(tmp_path: Path, clip: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    data = bytearray(clip.read_bytes())
    for place in rng.integers(2000, len(data), 40):
        data[int(place)] ^= int(rng.integers(1, 256))
    path = tmp_path / "corrupt.ts"
    path.write_bytes(bytes(data))
    source = open_source(str(path))
    times = [frame.pts for frame in source.frames()]
    assert len(times) >= 20
    assert all(a < b for a, b in itertools.pairwise(times))


def test_damage_is_counted(tmp_path: Path) -> None:
    frames = [video_frame(picture(i), "rgb24") for i in range(20)]
    path = write_clip(tmp_path / "good.mov", "png", frames, pix_fmt="rgb24")
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 64] = bytes(64)
    path.write_bytes(bytes(data))
    source = open_source(str(path))
    assert len(list(source.frames())) >= 18
    assert source.report.corrupt_packets + source.report.concealed_frames >= 1


def test_the_last_frames_are_not_lost(clip: Path) -> None:
    assert len(list(open_source(str(clip)).frames())) == len(plain_pts(clip)) == 60


def test_joined_streams_go_on_without_a_jump_back(tmp_path: Path, clip: Path) -> None:
    path = tmp_path / "twice.ts"
    path.write_bytes(clip.read_bytes() * 2)
    source = open_source(str(path))
    times = [frame.pts for frame in source.frames()]
    assert len(times) >= 118
    steps = {b - a for a, b in itertools.pairwise(times)}
    assert min(steps) > 0
    assert max(steps) * source.info.video.time_base <= Fraction(1, 2)
    assert any("jumped back" in warning for warning in source.report.warnings)


def test_a_silent_server_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "OPEN_TIMEOUT_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        text = message(f"http://user:secret@{address}/film.mp4")
    assert "no answer in time" in text
    assert "secret" not in text


def test_messages_stay_on_one_short_line(tmp_path: Path) -> None:
    assert len(message("x" * 5000)) < 300
    message(tmp_path / "two\nlines.mp4")
    assert "refused" in message("http://127.0.0.1:1/film.mp4")
