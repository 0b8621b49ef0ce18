"""A few threads that share one list of tasks. Every task computes on the thread that runs it.

Two tasks side by side on a thread each cost less CPU time than one after the other on two threads, and nothing
waits for the slower half. Tasks of many short steps get in each other's way, for each step wants the interpreter:
they go best beside tasks of few long ones.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

Task = Callable[[], None]


class Workers:
    """``count`` threads, the caller's among them; the others start with the first list that needs them."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._pool: ThreadPoolExecutor | None = None

    def run(
        self,
        tasks: Sequence[Task],
        may_begin: Callable[[int], bool] = lambda index: True,
        beside: Sequence[Task] = (),
    ) -> int:
        """Run tasks in order; the number that were begun, which are then done.

        may_begin: asked before each task; once it says no, no more of them are begun. beside: taken in turn with them,
        and all done. Raises what a task raised first.
        """
        lock, failures = threading.Lock(), list[BaseException]()
        left, begun, stopped = deque(beside), 0, False

        def take() -> Task | None:
            nonlocal begun, stopped
            with lock:
                if failures:
                    return None
                if left and len(beside) - len(left) <= begun:
                    return left.popleft()
                stopped = stopped or begun == len(tasks) or not may_begin(begun)
                if not stopped:
                    begun += 1
                    return tasks[begun - 1]
                return left.popleft() if left else None

        def work() -> None:
            while task := take():
                try:
                    task()
                except BaseException as error:  # raised by the caller's thread, below
                    failures.append(error)

        helpers = min(self.count, len(tasks) + len(beside)) - 1
        if helpers > 0 and self._pool is None:
            self._pool = ThreadPoolExecutor(self.count - 1, "edge-vsr-tiles")
        others = [self._pool.submit(work) for _ in range(helpers)] if self._pool and helpers > 0 else []
        work()
        for other in others:
            other.result()
        if failures:
            raise failures[0]
        return begun

    def close(self) -> None:
        """Let the threads end; may be called twice, and ``run`` may follow."""
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None
