"""The training set: what is stored is what the device will see, and lies where the truth lies."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from factory_pictures import drawn_photo

from edge_vsr.bench.metrics import psnr
from edge_vsr.color import BT709_LIMITED, Matrix, Range
from edge_vsr.errors import UsageError
from edge_vsr.factory import dataset
from edge_vsr.factory.dataset import BASE_KERNEL, HR, PARTS, Pairs
from edge_vsr.factory.degradations import downscale, to_yuv420
from edge_vsr.frame import ChromaLayout, Frame, default_siting
from edge_vsr.upscale.analyse.condition import condition
from edge_vsr.upscale.resample import KERNELS, resample_frame

Sample = dict[str, npt.NDArray[np.uint8]]


@pytest.fixture
def pairs(pairs_folder: Path) -> Pairs:
    return Pairs.open(pairs_folder)


def samples(pairs: Pairs) -> Iterator[Sample]:
    for index in range(len(pairs.parts["cond"])):
        yield {name: part[index] for name, part in pairs.parts.items()}


def test_a_built_set_opens_with_everything_in_it(pairs: Pairs, pairs_folder: Path) -> None:
    assert pairs.clean == 12
    assert {n: (p.shape, p.dtype) for n, p in pairs.parts.items()} == {
        **{n: ((22, side, side), np.uint8) for n, side in PARTS.items()},
        "cond": ((22, 2), np.uint8),
    }
    head = json.loads((pairs_folder / "head.json").read_text())
    assert (head["clean"], head["coded"], head["photos"], head["clips"]) == (12, 10, 6, [])
    assert all(sample["hr_y"].std() > 3 for sample in samples(pairs))  # no slot was left empty


def test_what_is_opened_cannot_be_written(pairs: Pairs) -> None:
    with pytest.raises(ValueError, match="read-only"):
        pairs.parts["lr_y"][0, 0, 0] = 1


def test_the_same_seed_builds_the_same_set(photos: Path, pairs: Pairs, tmp_path: Path) -> None:
    dataset.build(photos, None, tmp_path, per_photo=2, coded=0, seed=4)
    again = Pairs.open(tmp_path)
    assert np.array_equal(again.parts["lr_y"], pairs.parts["lr_y"][:12])
    assert np.array_equal(again.parts["hr_u"], pairs.parts["hr_u"][:12])


def test_the_stored_base_is_the_devices_own(pairs: Pairs) -> None:
    layout = ChromaLayout.YUV420
    for sample in samples(pairs):
        low = Frame((sample["lr_y"], sample["lr_u"], sample["lr_v"]), 8, layout, BT709_LIMITED, default_siting(layout))
        base = resample_frame(low, HR, HR, KERNELS[BASE_KERNEL], layout, low.siting)
        assert all(np.array_equal(base.planes[i], sample[f"base_{c}"]) for i, c in enumerate("yuv"))


def test_the_stored_condition_is_the_devices_own(pairs: Pairs) -> None:
    for index, sample in enumerate(samples(pairs)):
        seen = condition(np.ascontiguousarray(sample["lr_y"]), coded=index >= pairs.clean)
        assert sample["cond"].tolist() == [seen.noise, seen.coding]


def shifted_scores(base: npt.NDArray[np.uint8], true: npt.NDArray[np.uint8]) -> tuple[float, list[float]]:
    """PSNR in place, and against the truth moved one pixel left, right, up and down."""
    inner = np.s_[8:-8, 8:-8]
    moves = [(1, 1), (-1, 1), (1, 0), (-1, 0)]
    return psnr(base[inner], true[inner]), [psnr(base[inner], np.roll(true, by, axis)[inner]) for by, axis in moves]


@pytest.mark.parametrize("matrix", [Matrix.BT709, Matrix.SMPTE170M])
@pytest.mark.parametrize("seed", [0, 1])
def test_base_and_truth_lie_on_each_other(matrix: Matrix, seed: int) -> None:
    true = drawn_photo(HR, HR, seed).astype(np.float32)
    low = np.clip(np.rint(downscale(true, 2)), 0, 255)
    sample = dataset.make_sample(
        to_yuv420(low, matrix, Range.LIMITED), to_yuv420(true, matrix, Range.LIMITED), coded=False
    )
    for plane in "yuv":
        here, elsewhere = shifted_scores(sample[f"base_{plane}"], sample[f"hr_{plane}"])
        assert here > max(elsewhere) + 3
        for one_way, other_way in (elsewhere[:2], elsewhere[2:]):
            assert one_way == pytest.approx(other_way, abs=1.0)  # in the middle, not merely nearer


def test_every_stored_sample_lies_on_its_truth(pairs: Pairs) -> None:
    gains = []
    for sample in samples(pairs):
        scores = [shifted_scores(sample[f"base_{plane}"], sample[f"hr_{plane}"]) for plane in "yuv"]
        gains.append(min(here - max(elsewhere) for here, elsewhere in scores))
    assert min(gains[: pairs.clean]) > 1
    assert np.mean(gains[pairs.clean :]) > 0
    assert min(gains[pairs.clean :]) > -1  # a starved encoder lets its blocks lag behind


def test_severity_rises_and_clean_samples_have_none(tmp_path: Path, photos: Path) -> None:
    plan = dataset.Plan(photos, None, tmp_path, 1, coded=95, seed=2)
    severity = plan.severity(clean=6)
    assert (severity.shape, severity.dtype) == ((101,), np.float32)
    assert not severity[:6].any()
    assert np.all(np.diff(severity[6:]) >= 0)
    assert 0 < severity[6] < severity[-1] < 1
    assert len(np.unique(severity[6:])) == 10  # shots
    assert sorted(number for number, _ in plan.shots()) == list(range(10))


def same(a: Pairs, b: Pairs) -> bool:
    return all(np.array_equal(part, b.parts[name]) for name, part in a.parts.items())


def test_the_set_does_not_depend_on_the_number_of_processes(photos: Path, pairs: Pairs, tmp_path: Path) -> None:
    dataset.build(photos, None, tmp_path, per_photo=2, coded=10, seed=4, processes=2)
    again = Pairs.open(tmp_path)
    assert same(again, pairs)
    assert np.array_equal(again.severity, pairs.severity)


@pytest.fixture(scope="module")
def scaled(request: pytest.FixtureRequest, photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Pairs:
    out = tmp_path_factory.mktemp("scaled")
    dataset.build(photos, None, out, per_photo=1, coded=4, seed=6, scale=request.param)
    return Pairs.open(out)


@pytest.mark.parametrize("scaled", [1, 3, 4], indirect=True)
def test_sets_of_every_scale_lie_on_their_truth(scaled: Pairs) -> None:
    assert scaled.low_side == HR // scaled.scale
    assert scaled.clean == (6 if scaled.scale > 1 else 0)
    assert {n: p.shape[1:] for n, p in scaled.parts.items() if n != "cond"} == {
        n: (side, side) for n, side in dataset.part_sides(scaled.scale).items()
    }
    for sample in samples(scaled):
        here, elsewhere = shifted_scores(sample["base_y"], sample["hr_y"])
        assert here > max(elsewhere)
    for index in range(scaled.clean):
        assert best_shift(np.roll(scaled.parts["hr_y"][index], 1, axis=1), scaled.parts["hr_y"][index])[0] > 0.8
        for plane in ("hr_y", "hr_u", "hr_v"):
            at = best_shift(scaled.parts[plane.replace("hr", "base")][index], scaled.parts[plane][index])
            assert np.abs(at).max() < 0.03


def best_shift(base: npt.NDArray[np.uint8], true: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """How far the base lies from the truth, (x, y) in pixels: least squares on what both can show (Lucas, Kanade)."""
    soft, goal = (cv2.GaussianBlur(p.astype(np.float64), (0, 0), 4)[16:-16, 16:-16] for p in (base, true))
    slope = np.stack([np.gradient(goal, axis=1).ravel(), np.gradient(goal, axis=0).ravel()], axis=-1)
    return np.linalg.lstsq(slope, (goal - soft).ravel(), rcond=None)[0]


@pytest.mark.parametrize("scaled", [1], indirect=True)
def test_at_scale_one_the_base_is_what_came(scaled: Pairs) -> None:
    for sample in samples(scaled):
        assert np.array_equal(sample["base_y"], sample["lr_y"])
        assert np.array_equal(sample["base_u"], sample["lr_u"])


def test_the_lightest_coded_samples_are_all_but_clean() -> None:
    photos = [drawn_photo(HR, HR, seed) for seed in range(4)]
    rng = np.random.default_rng(3)
    clean = [next(dataset.clean_samples(photo, 1, 2, rng)) for photo in photos]
    light = [s for _ in range(3) for s in dataset.coded_samples(photos, [], 4, 2, 0.0, rng)]
    scores = [np.median([psnr(s["base_y"], s["hr_y"]) for s in group]) for group in (clean, light)]
    assert scores[1] == pytest.approx(scores[0], abs=1.5)


def test_a_set_of_the_first_kind_opens_as_x2(pairs_folder: Path, tmp_path: Path) -> None:
    for path in pairs_folder.glob("*.npy"):
        if path.stem != "severity":
            (tmp_path / path.name).symlink_to(path)
    (tmp_path / "head.json").write_text('{"clean": 12, "coded": 10}')
    old = Pairs.open(tmp_path)
    assert (old.scale, old.low_side, old.clean) == (2, HR // 2, 12)
    assert old.severity.tolist() == [0.0] * 12 + [1.0] * 10


def test_an_unfinished_set_does_not_open(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset.build(photos, None, tmp_path, per_photo=1, coded=0, seed=1)
    monkeypatch.setattr(dataset, "fill", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        dataset.build(photos, None, tmp_path, per_photo=1, coded=0, seed=1)
    with pytest.raises(UsageError, match="holds no finished set"):
        Pairs.open(tmp_path)


def test_a_folder_without_usable_photos_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no photo of at least 288 px"):
        dataset.build(tmp_path, None, tmp_path / "out", per_photo=1, coded=0, seed=1)
    with pytest.raises(UsageError, match=r"--photos .*nowhere: no such folder"):
        dataset.build(tmp_path / "nowhere", None, tmp_path / "out", per_photo=1, coded=0, seed=1)
    with pytest.raises(UsageError, match=r"--clips .*nowhere: no such folder"):
        dataset.build(tmp_path, tmp_path / "nowhere", tmp_path / "out", per_photo=1, coded=0, seed=1)


def test_a_worker_whose_parent_is_gone_stops(pairs_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone(Exception):  # noqa: N818
        pass

    def leave(code: int) -> None:
        raise Gone

    np.save(pairs_folder / "photos.npy", np.zeros((1, HR, HR, 3), np.uint8))
    monkeypatch.setattr(dataset, "parent_process", lambda: SimpleNamespace(is_alive=lambda: False))
    monkeypatch.setattr(os, "_exit", leave)
    with pytest.raises(Gone):
        dataset.fill(dataset.Plan(pairs_folder, None, pairs_folder, 1, 0, 1), 0, 1)
    (pairs_folder / "photos.npy").unlink()


def test_windows_of_a_shot_are_all_different() -> None:
    places = dataset._places((2 * HR, 2 * HR, 3), 7, HR, np.random.default_rng(0))
    assert len({next(places) for _ in range(28)}) == 28
    t, y, x = next(places)  # and then they come again
    assert 0 <= t < 7
    assert {y, x} <= {0, HR}


def test_a_low_picture_has_half_the_side() -> None:
    assert (PARTS["lr_y"], PARTS["lr_u"], PARTS["hr_u"]) == (HR // 2, HR // 4, HR // 2)


def test_a_teachers_answers_stand_for_the_truth_of_clean_samples(photos: Path, tmp_path: Path) -> None:
    """A teacher that repeats every pixel: the truth of the set then is the low picture, repeated."""
    onnx = pytest.importorskip("onnx")
    info, helper = onnx.helper.make_tensor_value_info, onnx.helper
    scales = helper.make_tensor("scales", onnx.TensorProto.FLOAT, [4], [1.0, 1.0, 2.0, 2.0])
    node = helper.make_node(
        "Resize",
        ["rgb", "", "scales"],
        ["rgb_up"],
        mode="nearest",
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )
    shape = ["n", 3, "h", "w"]
    graph = helper.make_graph(
        [node],
        "twice",
        [info("rgb", onnx.TensorProto.FLOAT, shape)],
        [info("rgb_up", onnx.TensorProto.FLOAT, ["n", 3, "h2", "w2"])],
        [scales],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.save(model, tmp_path / "twice.onnx")
    dataset.build(photos, None, tmp_path / "set", per_photo=1, coded=0, seed=4, teacher=tmp_path / "twice.onnx")
    taught = Pairs.open(tmp_path / "set")
    assert json.loads((tmp_path / "set" / "head.json").read_text())["teacher"] == "twice"
    low = taught.parts["lr_y"].repeat(2, axis=1).repeat(2, axis=2)
    assert np.abs(taught.parts["hr_y"].astype(int) - low).max() <= 1
