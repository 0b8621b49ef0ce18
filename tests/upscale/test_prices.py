"""Prices of work: neither a hiccup nor a wrong first guess may set them, a slower machine must."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_vsr.upscale.prices import WINDOW, Prices

NS = st.integers(1, 10**9)


def noted(first: float, *measured: int) -> float:
    prices = Prices({"work": first})
    for ns in measured:
        prices.note("work", ns)
    return prices.price_ns("work")


def test_before_any_measurement_the_first_price_counts() -> None:
    assert noted(700.0) == 700.0


def test_what_was_never_heard_of_has_no_price() -> None:
    with pytest.raises(KeyError):
        Prices({}).price_ns("work")


def test_a_kind_is_learned_and_others_do_not_hear_of_it() -> None:
    prices = Prices({"work": 5})
    prices.note("other", 9)
    assert (prices.price_ns("work"), prices.price_ns("other")) == (5, 9)


@given(NS, st.lists(NS, min_size=1, max_size=3 * WINDOW))
def test_a_price_is_one_of_what_was_seen_lately(first: int, measured: list[int]) -> None:
    assert noted(first, *measured) in [first, *measured][-WINDOW:]


@given(NS, st.lists(NS, max_size=2 * WINDOW), NS, NS)
def test_a_slower_measurement_never_makes_it_cheaper(first: int, measured: list[int], ns: int, more: int) -> None:
    assert noted(first, *measured, ns + more) >= noted(first, *measured, ns)


@given(st.lists(st.integers(900, 1100), min_size=1, max_size=2 * WINDOW), st.data())
def test_a_hiccup_never_sets_the_price(measured: list[int], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(measured)))
    assert noted(1000, *measured[:at], 10**9, *measured[at:]) <= 1100


@given(st.permutations(range(WINDOW)), st.integers(0, 7))
def test_a_quarter_of_hiccups_is_borne(order: list[int], hiccups: int) -> None:
    assert noted(1000, *(10**9 if place < hiccups else 1000 + place for place in order)) < 1000 + WINDOW


@given(st.lists(st.integers(900, 1100), max_size=2 * WINDOW), st.integers(2, 50))
def test_a_lasting_slowdown_is_followed_within_half_a_window(before: list[int], times: int) -> None:
    assert noted(1000, *before, *[1000 * times] * (WINDOW // 2)) == 1000 * times


@given(st.lists(st.integers(900, 1100), max_size=2 * WINDOW), st.integers(1, 800))
def test_a_lasting_speed_up_is_followed_within_a_window(before: list[int], ns: int) -> None:
    assert noted(1000, *before, *[ns] * WINDOW) == ns


@given(st.integers(1, 10**6), st.integers(1, 100))
def test_a_wrong_first_price_is_forgotten_after_two_measurements(right: int, times: int) -> None:
    assert noted(right * times, right, right) == right
    assert noted(right / times, right, right) == right
