"""CPU time: a warm-up, then the median; peers are timed on the whole frame."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge_vsr.bench import cost
from edge_vsr.bench.rgb import Rgb
from edge_vsr.capture.pattern import PatternSource


def test_the_first_call_warms_up_and_the_median_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    took = iter([5.0, 90.0, 7.0])
    calls: list[int] = []
    monkeypatch.setattr(cost, "cpu_ms", lambda work: (work(), next(took))[1])
    assert cost.median_cpu_ms(lambda: calls.append(1), 3) == 7.0
    assert len(calls) == 4


def test_peers_see_the_whole_frame_every_time(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, ...]] = []

    def method(rgb: Rgb) -> Rgb:
        seen.append(rgb.shape)
        return np.zeros_like(rgb)

    monkeypatch.setattr(cost, "load_peers", lambda folder, scale: {f"net x{scale}": method})
    frame = next(PatternSource(96, 64, frame_count=1).frames())
    assert list(cost.peer_costs(Path(), frame, 2, 2)) == ["net x2"]
    assert seen == [(64, 96, 3)] * 3
