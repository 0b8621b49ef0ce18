"""What fits before a deadline: prices learnt, work that is still to come kept time for."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np
import pytest

from edge_vsr.models.store import Model
from edge_vsr.upscale import costs
from edge_vsr.upscale.backends.reference import ReferenceBackend
from edge_vsr.upscale.calls import Call
from edge_vsr.upscale.costs import Costs
from edge_vsr.upscale.enlarge import Enlarger
from edge_vsr.upscale.scratch import scratch
from edge_vsr.upscale.tiles import Tile

MS = 1_000_000
TILES = 100


@dataclass
class Clock:
    """Stands for the module ``time``."""

    now: int = 10**9

    def monotonic_ns(self) -> int:
        return self.now

    def spend(self, ns: int) -> int:
        """When it began."""
        self.now += ns
        return self.now - ns


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    told = Clock()
    monkeypatch.setattr(costs, "time", told)
    return told


@pytest.fixture
def learnt(integer_model: Model, clock: Clock) -> Costs:
    """A tile takes 1 ms of a thread, the base of a part 2 ms, adding 60 tiles of 100 10 ms; two threads."""
    net = Enlarger(integer_model.manifest, ReferenceBackend(integer_model))
    found = Costs([net], 4320, TILES, 2)
    for _ in range(40):
        found.note_call(1, clock.spend(8 * MS), 8)
        found.note_base(clock.spend(2 * MS))
        found.note_adding(clock.spend(10 * MS), 60)
    return found


def call(tiles: int) -> Call:
    return Call(1, tuple(range(tiles)), (Tile(0, 0, 0, 0),) * tiles, (27, 40))


def test_a_tile_costs_its_share_of_a_call_and_of_the_adding(learnt: Costs) -> None:
    assert learnt.tile_ns() == pytest.approx([1.2 * MS])  # 10 ms for 60 tiles and 40 more, on both threads


def test_leftover_calls_do_not_spoil_the_price(learnt: Costs, clock: Clock) -> None:
    for _ in range(40):
        learnt.note_call(1, clock.spend(9 * MS), 1)
    assert learnt.tile_ns() == pytest.approx([1.2 * MS])


def test_the_budget_is_what_adding_and_the_base_leave(learnt: Costs, clock: Clock) -> None:
    assert learnt.budget_ns(clock.now + 30 * MS, 5) == pytest.approx((30 - 4) * 2 * MS - 5 * 2 * MS)
    assert learnt.budget_ns(clock.now + 3 * MS, 5) == 0
    assert learnt.budget_ns(clock.now - 3 * MS, 0) == 0


def test_a_call_begins_only_where_it_can_be_ended_and_added_in_time(learnt: Costs, clock: Clock) -> None:
    left = 3
    may_begin = learnt.in_time([call(8), call(8)], clock.now + 20 * MS, lambda: left)
    # 8 ms itself, 3 ms of base on two threads, and 4.8 or 5.6 ms of adding
    assert may_begin(0)
    assert may_begin(1)
    clock.now += round(3.5 * MS)
    assert may_begin(0)
    assert not may_begin(1)
    left = 0
    assert may_begin(1)
    clock.now += 4 * MS
    assert not may_begin(0)


def test_without_a_deadline_everything_may_begin(learnt: Costs) -> None:
    assert learnt.in_time([call(8)], None, lambda: 9)(0)


def test_scratch_is_used_again_by_its_thread_and_by_no_other() -> None:
    first = scratch("a", (3, 5), np.int16)
    assert first.shape == (3, 5)
    assert first.ctypes.data % 64 == 0
    assert np.shares_memory(scratch("a", (2, 2), np.uint8), first)
    assert not np.shares_memory(scratch("b", (3, 5), np.int16), first)
    assert scratch("a", (300, 5), np.float32).shape == (300, 5)
    others: list[np.ndarray] = []
    thread = threading.Thread(target=lambda: others.append(scratch("b", (3, 5), np.int16)))
    thread.start()
    thread.join(10)
    assert not np.shares_memory(others[0], scratch("b", (3, 5), np.int16))
