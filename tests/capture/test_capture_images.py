"""Stills and picture sequences."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from capture_clips import picture

from edge_vsr.capture.media_file import open_source
from edge_vsr.capture.pixels import RgbTarget
from edge_vsr.color import JPEG_FULL, Range, yuv444_to_rgb
from edge_vsr.errors import SourceError
from edge_vsr.frame import ChromaLayout


def save(path: Path, rgb: np.ndarray) -> Path:
    assert cv2.imwrite(str(path), rgb[..., ::-1] if rgb.ndim == 3 else rgb)
    return path


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "webp", "jpg"])
def test_a_still_is_one_frame_without_a_time(tmp_path: Path, suffix: str) -> None:
    path = save(tmp_path / f"100%_%d still.{suffix}", picture(0))
    source = open_source(str(path))
    frames = list(source.frames())
    assert [frame.pts for frame in frames] == [None]
    assert source.info.is_still
    assert source.info.frame_count == 1
    assert source.info.video.frame_rate is None
    assert source.info.duration_s is None


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif"])
def test_rgb_survives_the_round_trip(tmp_path: Path, suffix: str) -> None:
    image = picture(1, 97, 65)
    path = save(tmp_path / f"still.{suffix}", image)
    frame = next(open_source(str(path), rgb_as=RgbTarget(JPEG_FULL, 10)).frames())
    assert (frame.bit_depth, frame.layout, frame.color) == (10, ChromaLayout.YUV444, JPEG_FULL)
    assert np.array_equal(yuv444_to_rgb(frame.planes, frame.color, 10), image)


def test_rgb_default_is_video_range_at_the_sources_depth(tmp_path: Path) -> None:
    shallow = open_source(str(save(tmp_path / "8.png", picture(0)))).info.video
    assert (shallow.bit_depth, shallow.color.range) == (8, Range.LIMITED)
    deep = next(open_source(str(save(tmp_path / "16.png", picture(0).astype(np.uint16) * 257))).frames())
    assert deep.bit_depth == 10
    back = yuv444_to_rgb(deep.planes, deep.color, 10)
    assert np.abs(back.astype(int) - picture(0)).max() <= 1


def test_gray_has_neutral_chroma(tmp_path: Path) -> None:
    luma = picture(0)[..., 0]
    frame = next(open_source(str(save(tmp_path / "gray.png", luma))).frames())
    assert frame.layout is ChromaLayout.YUV420
    assert frame.color.range is Range.FULL
    assert np.array_equal(frame.planes[0], luma)
    assert set(np.unique(frame.planes[1])) == {128}


def test_alpha_is_dropped_with_a_note(tmp_path: Path) -> None:
    rgba = np.dstack([picture(0), np.full(picture(0).shape[:2], 90, np.uint8)])
    assert cv2.imwrite(str(tmp_path / "a.png"), rgba)
    source = open_source(str(tmp_path / "a.png"))
    assert "transparency" in source.info.notes[0]


def with_orientation(jpeg: bytes, orientation: int) -> bytes:
    """The JPEG with an EXIF block that holds nothing but the orientation tag (EXIF 2.32, 4.6.4)."""
    tiff = b"II*\0\x08\0\0\0" + b"\x01\0" + b"\x12\x01\x03\0\x01\0\0\0" + bytes([orientation, 0, 0, 0]) + bytes(4)
    body = b"Exif\0\0" + tiff
    return jpeg[:2] + b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body + jpeg[2:]


TURNS = {
    1: lambda p: p,
    2: lambda p: p[:, ::-1],
    3: lambda p: p[::-1, ::-1],
    4: lambda p: p[::-1],
    5: lambda p: p.T,
    6: lambda p: np.rot90(p, -1),
    7: lambda p: p[::-1, ::-1].T,
    8: lambda p: np.rot90(p, 1),
}


@pytest.mark.parametrize("orientation", TURNS)
def test_exif_orientation(tmp_path: Path, orientation: int) -> None:
    plain = save(tmp_path / "plain.jpg", picture(0))
    turned = tmp_path / "turned.jpg"
    turned.write_bytes(with_orientation(plain.read_bytes(), orientation))
    before = next(open_source(str(plain)).frames()).planes[0]
    after = next(open_source(str(turned)).frames()).planes[0]
    assert np.array_equal(after, TURNS[orientation](before))


@pytest.mark.parametrize(
    ("pattern", "first"), [("%05d.png", 0), ("%05d.png", 1), ("shot_%d.jpg", 98), ("%03d.png", 998)]
)
def test_sequence(tmp_path: Path, pattern: str, first: int) -> None:
    for number in range(first, first + 6):
        save(tmp_path / (pattern % number), picture(number))
    source = open_source(str(tmp_path / pattern))
    frames = list(source.frames())
    assert [frame.pts for frame in frames] == list(range(6))
    assert source.info.video.time_base == Fraction(1, 25)
    assert source.info.video.frame_rate == 25
    assert (source.info.is_still, source.info.frame_count) == (False, 6)
    part = open_source(str(tmp_path / pattern), start_s=0.08, duration_s=0.08)
    assert [frame.pts for frame in part.frames()] == [2, 3]


def test_sequence_with_a_gap_or_nothing(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no picture"):
        open_source(str(tmp_path / "%05d.png"))
    for number in (1, 2, 4):
        save(tmp_path / f"{number:05d}.png", picture(number))
    with pytest.raises(SourceError, match="picture 3 is missing"):
        open_source(str(tmp_path / "%05d.png"))
    with pytest.raises(SourceError, match="no folder"):
        open_source(str(tmp_path / "absent" / "%05d.png"))
    with pytest.raises(SourceError, match="exactly one"):
        open_source(str(tmp_path / "%05d_%d.png"))
