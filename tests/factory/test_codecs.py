"""The encoders: real ones that keep order, worse where they are told to be, the same bits every time."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
import pytest
from factory_pictures import drawn_photo

from edge_vsr.bench.metrics import psnr
from edge_vsr.color import Matrix, Planes, Range
from edge_vsr.factory.codecs import ENCODERS, LEAST_DB, Codec, Encoder, coded, draw_encoder, draw_generations
from edge_vsr.factory.degradations import to_yuv420

by_name = pytest.mark.parametrize("encoder", ENCODERS, ids=[e.name for e in ENCODERS])


def moving(count: int, width: int = 80, height: int = 60) -> list[Planes]:
    """Soft texture that moves three pixels a frame, chroma that tells frames apart."""
    rng = np.random.default_rng(0)
    soft = cv2.GaussianBlur(rng.normal(0, 60, (height, width)), (0, 0), 1.5) * 3 + 128
    frames = []
    for t in range(count):
        luma = np.clip(np.roll(soft, 3 * t, axis=1), 0, 255).astype(np.uint8)
        chroma = [np.full((height // 2, width // 2), code, np.uint8) for code in (100 + 5 * t, 128)]
        frames.append((luma, chroma[0], chroma[1]))
    return frames


@lru_cache
def photo_pan(count: int = 6) -> list[Planes]:
    """A photo through a window of 160x128 that moves by two pixels a frame."""
    wide = drawn_photo(160 + 2 * count, 128, 3).astype(np.float32)
    return [to_yuv420(wide[:, 2 * t : 2 * t + 160], Matrix.SMPTE170M, Range.LIMITED) for t in range(count)]


def distance(a: Planes, b: Planes) -> float:
    return sum(float(np.square(p.astype(float) - q).mean()) for p, q in zip(a, b, strict=True))


def quality(received: list[Planes], sent: list[Planes]) -> float:
    return float(np.mean([psnr(a[0], b[0]) for a, b in zip(received, sent, strict=True)]))


@pytest.mark.parametrize("seed", range(24))
def test_every_codec_gives_back_its_frames_in_order(seed: int) -> None:
    codec, frames = Codec.draw(seed / 24, np.random.default_rng(seed)), moving(7)
    received = coded(frames, [codec])
    assert len(received) == len(frames)
    for t, got in enumerate(received):
        assert [(p.shape, p.dtype) for p in got] == [(p.shape, np.uint8) for p in frames[t]]
        assert min(range(len(frames)), key=lambda i: distance(got, frames[i])) == t


def test_encoders_come_in_their_shares() -> None:
    rng = np.random.default_rng(0)
    drawn = [draw_encoder(rng).name for _ in range(2000)]
    assert sum(e.share for e in ENCODERS) == pytest.approx(1)
    for encoder in ENCODERS:
        assert drawn.count(encoder.name) / 2000 == pytest.approx(encoder.share, abs=0.03)


@by_name
def test_the_lightest_is_all_but_lossless_and_the_worst_is_plainly_bad(encoder: Encoder) -> None:
    scores = []
    for severity in (0.0, 0.5, 1.0):
        rng = np.random.default_rng(1)
        scores.append(np.mean([quality(coded(photo_pan(), [c]), photo_pan()) for c in draws(encoder, severity, rng)]))
    light, middle, heavy = scores
    assert light > 40
    assert light > middle + 2
    assert middle > heavy + 2
    assert 27 < heavy < 38


def draws(encoder: Encoder, severity: float, rng: np.random.Generator) -> list[Codec]:
    return [Codec.draw(severity, rng, encoder) for _ in range(4)]


@by_name
def test_equal_runs_give_equal_bits(encoder: Encoder) -> None:
    codec = Codec.draw(0.5, np.random.default_rng(3), encoder)
    once, again = (codec.round_trip(photo_pan()) for _ in range(2))
    assert all(np.array_equal(p, q) for a, b in zip(once, again, strict=True) for p, q in zip(a, b, strict=True))


@pytest.mark.parametrize("name", ["mpeg2video", "mpeg4", "libx264"])
def test_a_held_rate_is_held(name: str) -> None:
    scores = [
        quality(Codec(name, {"g": "12"}, bits_per_px=rate).round_trip(photo_pan()), photo_pan())
        for rate in (2.0, 0.5, 0.12)
    ]
    assert scores[0] > scores[1] + 2
    assert scores[1] > scores[2] + 2


def test_a_rate_that_starves_the_picture_is_raised() -> None:
    starved = Codec("libx264", {"g": "12"}, bits_per_px=0.02, least_db=LEAST_DB[0])
    assert quality(starved.round_trip(photo_pan()), photo_pan()) < 28
    assert quality(coded(photo_pan(), [starved]), photo_pan()) > LEAST_DB[0] - 0.5


def test_predicted_frames_carry_damage_of_their_own() -> None:
    """With one key frame the later ones are predicted: not the same error as when each stands alone."""
    alone, chained = (Codec("mpeg2video", {"g": g, "qmin": "8", "qmax": "8"}).round_trip(photo_pan()) for g in "19")
    assert np.array_equal(alone[0][0], chained[0][0])
    assert not np.array_equal(alone[4][0], chained[4][0])


def test_two_generations_are_worse_than_one() -> None:
    rng = np.random.default_rng(5)
    once, twice = [], []
    for _ in range(6):
        first, last = draw_generations(0.6, rng, twice=1.0)
        assert first.name != last.name
        once.append(quality(coded(photo_pan(), [last]), photo_pan()))
        twice.append(quality(coded(photo_pan(), [first, last]), photo_pan()))
    assert np.mean(twice) < np.mean(once) - 0.3


def test_second_generations_come_by_chance() -> None:
    rng = np.random.default_rng(0)
    counts = [len(draw_generations(0.5, rng, twice=0.3)) for _ in range(500)]
    assert counts.count(2) / 500 == pytest.approx(0.3, abs=0.06)
    assert set(counts) == {1, 2}
