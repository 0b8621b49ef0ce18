"""Quality against cost: who is as good for less, and the whole run on a small frame."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_vsr.bench import ladder, ours
from edge_vsr.bench.points import Point, rival, stairs
from edge_vsr.errors import UsageError
from edge_vsr.models.store import Model
from edge_vsr.upscale.engine import Engine

POINT = st.builds(Point, st.text(max_size=3), st.floats(1, 1000), st.floats(20, 40), st.booleans())


@given(POINT, st.lists(POINT, max_size=8))
def test_the_rival_is_ours_no_worse_and_none_such_is_cheaper(peer: Point, points: list[Point]) -> None:
    found = rival(peer, points)
    good = [point for point in points if point.ours and point.psnr_y_db >= peer.psnr_y_db]
    assert (found is None) == (not good)
    if found is not None:
        assert found in good
        assert found.cpu_ms == min(point.cpu_ms for point in good)


@given(st.lists(POINT, max_size=8))
def test_stairs_are_ours_by_cost(points: list[Point]) -> None:
    costs = [point.cpu_ms for point in stairs(points)]
    assert costs == sorted(costs)
    assert len(costs) == sum(point.ours for point in points)


def test_a_peer_that_is_better_than_all_of_ours_is_said_to_be() -> None:
    points = [Point("bicubic", 5, 30, False), Point("net", 1000, 34, False), Point("ours", 100, 33.5, True)]
    assert ladder._verdict(points[1], points) == "10.0 x ours, which is 0.50 dB short of it"
    assert ladder._verdict(Point("net", 300, 33, False), points) == "3.0 x ours"
    assert ladder._verdict(points[0], points) == ""
    assert ladder._verdict(points[2], points) == ""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "set").mkdir()
    rough = cv2.GaussianBlur(np.random.default_rng(0).normal(0, 1, (64, 80, 3)), (0, 0), 2)
    picture = np.clip(128 + 300 * rough, 0, 255).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "set" / "a.png"), picture)
    return tmp_path / "set"


def options(data: Path, model: Model, *more: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    ladder.add_arguments(parser)
    return parser.parse_args(["--data", str(data), "--models", str(model.folder), "--frames", "1", *more])


def test_a_run_measures_prints_and_draws(
    data: Path, whole_model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib")
    climb = ladder.climb
    monkeypatch.setattr(ladder, "climb", lambda *rest: climb(*rest, size=(160, 96)))
    build, seen = ours.build_engine, []

    def spy(*rest: Any, **more: Any) -> Engine:
        seen.extend([more["backend"]] if "backend" in more else [])
        return build(*rest, **more)

    monkeypatch.setattr(ours, "build_engine", spy)
    told, drawn = tmp_path / "a.json", tmp_path / "a.png"
    assert ladder.run(options(data, whole_model, "--json", str(told), "--plot", str(drawn))) == 0
    name = whole_model.manifest.name
    out = capsys.readouterr().out
    assert name in out
    assert "all on ONNX Runtime's CPU provider: ours INT8, tiled" in out
    assert f"{whole_model.manifest.macs_per_px / 1000:.1f}" in out
    assert seen == ["cpu"]
    points = json.loads(told.read_text())["points"]
    assert [(point["name"], point["ours"]) for point in points] == [("bicubic", False), (name, True)]
    assert points[1]["macs_per_px"] == whole_model.manifest.macs_per_px
    assert points[1]["cpu_ms"] > points[0]["cpu_ms"] > 0
    assert cv2.imread(str(drawn)) is not None


def test_no_frame_is_no_measurement(data: Path, shipped_model: Model) -> None:
    with pytest.raises(UsageError, match="--frames must be at least 1"):
        ladder.run(argparse.Namespace(**{**vars(options(data, shipped_model)), "frames": 0}))
