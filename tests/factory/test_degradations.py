"""What the factory does to good pictures: scaling in place, noise of known size, real codecs that keep order."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from edge_vsr.color import Matrix, Planes, Range
from edge_vsr.factory.codecs import Codec, coded
from edge_vsr.factory.degradations import downscale, to_yuv420


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


def distance(a: Planes, b: Planes) -> float:
    return sum(float(np.square(p.astype(float) - q).mean()) for p, q in zip(a, b, strict=True))


@pytest.mark.parametrize("seed", range(24))
def test_every_codec_gives_back_its_frames_in_order(seed: int) -> None:
    codec, frames = Codec.draw(seed / 24, np.random.default_rng(seed)), moving(7)
    received = coded(frames, [codec])
    assert len(received) == len(frames)
    for t, got in enumerate(received):
        assert [(p.shape, p.dtype) for p in got] == [(p.shape, np.uint8) for p in frames[t]]
        assert min(range(len(frames)), key=lambda i: distance(got, frames[i])) == t


def test_every_kind_of_codec_is_drawn() -> None:
    drawn = [Codec.draw(seed / 24, np.random.default_rng(seed)).name for seed in range(24)]
    assert set(drawn) == {"libx264", "libx265", "mpeg2video", "mpeg4", "libvpx-vp9"}


def test_a_coarser_quantiser_does_more_damage() -> None:
    frames = moving(3)
    fine, coarse = (
        sum(
            distance(a, b)
            for a, b in zip(Codec("mpeg2video", {"qmin": q, "qmax": q}).round_trip(frames), frames, strict=True)
        )
        for q in ("2", "13")
    )
    assert 0 < fine < coarse / 4


def test_a_reduction_leaves_the_picture_in_its_place() -> None:
    """A ramp of R'G'B' shrinks to the ramp's values at the centres of the larger pixels."""
    x, y = np.meshgrid(np.arange(48.0), np.arange(36.0))
    rgb = np.stack([2 * x + y, 100 + x, 50 + 3 * y], axis=-1).astype(np.float32)
    for factor in (2, 3):
        small = downscale(rgb, factor)
        cx, cy = (np.arange(48 // factor) + 0.5) * factor - 0.5, (np.arange(36 // factor) + 0.5) * factor - 0.5
        want = np.stack(np.broadcast_arrays(2 * cx + cy[:, None], 100 + cx, 50 + 3 * cy[:, None]), axis=-1)
        assert np.allclose(small[3:-3, 3:-3], want[3:-3, 3:-3], atol=1e-3)


def test_chroma_is_sited_left_and_between_lines() -> None:
    x, y = np.meshgrid(np.arange(64.0), np.arange(48.0))
    blue = (2 * x + y).astype(np.float32)
    rgb = np.stack([np.zeros_like(blue), np.zeros_like(blue), blue], axis=-1)
    luma, cb, _ = to_yuv420(rgb, Matrix.SMPTE170M, Range.FULL)
    assert (luma.shape, cb.shape) == ((48, 64), (24, 32))
    at = 2 * (2 * np.arange(32)) + (2 * np.arange(24)[:, None] + 0.5)  # luma column 2i, line 2j + 1/2
    inner = (slice(3, -3), slice(3, -3))
    assert np.abs(cb.astype(float) - (128 + at / 2))[inner].max() <= 0.5 + 1e-3
    assert np.abs(luma.astype(float) - 0.114 * blue)[inner].max() <= 0.5 + 1e-3


@pytest.mark.parametrize("range_", Range)
@pytest.mark.parametrize("matrix", [Matrix.BT709, Matrix.SMPTE170M])
def test_grey_has_no_chroma(matrix: Matrix, range_: Range) -> None:
    grey = np.repeat(np.random.default_rng(0).uniform(0, 255, (16, 16, 1)), 3, axis=2).astype(np.float32)
    _, cb, cr = to_yuv420(grey, matrix, range_)
    assert np.all(cb == 128)
    assert np.all(cr == 128)
