"""Truth clips: what counts as one, what it becomes."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from edge_vsr.bench.clips import find_clips
from edge_vsr.bench.rgb import to_rgb
from edge_vsr.color import Matrix, Range
from edge_vsr.errors import SourceError
from edge_vsr.frame import ChromaLayout, Siting


def rgb(width: int, height: int, seed: int) -> np.ndarray:  # type: ignore[type-arg]
    rough = np.random.default_rng(seed).normal(0, 1, (height, width, 3))
    return np.clip(128 + 400 * cv2.GaussianBlur(rough, (0, 0), 6), 0, 255).astype(np.uint8)


def frames(folder: Path, sizes: list[tuple[int, int]], start: int = 1, digits: int = 3) -> None:
    folder.mkdir(parents=True)
    for index, size in enumerate(sizes):
        cv2.imwrite(str(folder / f"f_{index + start:0{digits}d}.png"), rgb(*size, index)[..., ::-1])


def film(path: Path, pixel_format: str = "yuv420p", size: tuple[int, int] = (66, 50), count: int = 5) -> None:
    with av.open(str(path), "w") as out:
        stream = out.add_stream("ffv1", rate=30)
        stream.width, stream.height, stream.pix_fmt = *size, pixel_format
        for index in range(count):
            picture = av.VideoFrame.from_ndarray(rgb(*size, index), format="rgb24").reformat(format=pixel_format)
            out.mux(stream.encode(picture))
        out.mux(stream.encode(None))


def test_folders_of_numbered_frames_of_one_size_are_clips(tmp_path: Path) -> None:
    frames(tmp_path / "b_clip", [(40, 32)] * 3)
    frames(tmp_path / "a_clip", [(40, 32)] * 2)
    frames(tmp_path / "a_set", [(40, 32), (32, 40), (40, 32)])
    frames(tmp_path / "one", [(40, 32)])
    (tmp_path / "photos").mkdir()
    for name in ("lake", "hill2"):
        cv2.imwrite(str(tmp_path / "photos" / f"{name}.png"), rgb(40, 32, 0))
    assert [clip.name for clip in find_clips(tmp_path)] == ["a_clip", "b_clip"]
    assert [clip.name for clip in find_clips(tmp_path / "a_clip")] == ["a_clip"]


def test_frames_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    frames(tmp_path / "clip", [(40, 32)] * 12, start=1, digits=1)  # f_10 sorts before f_2 by name
    (clip,) = find_clips(tmp_path)
    assert clip.rate == Fraction(25)
    found = clip.frames(11, 4)
    assert len(found) == 11
    for index, frame in enumerate(found):
        assert np.abs(to_rgb(frame).astype(int) - rgb(40, 32, index)).mean() < 6
    assert len(clip.frames(99, 4)) == 12


def test_truth_is_420_of_8_bits_cut_to_a_multiple(tmp_path: Path) -> None:
    frames(tmp_path / "clip", [(71, 50)] * 2)
    (clip,) = find_clips(tmp_path)
    for multiple, size in ((4, (68, 48)), (6, (66, 48)), (8, (64, 48))):
        frame = clip.frames(1, multiple)[0]
        assert (frame.width_px, frame.height_px) == size
        assert frame.planes[1].shape == (size[1] // 2, size[0] // 2)
        assert (frame.layout, frame.bit_depth, frame.siting) == (ChromaLayout.YUV420, 8, Siting(0.0, 0.5))
        assert (frame.color.matrix, frame.color.range) == (Matrix.SMPTE170M, Range.LIMITED)


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le"])
def test_films_of_any_format_become_the_same_truth(pixel_format: str, tmp_path: Path) -> None:
    film(tmp_path / "film.mkv", pixel_format)
    (tmp_path / "notes.txt").write_text("not a film")
    (clip,) = find_clips(tmp_path)
    assert (clip.name, clip.rate) == ("film", Fraction(30))
    found = clip.frames(3, 4)
    assert len(found) == 3
    for index, frame in enumerate(found):
        assert (frame.layout, frame.bit_depth) == (ChromaLayout.YUV420, 8)
        assert np.abs(to_rgb(frame).astype(int) - rgb(66, 50, index)[:48, :64]).mean() < 6


def test_films_of_odd_sides_lose_the_last_column(tmp_path: Path) -> None:
    film(tmp_path / "film.mkv", size=(67, 51))
    frame = find_clips(tmp_path)[0].frames(1, 2)[0]
    assert (frame.width_px, frame.height_px) == (66, 50)
    assert [plane.shape for plane in frame.planes] == [(50, 66), (25, 33), (25, 33)]
    assert np.abs(to_rgb(frame).astype(int) - rgb(67, 51, 0)[:50, :66]).mean() < 6


def test_large_stills_drift_where_that_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "stills").mkdir()
    cv2.imwrite(str(tmp_path / "stills" / "lake.png"), rgb(1280, 720, 1)[..., ::-1])
    cv2.imwrite(str(tmp_path / "stills" / "small.png"), rgb(300, 200, 1)[..., ::-1])
    with pytest.raises(SourceError, match="neither films nor"):
        find_clips(tmp_path)
    (clip,) = find_clips(tmp_path, pan=True)
    assert clip.name == "pan lake"
    first, second = clip.frames(2, 4)
    assert (first.width_px, first.height_px) == (960, 540)
    assert np.array_equal(first.planes[0][1:, 2:], second.planes[0][:-1, :-2])


def test_two_clips_of_one_name_are_refused(tmp_path: Path) -> None:
    film(tmp_path / "a.mkv")
    film(tmp_path / "b.mkv")
    assert len(find_clips(tmp_path)) == 2
    frames(tmp_path / "a", [(40, 32)] * 2)
    with pytest.raises(SourceError, match="2 clips are called 'a'"):
        find_clips(tmp_path)


def test_what_cannot_be_used_is_said(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such folder"):
        find_clips(tmp_path / "nowhere")
    frames(tmp_path / "clip", [(12, 12)] * 2)
    with pytest.raises(SourceError, match="12x12 is too small"):
        find_clips(tmp_path)[0].frames(1, 4)
    (tmp_path / "broken.mp4").write_bytes(b"not a film")
    with pytest.raises(SourceError, match=r"broken\.mp4"):
        find_clips(tmp_path)
