"""The guard: what a block says as a whole is bounded, what it shows in detail is not touched."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from edge_vsr.upscale.guard import bounded, tolerance

STEP, ZERO = 0.75, 128
Array = npt.NDArray[Any]
FACTORS = st.integers(1, 4)
LIMITS = st.floats(0.1, 12)


@st.composite
def residuals(draw: st.DrawFn, least: int = 0, most: int = 255) -> tuple[Array, int]:
    """A tile of integers, and how many times larger its net makes a picture."""
    factor = draw(FACTORS)
    shape = (6 * factor**2, draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    return draw(hnp.arrays(np.uint8, shape, elements=st.integers(least, most))), factor


def means(residual: Array, factor: int, step: float = STEP, zero: int = ZERO) -> Array:
    """Of the luma of each block, in code values."""
    return np.asarray(step * (residual[: 4 * factor**2].astype(np.float64).mean(axis=0) - zero))


@given(residuals(), LIMITS)
def test_no_block_is_moved_further_than_allowed(drawn: tuple[Array, int], limit: float) -> None:
    residual, factor = drawn
    found = bounded(residual.copy(), STEP, ZERO, factor, limit)
    assert np.abs(means(found, factor)).max() <= limit + STEP / 2 + 1e-4


@given(residuals(least=90, most=160), LIMITS)
def test_detail_is_not_touched(drawn: tuple[Array, int], limit: float) -> None:
    residual, factor = drawn
    moved = bounded(residual.copy(), STEP, ZERO, factor, limit).astype(int) - residual
    luma, chroma = moved[: 4 * factor**2], moved[4 * factor**2 :]
    assert (luma == luma[0]).all()
    assert not chroma.any()


@given(residuals(), LIMITS)
def test_blocks_within_the_limit_stay_as_they_are(drawn: tuple[Array, int], limit: float) -> None:
    residual, factor = drawn
    found = bounded(residual.copy(), STEP, ZERO, factor, limit)
    within = np.abs(means(residual, factor)) <= limit
    assert np.array_equal(found[:, within], residual[:, within])


@given(residuals(), LIMITS)
def test_a_block_never_moves_away_nor_across_the_limit(drawn: tuple[Array, int], limit: float) -> None:
    residual, factor = drawn
    before, after = means(residual, factor), means(bounded(residual.copy(), STEP, ZERO, factor, limit), factor)
    assert (np.abs(after) <= np.abs(before)).all()
    assert (np.abs(after) >= np.minimum(np.abs(before), limit) - STEP / 2 - 1e-4).all()


@given(residuals(), LIMITS)
def test_bounding_twice_is_bounding_once(drawn: tuple[Array, int], limit: float) -> None:
    residual, factor = drawn
    once = bounded(residual.copy(), STEP, ZERO, factor, limit)
    assert np.array_equal(bounded(once.copy(), STEP, ZERO, factor, limit), once)


@given(residuals(), LIMITS)
def test_code_values_are_bounded_exactly(drawn: tuple[Array, int], limit: float) -> None:
    integers, factor = drawn
    residual = (integers.astype(np.float32) - ZERO) * np.float32(STEP)
    found = bounded(residual.copy(), 1.0, 0, factor, limit)
    assert np.abs(means(found, factor, 1.0, 0)).max() <= limit + 1e-4
    wanted = np.clip(means(residual, factor, 1.0, 0), -limit, limit)
    assert means(found, factor, 1.0, 0) == pytest.approx(wanted, abs=1e-4)
    assert np.array_equal(found[4 * factor**2 :], residual[4 * factor**2 :])


def test_the_work_is_done_in_place_in_a_batch_too() -> None:
    batch = np.full((2, 24, 4, 5), ZERO + 40, np.uint8)
    assert bounded(batch[1], STEP, ZERO, 2, 3.0).base is batch
    assert (batch[0] == ZERO + 40).all()
    assert (batch[1, :16] == ZERO + 4).all()
    assert (batch[1, 16:] == ZERO + 40).all()


def test_a_slice_is_bounded_in_place_too() -> None:
    wide = np.full((24, 4, 9), ZERO + 40, np.uint8)
    bounded(wide[:, :, 2:5], STEP, ZERO, 2, 3.0)
    assert (wide[:16, :, 2:5] == ZERO + 4).all()
    assert (wide[:16, :, 5:] == ZERO + 40).all()


@given(st.floats(0, 200), st.floats(0, 1), st.floats(0, 20), st.floats(0, 1))
def test_the_poorer_the_source_the_less_is_allowed(noise: float, coding: float, more: float, worse: float) -> None:
    assert tolerance(noise + more, coding) <= tolerance(noise, coding)
    assert tolerance(noise, min(1.0, coding + worse)) <= tolerance(noise, coding)
    assert STEP <= tolerance(noise, coding) <= 4
