"""Bootstrap intervals against the normal theory, and the same on every run."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_vsr.bench.intervals import interval


def test_a_large_sample_gets_the_interval_of_normal_theory() -> None:
    values = list(np.random.default_rng(4).normal(3.0, 2.0, 400))
    found = interval(values)
    half = 1.96 * np.std(values) / np.sqrt(400)
    assert found.mean == pytest.approx(np.mean(values))
    assert found.low == pytest.approx(found.mean - half, abs=0.1 * half)
    assert found.high == pytest.approx(found.mean + half, abs=0.1 * half)
    assert found.n == 400


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=12))
def test_it_holds_the_mean_stays_inside_the_values_and_is_always_the_same(values: list[float]) -> None:
    found = interval(values)
    assert min(values) - 1e-9 <= found.low <= found.mean + 1e-9
    assert found.mean - 1e-9 <= found.high <= max(values) + 1e-9
    assert interval(values) == found


def test_of_one_or_two_values_the_range_is_said() -> None:
    assert str(interval([0.25])) == "+0.250 (n=1)"
    assert str(interval([1.0, 2.0])) == "+1.500 (+1.000..+2.000)"
    assert str(interval([1.0, 1.0, 1.0])) == "+1.000 [+1.000, +1.000]"
