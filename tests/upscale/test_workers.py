"""Threads that share a list of tasks: every task once, in order, none begun after a failure or a late hour."""

from __future__ import annotations

import threading

import pytest

from edge_vsr.upscale.workers import Workers

COUNTS = [1, 2, 5]


@pytest.fixture(params=COUNTS)
def workers(request: pytest.FixtureRequest) -> Workers:
    return Workers(request.param)


def threads() -> int:
    return sum(thread.name.startswith("edge-vsr-tiles") for thread in threading.enumerate())


@pytest.mark.parametrize("tasks", [0, 1, 2, 40])
def test_every_task_runs_once(tasks: int, workers: Workers) -> None:
    ran: list[int] = []
    assert workers.run([lambda index=index: ran.append(index) for index in range(tasks)]) == tasks  # type: ignore[misc]
    assert sorted(ran) == list(range(tasks))
    workers.close()


def test_tasks_are_begun_in_order(workers: Workers) -> None:
    asked: list[int] = []

    def may_begin(index: int) -> bool:
        asked.append(index)
        return True

    workers.run([lambda: None] * 30, may_begin)
    assert asked == list(range(30))
    workers.close()


def test_one_worker_runs_tasks_in_order_on_the_callers_thread() -> None:
    ran: list[tuple[int, int]] = []
    before = threads()
    alone = Workers(1)
    alone.run([lambda index=index: ran.append((index, threading.get_ident())) for index in range(9)])  # type: ignore[misc]
    assert ran == [(index, threading.get_ident()) for index in range(9)]
    assert threads() == before
    alone.close()


def test_one_task_needs_no_other_thread() -> None:
    before, workers = threads(), Workers(4)
    workers.run([lambda: None])
    assert threads() == before
    workers.close()


def test_two_workers_are_at_work_at_once() -> None:
    meeting, workers = threading.Barrier(2, timeout=20), Workers(2)
    assert workers.run([lambda: (meeting.wait(), None)[1]] * 2) == 2
    workers.close()


def test_once_nothing_may_begin_nothing_more_is_asked_or_begun(workers: Workers) -> None:
    ran: list[int] = []
    asked: list[int] = []

    def may_begin(index: int) -> bool:
        asked.append(index)
        return index != 6  # later ones would be allowed again

    tasks = [lambda index=index: ran.append(index) for index in range(20)]
    assert workers.run(tasks, may_begin) == 6
    assert sorted(ran) == list(range(6))
    assert asked == list(range(7))
    workers.close()


def test_what_was_begun_is_done_when_run_returns() -> None:
    workers, slow, done = Workers(2), threading.Event(), []

    def first() -> None:
        slow.wait(20)
        done.append("first")

    def second() -> None:
        slow.set()

    workers.run([first, second])
    assert done == ["first"]
    workers.close()


def test_an_error_is_raised_and_nothing_more_is_begun() -> None:
    ran: list[int] = []

    def fail() -> None:
        raise ValueError("the third")

    tasks = [*[lambda index=index: ran.append(index) for index in range(2)], fail, lambda: ran.append(9)]
    with pytest.raises(ValueError, match="the third"):
        Workers(1).run(tasks)
    assert ran == [0, 1]


def test_the_first_error_is_raised_and_the_workers_live_on(workers: Workers) -> None:
    ran: list[int] = []

    def fail() -> None:
        ran.append(0)
        raise ValueError("every time")

    with pytest.raises(ValueError, match="every time"):
        workers.run([fail] * 40)
    assert len(ran) <= workers.count
    assert workers.run([lambda: None] * 7) == 7
    workers.close()


def test_an_error_on_another_thread_reaches_the_caller() -> None:
    both, workers, caller = threading.Barrier(2, timeout=20), Workers(2), threading.get_ident()

    def task() -> None:
        both.wait()
        if threading.get_ident() != caller:
            raise ValueError("over there")

    with pytest.raises(ValueError, match="over there"):
        workers.run([task, task])
    workers.close()


def test_workers_may_be_closed_twice_and_used_again(workers: Workers) -> None:
    before = threads()
    for _ in range(2):
        assert workers.run([lambda: None] * 8) == 8
        workers.close()
        workers.close()
        assert threads() == before


# -- tasks beside others ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("tasks", "beside"), [(0, 5), (5, 0), (3, 9), (9, 3), (1, 1)])
def test_every_task_beside_others_is_done_too(tasks: int, beside: int, workers: Workers) -> None:
    ran: list[str] = []
    first, others = [lambda: ran.append("task")] * tasks, [lambda: ran.append("beside")] * beside
    assert workers.run(first, beside=others) == tasks
    assert (ran.count("task"), ran.count("beside")) == (tasks, beside)
    workers.close()


def test_tasks_beside_others_are_done_however_late_it_is(workers: Workers) -> None:
    ran: list[str] = []
    tasks, others = [lambda: ran.append("task")] * 6, [lambda: ran.append("beside")] * 8
    assert workers.run(tasks, lambda index: index < 2, others) == 2
    assert (ran.count("task"), ran.count("beside")) == (2, 8)
    workers.close()


def test_the_two_kinds_are_taken_in_turn() -> None:
    ran: list[str] = []
    Workers(1).run([lambda: ran.append("task")] * 3, beside=[lambda: ran.append("beside")] * 3)
    assert ran == ["beside", "task"] * 3


def test_an_error_beside_stops_both_kinds() -> None:
    ran: list[str] = []

    def fail() -> None:
        raise ValueError("beside")

    with pytest.raises(ValueError, match="beside"):
        Workers(1).run([lambda: ran.append("task")] * 4, beside=[fail, lambda: ran.append("beside")])
    assert ran == []
