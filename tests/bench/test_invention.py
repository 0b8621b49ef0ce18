"""Invention: detail is free, moving what the source says is not."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from edge_vsr.bench.invention import base_of, invention
from edge_vsr.capture.pattern import PatternSource
from edge_vsr.color import Plane
from edge_vsr.frame import Frame

SCALES = pytest.mark.parametrize("scale", [1, 2, 3, 4])


def small() -> Frame:
    return next(PatternSource(66, 66, frame_count=1).frames())


def pair(scale: int) -> tuple[Frame, Frame]:
    """A source and its base, with room above and below."""
    source = small()
    y, u, v = source.planes
    calm: Plane = (y // 2 + 60).astype(np.uint8)
    source = source.with_(planes=(calm, u, v))
    return source, base_of(source, source.width_px * scale, source.height_px * scale)


def with_luma(frame: Frame, luma: npt.NDArray[np.float64]) -> Frame:
    return frame.with_(planes=(luma.astype(np.uint8), *frame.planes[1:]))


@SCALES
def test_the_base_invents_nothing(scale: int) -> None:
    source, base = pair(scale)
    assert invention(base, base, source) == 0


@SCALES
def test_detail_within_blocks_is_no_invention(scale: int) -> None:
    source, base = pair(scale)
    rows, columns = np.indices(base.planes[0].shape)
    assert invention(with_luma(base, base.planes[0] + 20 * ((rows + columns) % 2) - 10.0), base, source) == 0


@SCALES
def test_what_moves_a_block_counts_beyond_the_tolerance(scale: int) -> None:
    source, base = pair(scale)
    luma = base.planes[0].astype(float)
    assert invention(with_luma(base, luma + 1), base, source) == 0
    assert invention(with_luma(base, luma - 6), base, source) == pytest.approx(5)
    half = luma.copy()
    half[: 24 * scale] += 6  # 12 of 33 rows of blocks
    assert invention(with_luma(base, half), base, source) == pytest.approx(5 * 12 / 33)


def test_more_invention_is_more() -> None:
    source, base = pair(2)
    rng = np.random.default_rng(0)
    moved = rng.normal(0, 1, (33, 33)).repeat(4, axis=0).repeat(4, axis=1)
    found = [invention(with_luma(base, np.rint(base.planes[0] + a * moved)), base, source) for a in (0, 2, 4, 8)]
    assert found == sorted(set(found))
