"""The demo's clip is the same every time, its scores mean what they say, its poster shows all three."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from edge_vsr.capture.pattern import PatternSource
from edge_vsr.demo import clip, poster
from edge_vsr.demo.score import frame_at, score
from edge_vsr.errors import SourceError

FRAMES = 3


@pytest.fixture
def films(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    monkeypatch.setattr(clip, "SIZE", (192, 128))
    clip.make_clip(tmp_path / "truth.mkv", tmp_path / "source.mp4", FRAMES)
    return tmp_path / "truth.mkv", tmp_path / "source.mp4"


def test_the_small_film_is_half_the_size_and_has_sound(films: tuple[Path, Path]) -> None:
    with av.open(str(films[1])) as small:
        assert (small.streams.video[0].width, small.streams.video[0].height) == (96, 64)
        assert small.streams.audio[0].codec_context.layout.name == "stereo"
        assert len(list(small.decode(video=0))) == FRAMES


def test_the_same_bytes_come_out_again(films: tuple[Path, Path], tmp_path: Path) -> None:
    again = tmp_path / "again.mp4"
    clip.make_clip(tmp_path / "again.mkv", again, FRAMES)
    assert again.read_bytes() == films[1].read_bytes()


def test_the_truth_is_what_was_drawn(films: tuple[Path, Path]) -> None:
    drawn = PatternSource(192, 128, frame_count=FRAMES).frame(1)
    stored = frame_at(films[0], 1)
    for a, b in zip(drawn.planes, stored.planes, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_film_is_perfect_against_itself_only(films: tuple[Path, Path]) -> None:
    perfect = score(films[0], films[0])
    assert perfect.psnr_y_db == float("inf")
    assert perfect.ssim_y == pytest.approx(1.0)


def test_films_of_different_length_have_no_score(films: tuple[Path, Path], tmp_path: Path) -> None:
    clip.make_clip(tmp_path / "longer.mkv", tmp_path / "longer.mp4", FRAMES + 1)
    with pytest.raises(SourceError, match="do not have the same frames"):
        score(films[0], tmp_path / "longer.mkv")
    with pytest.raises(SourceError, match="has no frame 9"):
        frame_at(films[0], 9)


def test_the_poster_shows_before_after_and_truth() -> None:
    frames = [PatternSource(1280, 720).frame(number) for number in (0,)] * 3
    entries = [poster.Entry(name, "", frame) for name, frame in zip("abc", frames, strict=True)]
    sheet = poster.paint("title", *entries)
    assert sheet.shape[1:] == (1920, 3)
    assert sheet.dtype == np.uint8
