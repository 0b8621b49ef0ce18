"""The encoder table and what it makes of a request."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import pytest

from edge_vsr.color import ColorSpace, HdrMetadata, Matrix, Range
from edge_vsr.errors import UsageError
from edge_vsr.frame import ChromaLayout, Siting, VideoFormat
from edge_vsr.present import encoders

VIDEO = VideoFormat(
    64,
    48,
    10,
    ChromaLayout.YUV422,
    ColorSpace(Matrix.BT2020_NCL, Range.LIMITED, 9, 16),
    Siting(0, 0.5),
    Fraction(1, 24),
)
HDR = HdrMetadata(((34000, 16000), (13250, 34500), (7500, 3000)), (15635, 16450), (1, 10_000_000), 1000, 400)


@pytest.mark.parametrize("name", encoders.ENCODERS)
def test_the_wheel_has_every_encoder(name: str) -> None:
    assert av.Codec(encoders.ENCODERS[name].codec, "w").is_encoder


@pytest.mark.parametrize("name", encoders.ENCODERS)
def test_lossy_is_420_lossless_keeps_the_layout(name: str) -> None:
    chosen = encoders.settings(name, None, Path("o.mkv"))
    layout, depth = encoders.wanted(chosen, VIDEO)
    assert layout is (ChromaLayout.YUV422 if name == "ffv1" else ChromaLayout.YUV420)
    assert depth == 10


def test_quality_is_on_the_encoders_own_scale() -> None:
    assert encoders.options(encoders.settings("x264", 25, Path("o.mp4")), VIDEO, 96)["crf"] == "25"
    assert encoders.options(encoders.settings("nvenc", None, Path("o.mp4")), VIDEO, 96)["cq"] == "20"
    with pytest.raises(UsageError, match="0 "):
        encoders.settings("svtav1", 64, Path("o.mp4"))


def test_hdr_in_the_words_of_each_encoder() -> None:
    video = replace(VIDEO, hdr=HDR)
    display = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)"
    x265 = encoders.options(encoders.settings("x265", None, Path("o.mkv")), video, 96)["x265-params"]
    assert f"master-display={display}:max-cll=1000,400" in x265
    x264 = encoders.options(encoders.settings("x264", None, Path("o.mkv")), video, 96)["x264-params"]
    assert f"mastering-display={display}:cll=1000,400" in x264
    svt = encoders.options(encoders.settings("svtav1", None, Path("o.mkv")), video, 96)["svtav1-params"]
    assert "L(1000.00000,0.00010):content-light=1000,400" in svt


def test_where_hdr_has_no_place_it_is_said() -> None:
    chosen = encoders.settings("ffv1", None, Path("o.mkv"))
    assert encoders.hdr_note(chosen, VIDEO) is None
    assert "HDR10" in str(encoders.hdr_note(chosen, replace(VIDEO, hdr=HDR)))
