"""The training set: what is stored is what the device will see, and lies where the truth lies."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest
from factory_pictures import drawn_photo

from edge_vsr.bench.metrics import psnr
from edge_vsr.color import BT709_LIMITED, Matrix, Range
from edge_vsr.factory import dataset, shots
from edge_vsr.factory.dataset import BASE_KERNEL, HR, LR, PARTS, Pairs
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


def test_only_usable_photos_are_cut(photos: Path) -> None:
    cut = shots.read_photos(photos, HR)
    assert len(cut) == 6
    assert all(photo.shape == (HR, HR, 3) and photo.dtype == np.uint8 for photo in cut)
    assert np.array_equal(cut[0], drawn_photo(2 * HR + 5, HR + 3, 0)[:HR, :HR])


def test_turns_are_the_eight_of_a_square() -> None:
    photo = np.arange(4 * 4 * 3, dtype=np.uint8).reshape(4, 4, 3)
    seen = {shots.turned(photo, np.random.default_rng(seed)).tobytes() for seed in range(80)}
    assert len(seen) == 8


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six frames of a pan, a little larger than a sample and not a multiple of 4."""
    path = tmp_path_factory.mktemp("clips") / "pan.mp4"
    wall = drawn_photo(HR + 60, HR + 14, 5)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(25), options={"preset": "ultrafast", "crf": "4"})
        stream.width, stream.height, stream.pix_fmt = HR + 14, HR + 14, "yuv420p"
        for t in range(6):
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(wall[:, 3 * t : 3 * t + HR + 14]), format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return path


def test_a_clip_gives_consecutive_frames_cut_to_a_multiple_of_four(clip: Path) -> None:
    shot = shots.clip_shot(clip, np.random.default_rng(0), frames=4).frames
    assert [frame.shape for frame in shot] == [(HR + 12, HR + 12, 3)] * 4
    for a, b in pairwise(shot):
        assert psnr(b[:, :-3], a[:, 3:]) > psnr(b, a) + 3


def test_a_clip_shorter_than_a_shot_gives_what_it_has(clip: Path) -> None:
    assert len(shots.clip_shot(clip, np.random.default_rng(0), frames=20).frames) == 6


def test_samples_from_clips_lie_on_their_truth(clip: Path, photos: Path) -> None:
    rng = np.random.default_rng(2)
    made = list(dataset.coded_samples(shots.read_photos(photos, HR), [clip], 12, 2, 0.2, rng))
    assert len(made) == 12
    for sample in made:
        assert {n: p.shape for n, p in sample.items() if n != "cond"} == {n: (s, s) for n, s in PARTS.items()}
        here, elsewhere = shifted_scores(sample["base_y"], sample["hr_y"])
        assert here > max(elsewhere)


def test_three_photos_are_enough() -> None:
    cut = [drawn_photo(HR, HR, seed) for seed in range(3)]
    assert len(list(dataset.coded_samples(cut, [], 2, 2, 0.5, np.random.default_rng(0)))) == 2


def test_a_low_picture_has_half_the_side() -> None:
    assert (LR, PARTS["lr_y"], PARTS["lr_u"], PARTS["hr_u"]) == (HR // 2, LR, LR // 2, LR)


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
