"""CPU time of a piece of work, of all threads: what can be compared on a busy machine."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from edge_vsr.bench.peers import load_peers
from edge_vsr.bench.rgb import to_rgb
from edge_vsr.frame import Frame


def cpu_ms(work: Callable[[], object]) -> float:
    """Of one call."""
    begin = time.process_time_ns()
    work()
    return (time.process_time_ns() - begin) / 1e6


def median_cpu_ms(work: Callable[[], object], times: int) -> float:
    """Of one call, the median of ``times`` after one to warm up."""
    work()
    return statistics.median(cpu_ms(work) for _ in range(times))


def peer_costs(peers: Path, frame: Frame, scale: int, times: int) -> dict[str, float]:
    """CPU ms of every peer's net on the whole frame as R'G'B', by name. Raises SourceError."""
    rgb, costs = to_rgb(frame), {}
    for name, method in load_peers(peers, scale).items():
        costs[name] = median_cpu_ms(lambda method=method: method(rgb), times)  # type: ignore[misc]
        print(f"cost: {name}", file=sys.stderr)
    return costs
