"""The parts of the room on their own: pixel formats, times, orientation, HDR blocks, verdicts, the pattern."""

from __future__ import annotations

import itertools
import struct
from fractions import Fraction

import av
import numpy as np
import pytest
from capture_clips import picture, video_frame
from hypothesis import given
from hypothesis import strategies as st

from edge_vsr.capture.combing import Combing
from edge_vsr.capture.deinterlace import Deinterlace
from edge_vsr.capture.hdr import parse
from edge_vsr.capture.interlace import judge
from edge_vsr.capture.orient import Orientation, parse_display_matrix, turn
from edge_vsr.capture.pattern import PatternSource
from edge_vsr.capture.pixels import RgbTarget, read_picture
from edge_vsr.capture.timeline import Timeline
from edge_vsr.color import BT709_LIMITED, ColorSpace
from edge_vsr.errors import UsageError
from edge_vsr.frame import ChromaLayout, Frame, Siting, default_siting

L420, L422, L444 = ChromaLayout.YUV420, ChromaLayout.YUV422, ChromaLayout.YUV444
FORMATS = {
    "nv12": (L420, 8),
    "nv21": (L420, 8),
    "p010le": (L420, 10),
    "p016le": (L420, 10),
    "nv16": (L422, 8),
    "nv24": (L444, 8),
    "yuyv422": (L422, 8),
    "uyvy422": (L422, 8),
    "y210le": (L422, 10),
    "yuv410p": (L420, 8),
    "yuv411p": (L422, 8),
    "yuv440p": (L444, 8),
    "yuva420p": (L420, 8),
    "yuv420p9le": (L420, 10),
    "yuv422p12le": (L422, 10),
    "yuv444p16be": (L444, 10),
    "yuv420p10be": (L420, 10),
    "vuya": (L444, 8),
    "ayuv64le": (L444, 10),
    "gray": (L420, 8),
    "gray10le": (L420, 10),
    "gray16be": (L420, 10),
    "ya8": (L420, 8),
    "monob": (L420, 8),
    "rgb24": (L444, 8),
    "bgr0": (L444, 8),
    "rgba": (L444, 8),
    "gbrp": (L444, 8),
    "gbrp10le": (L444, 10),
    "rgb48be": (L444, 10),
    "rgb565le": (L444, 8),
}


@pytest.mark.parametrize("name", FORMATS)
def test_every_pixel_format_keeps_its_picture(name: str) -> None:
    image = picture(2, 66, 50)
    truth = read_picture(video_frame(image, "yuv444p16le"), RgbTarget())
    got = read_picture(video_frame(image, name), RgbTarget())
    layout, depth = FORMATS[name]
    assert (got.layout, got.bit_depth) == (layout, depth)
    assert [plane.shape[::-1] for plane in got.planes] == [(66, 50), *[layout.plane_size(66, 50)] * 2]
    assert {plane.dtype for plane in got.planes} == {np.dtype(np.uint8 if depth == 8 else np.uint16)}
    if (
        name not in ("monob", "rgb565le")
        and got.color.range is truth.color.range
        and not name.startswith(("rgb", "bgr", "gbr"))
    ):
        unit = 1 << (depth - 8)
        error = np.abs(got.planes[0].astype(float) / unit - truth.planes[0].astype(float) / 4)
        assert error.mean() < 1.0


def test_deep_samples_are_rounded_not_cut() -> None:
    frame = av.VideoFrame(16, 16, "yuv444p12le")
    for plane in frame.planes:
        plane.update(np.full(plane.buffer_size // 2, 4 * 100 + 2, np.uint16).tobytes())
    assert {int(plane.max()) for plane in read_picture(frame, RgbTarget()).planes} == {101}


def test_palette_pictures_are_rgb() -> None:
    frame = av.VideoFrame(16, 16, "pal8")
    frame.planes[0].update(bytes([1]) * frame.planes[0].buffer_size)
    frame.planes[1].update(struct.pack("<256I", *([0xFFFFFFFF] * 256)))
    got = read_picture(frame, RgbTarget())
    assert {int(got.planes[0].max()), int(got.planes[0].min())} == {235}


times = st.lists(st.one_of(st.none(), st.integers(-(10**6), 10**6)), min_size=1, max_size=50)


@given(times)
def test_times_always_increase(pts: list[int | None]) -> None:
    timeline = Timeline(Fraction(1, 90000), Fraction(25))
    placed = [timeline.place(one, None) for one in pts]
    assert all(a < b for a, b in itertools.pairwise(placed))


@given(st.lists(st.integers(1, 10**5), min_size=1, max_size=50), st.integers(-(10**9), 10**9))
def test_good_times_are_never_touched(steps: list[int], start: int) -> None:
    timeline = Timeline(Fraction(1, 90000), Fraction(25))
    pts = list(itertools.accumulate(steps, initial=start))
    assert [timeline.place(one, None) for one in pts] == pts
    assert timeline.warnings() == []


def test_missing_times_follow_the_frame_rate() -> None:
    timeline = Timeline(Fraction(1, 1000), Fraction(25))
    assert [timeline.place(None, None) for _ in range(3)] == [0, 40, 80]
    assert timeline.warnings()


def frame_of(width: int, height: int, layout: ChromaLayout) -> Frame:
    rng = np.random.default_rng(width)
    sizes = [(width, height), *[layout.plane_size(width, height)] * 2]
    y, u, v = (rng.integers(0, 256, (h, w), np.uint8) for w, h in sizes)
    return Frame((y, u, v), 8, layout, ColorSpace(), default_siting(layout), sar=Fraction(16, 11))


@pytest.mark.parametrize("layout", [L420, L444])
@pytest.mark.parametrize(("width", "height"), [(16, 12), (15, 11)])
def test_four_quarter_turns_are_none(layout: ChromaLayout, width: int, height: int) -> None:
    frame = frame_of(width, height, layout)
    quarter = Orientation(True, True, False)
    turned = frame
    for _ in range(4):
        turned = turn(turned, quarter)
    assert all(np.array_equal(a, b) for a, b in zip(turned.planes, frame.planes, strict=True))
    assert (turned.siting, turned.sar) == (frame.siting, frame.sar)


def test_siting_turns_with_the_picture() -> None:
    # Cosited left in a row of an even number of pixels: seen from behind, half a chroma step further.
    half = turn(frame_of(16, 12, L420), Orientation(False, True, True))
    assert half.siting == Siting(1.0, 0.5)
    quarter = turn(frame_of(16, 12, L420), Orientation(True, True, False))
    assert quarter.siting == Siting(0.5, 0.0)


def test_turned_422_becomes_444() -> None:
    frame = frame_of(16, 12, L422)
    turned = turn(frame, Orientation(True, True, False))
    assert turned.layout is L444
    assert turned.planes[1].shape == turned.planes[0].shape
    assert np.array_equal(np.rot90(turned.planes[1], 1)[:, ::2], frame.planes[1])


def test_display_matrix() -> None:
    one = 1 << 16
    assert not parse_display_matrix(struct.pack("=9i", one, 0, 0, 0, one, 0, 0, 0, 1 << 30))
    assert not parse_display_matrix(b"")
    clockwise = parse_display_matrix(struct.pack("=9i", 0, one, 0, -one, 0, 0, 0, 0, 1 << 30))
    assert clockwise == Orientation(True, True, False)


def test_hdr_blocks() -> None:
    pairs = [(34000, 50000), (16000, 50000), (13250, 50000), (34500, 50000), (7500, 50000), (3000, 50000)]
    pairs += [(15635, 50000), (16450, 50000), (50, 10000), (1000, 1)]
    mastering = struct.pack("=22i", *itertools.chain(*pairs), 1, 1)
    hdr = parse(mastering, struct.pack("=2I", 1000, 400))
    assert hdr is not None
    assert hdr.primaries == ((34000, 16000), (13250, 34500), (7500, 3000))
    assert (hdr.white, hdr.luminance, hdr.max_cll, hdr.max_fall) == ((15635, 16450), (50, 10_000_000), 1000, 400)
    assert parse(b"", b"") is None


STILL = Combing(False, False, 0, None)
CLEAN = Combing(True, False, 0, None)
FIELDS = Combing(True, True, 1, None)


def test_verdicts() -> None:
    rate = Fraction(30000, 1001)
    assert judge([STILL] * 20, True, rate) is Deinterlace.FIELD
    assert judge([STILL] * 20, False, rate) is Deinterlace.OFF
    assert judge([CLEAN] * 20, True, rate) is Deinterlace.OFF
    assert judge([FIELDS] * 20, False, rate) is Deinterlace.FIELD
    # A few combed frames in a stream that is not flagged are texture, not fields.
    assert judge([FIELDS] * 5 + [CLEAN] * 20, False, rate) is Deinterlace.OFF
    top, bottom = Combing(True, True, 1, 0), Combing(True, False, 1, 1)
    film = [CLEAN, Combing(True, False, 1, None), top, Combing(True, True, 1, None), bottom] * 6
    assert judge(film, True, rate) is Deinterlace.TELECINE
    assert judge(film, False, rate) is Deinterlace.TELECINE
    assert judge(film, True, Fraction(25)) is Deinterlace.FIELD


def test_the_pattern_is_deterministic_and_moves() -> None:
    first, again = (PatternSource(192, 108, 3) for _ in range(2))
    pairs = list(zip(first.frames(), again.frames(), strict=True))
    assert len(pairs) == 3
    for a, b in pairs:
        assert all(np.array_equal(p, q) for p, q in zip(a.planes, b.planes, strict=True))
        assert [plane.shape for plane in a.planes] == [(108, 192), (54, 96), (54, 96)]
        assert a.color == BT709_LIMITED
    assert [a.pts for a, _ in pairs] == [0, 1, 2]
    assert not np.array_equal(pairs[0][0].planes[0], pairs[1][0].planes[0])
    assert len(np.unique(pairs[0][0].planes[0])) > 150
    with pytest.raises(UsageError):
        PatternSource(33, 64)
