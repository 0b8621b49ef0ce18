"""Cost by stage, the roofline, processes of their own: what is counted, not how long it takes."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import pytest

from edge_vsr.bench import roofline, sizes, speed
from edge_vsr.bench.machine import Child, child, machine
from edge_vsr.bench.roofline import frame_macs
from edge_vsr.bench.sizes import SizeCost, spread
from edge_vsr.bench.stage_costs import ENGINE, make_clip, measure_engine
from edge_vsr.capture.pattern import PatternSource
from edge_vsr.errors import UsageError
from edge_vsr.models.store import Model


def options(*more: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    speed.add_arguments(parser)
    return parser.parse_args([*more])


@pytest.mark.usefixtures("shipped_model")
def test_a_still_stream_costs_no_net_after_its_first_frame() -> None:
    source = PatternSource(192, 144, frame_count=1)
    still = list(source.frames()) * 3
    every, sparse = (measure_engine(source.info.video, "x2", still, sparsity) for sparsity in (0.0, 1.0))
    assert set(every.stages) == set(ENGINE)
    assert every.stages["infer"] > 0 == sparse.stages["infer"]
    assert (every.frames, sparse.frames) == (2, 2)
    assert set(sparse.kinds) == {"reused"}
    assert "reused" not in every.kinds
    assert sum(sparse.kinds.values()) == sum(every.kinds.values())


@pytest.mark.usefixtures("shipped_model")
def test_a_single_frame_is_counted() -> None:
    source = PatternSource(192, 144, frame_count=1)
    assert measure_engine(source.info.video, "x2", list(source.frames()), 1.0).stages["infer"] > 0


def test_multiply_adds_are_those_of_the_picture_and_of_its_halos(shipped_model: Model) -> None:
    net = shipped_model.manifest
    found = frame_macs(net, 1920, 1080)
    assert found.useful == pytest.approx(1920 * 1080 * net.macs_per_px)
    assert 0 < found.halo < 0.3 * found.useful


def test_the_peak_is_measured_where_onnx_is(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnx")
    monkeypatch.setattr(roofline, "_SIDES", (64,))
    found = roofline.peak_gmac_s()
    assert found is not None
    assert found > 0


def test_without_onnx_the_roofline_is_left_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    assert roofline.roofline("balanced", (192, 144), 2, True, 1.0) is None
    assert "The roofline is left out; to have it: pip install onnx" in capsys.readouterr().err


def test_the_share_is_that_of_the_peak(shipped_model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roofline, "peak_gmac_s", lambda: 200.0)
    found = roofline.roofline(str(shipped_model.folder), (1920, 1080), 2, True, 1000.0)
    assert found is not None
    assert found.used_gmac_s == pytest.approx(1920 * 1080 * shipped_model.manifest.macs_per_px / 1e9)
    assert found.share == found.used_gmac_s / 200
    assert found.with_halo_gmac_s > found.used_gmac_s


@pytest.mark.usefixtures("shipped_model")
def test_a_process_of_its_own_tells_what_it_found_and_its_memory() -> None:
    found = child("edge_vsr.bench.sizes:cost_of", "192", "144", "0")
    assert found.told > 0
    assert found.peak_mb > 20
    assert found.wall_s > 0


def test_a_process_that_fails_is_noticed() -> None:
    with pytest.raises(RuntimeError, match=r"child failed: edge_vsr\.bench\.sizes:nothing"):
        child("edge_vsr.bench.sizes:nothing")


def test_the_spread_is_dearest_over_cheapest() -> None:
    assert spread([2.0, 3.0, 2.5]) == 0.5


def test_sizes_are_measured_sparse_and_whole(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    costs = {"0.0": 20.0, "1.0": 10.0}
    monkeypatch.setattr(sizes, "child", lambda work, w, h, sparsity: Child(1.0, float(w), costs[sparsity]))
    assert speed.run(options("--sizes", "--json")) == 0
    found = json.loads(capsys.readouterr().out)["sizes"]
    assert [SizeCost(**one) for one in found] == [
        SizeCost(name, 20.0, 10.0, wide) for name, (wide, _) in sizes.SIZES.items()
    ]
    assert speed.run(options("--sizes")) == 0
    assert "dearest above cheapest" in capsys.readouterr().out


@pytest.mark.usefixtures("shipped_model")
def test_the_report_has_every_stage_both_ways(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("edge_vsr.bench.stage_costs._WIDTH", 192)
    monkeypatch.setattr("edge_vsr.bench.stage_costs._HEIGHT", 144)
    monkeypatch.setattr(roofline, "peak_gmac_s", lambda: 100.0)
    monkeypatch.setattr(speed, "child", lambda work, *rest: Child(1.0, 100.0, 0))
    clip = tmp_path / "clip.mkv"
    make_clip(clip, 3)
    args = ("--clip", str(clip), "--frames", "3", "--to", "x2")
    assert speed.run(options(*args)) == 0
    out = capsys.readouterr().out
    assert all(stage in out for stage in ENGINE)
    assert "tiles, sparse: " in out
    assert "% of 100, a large product's" in out
    assert speed.run(options(*args, "--json")) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found["every_tile"]["stages"]) == set(found["sparse"]["stages"]) == set(ENGINE)
    assert found["machine"] == machine()
    with pytest.raises(UsageError, match="--frames must be at least 1"):
        speed.run(argparse.Namespace(**{**vars(options(*args)), "frames": 0}))
