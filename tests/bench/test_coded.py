"""Real encoders on drawn clips: frames come back in order, rates are kept, equal runs give equal bits."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from edge_vsr.bench.coded import SETTINGS, Setting, round_trip
from edge_vsr.bench.metrics import psnr
from edge_vsr.capture.pattern import PatternSource
from edge_vsr.errors import SourceError
from edge_vsr.frame import Frame

RATE = Fraction(25)


@pytest.fixture(scope="module")
def frames() -> list[Frame]:
    return list(PatternSource(176, 144, frame_count=7).frames())


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_frames_come_back_in_order_and_damaged(setting: Setting, frames: list[Frame]) -> None:
    coded = round_trip(frames, setting, RATE)
    assert len(coded.frames) == len(frames)
    for index, frame in enumerate(coded.frames):
        near = [psnr(frame.planes[0], other.planes[0]) for other in frames]
        assert int(np.argmax(near)) == index
        assert 20 < near[index] < 60
        assert [plane.shape for plane in frame.planes] == [plane.shape for plane in frames[0].planes]
        assert (frame.color, frame.siting, frame.layout) == (frames[0].color, frames[0].siting, frames[0].layout)


def test_better_settings_take_more_bits_and_are_nearer(frames: list[Frame]) -> None:
    for family in ("x264", "mpeg2"):
        found = [round_trip(frames, setting, RATE) for setting in SETTINGS if setting.name.startswith(family)]
        bits = [coded.bits for coded in found]
        near = [np.mean([psnr(a.planes[0], b.planes[0]) for a, b in zip(c.frames, frames, strict=True)]) for c in found]
        assert bits == sorted(bits, reverse=True)
        assert len(set(bits)) == len(bits)
        assert near == sorted(near, reverse=True)


def test_a_rate_is_kept_and_the_next_finer_quantiser_would_not_keep_it(frames: list[Frame]) -> None:
    pixels = 176 * 144 * len(frames)
    fixed = [
        round_trip(frames, Setting("q", "mpeg2video", "mpeg2video", {"g": "12", "qmin": str(q), "qmax": str(q)}), RATE)
        for q in (4, 5)
    ]
    between = (fixed[0].bits + fixed[1].bits) / 2 / pixels
    found = round_trip(frames, Setting("rate", "mpeg2video", "mpeg2video", {"g": "12"}, between), RATE)
    assert found.bits == fixed[1].bits
    # A rate that nothing keeps gets the coarsest quantiser.
    assert round_trip(frames, Setting("rate", "mpeg2video", "mpeg2video", {}, 1e-6), RATE).bits < found.bits


@pytest.mark.parametrize("setting", [SETTINGS[1], SETTINGS[-1]], ids=lambda setting: setting.name)
def test_equal_runs_give_equal_bits(setting: Setting, frames: list[Frame]) -> None:
    one, other = (round_trip(frames, setting, RATE) for _ in range(2))
    assert one.bits == other.bits
    for a, b in zip(one.frames, other.frames, strict=True):
        assert all(np.array_equal(p, q) for p, q in zip(a.planes, b.planes, strict=True))


@pytest.mark.parametrize("rate", [Fraction(15), Fraction(1199, 50)])
def test_mpeg2_takes_clips_of_any_rate(rate: Fraction, frames: list[Frame]) -> None:
    assert round_trip(frames, SETTINGS[-1], rate).bits == round_trip(frames, SETTINGS[-1], RATE).bits


def test_what_an_encoder_refuses_is_said_in_one_line(frames: list[Frame]) -> None:
    with pytest.raises(SourceError, match=r"^x: the encoder refused a clip of 176x144 \(.*\)$"):
        round_trip(frames, Setting("x", "libx264", "h264", {"profile": "no such"}), RATE)
