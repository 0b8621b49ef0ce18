"""The quality bench on pictures drawn on the spot: protocol, order of methods, refusals."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from edge_vsr.bench import lpips, ours, quality, stills
from edge_vsr.errors import ModelError, SourceError
from edge_vsr.frame import VideoFormat
from edge_vsr.models.store import Model

Rgb = npt.NDArray[np.uint8]


def drawn(width: int, height: int, seed: int) -> Rgb:
    rng = np.random.default_rng(seed)
    soft = cv2.GaussianBlur(rng.normal(0, 1, (height, width, 3)), (0, 0), 2.5)
    rgb = np.clip(128 + 120 * soft / np.abs(soft).max(), 0, 255).astype(np.uint8)
    for _ in range(6):
        at = (int(rng.integers(0, width)), int(rng.integers(0, height)))
        cv2.circle(rgb, at, int(rng.integers(5, 14)), [int(c) for c in rng.integers(0, 256, 3)], -1, cv2.LINE_AA)
    return rgb


def nearest(scale: int) -> stills.Method:
    return lambda rgb: np.repeat(np.repeat(rgb, scale, axis=0), scale, axis=1)


def bicubic(scale: int) -> stills.Method:
    return lambda rgb: stills.resize_rgb(rgb, rgb.shape[1] * scale, rgb.shape[0] * scale, "bicubic")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A set of two pictures, one of an odd size, and a file that is none."""
    data = tmp_path / "data" / "drawn"
    data.mkdir(parents=True)
    cv2.imwrite(str(data / "a.png"), drawn(64, 48, 0))
    cv2.imwrite(str(data / "b.webp"), drawn(71, 50, 1), [cv2.IMWRITE_WEBP_QUALITY, 101])
    (data / "notes.txt").write_text("not a picture")
    return data


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_interpolation_beats_repetition_and_both_beat_grey(scale: int, folder: Path) -> None:
    table = {
        "nearest": nearest(scale),
        "bicubic": bicubic(scale),
        "grey": lambda rgb: np.full((rgb.shape[0] * scale, rgb.shape[1] * scale, 3), 128, np.uint8),
    }
    scores = quality.score(folder, table, scale)
    assert {score.pictures for score in scores.values()} == {2}
    assert scores["bicubic"].psnr_y_db > scores["nearest"].psnr_y_db > scores["grey"].psnr_y_db
    assert scores["bicubic"].ssim > scores["nearest"].ssim > scores["grey"].ssim


def test_scores_are_means_over_the_pictures(folder: Path, tmp_path: Path) -> None:
    both = quality.score(folder, {"bicubic": bicubic(2)}, 2)["bicubic"]
    (tmp_path / "one").mkdir()
    (folder / "b.webp").rename(tmp_path / "one" / "b.webp")
    alone = [quality.score(place, {"bicubic": bicubic(2)}, 2)["bicubic"] for place in (folder, tmp_path / "one")]
    assert both.psnr_y_db == pytest.approx(np.mean([score.psnr_y_db for score in alone]))
    assert both.ssim == pytest.approx(np.mean([score.ssim for score in alone]))


@pytest.mark.parametrize("scale", [2, 3])
def test_the_protocol_shrinks_crops_and_shaves(scale: int, folder: Path) -> None:
    """What a method gets is the truth cut to a multiple and reduced; its outermost pixels do not count."""
    seen: list[Rgb] = []

    def oracle(rgb: Rgb) -> Rgb:
        seen.append(rgb)
        w, h = ((64, 48), (71, 50))[len(seen) - 1]
        truth = drawn(w, h, len(seen) - 1)[: h // scale * scale, : w // scale * scale, ::-1].copy()
        truth[:scale], truth[-scale:], truth[:, :scale], truth[:, -scale:] = 0, 0, 0, 0
        return truth

    score = quality.score(folder, {"oracle": oracle}, scale)["oracle"]
    assert score.psnr_y_db == 100  # equal pictures
    assert score.ssim == pytest.approx(1)
    assert [rgb.shape for rgb in seen] == [(48 // scale, 64 // scale, 3), (50 // scale, 71 // scale, 3)]
    small = cv2.resize(drawn(64, 48, 0)[..., ::-1], (64 // scale, 48 // scale), interpolation=cv2.INTER_AREA)
    assert np.abs(seen[0].astype(int) - small).mean() < 5


def test_reducing_and_enlarging_leaves_colours_alone() -> None:
    flat = np.tile(np.array([250, 3, 77], np.uint8), (20, 30, 1))
    assert np.all(stills.resize_rgb(flat, 15, 10, "bicubic") == flat[0, 0])
    assert np.all(stills.resize_rgb(flat, 61, 39, "lanczos3") == flat[0, 0])
    assert stills.resize_rgb(flat, 61, 39, "lanczos3").shape == (39, 61, 3)


def test_grey_pictures_are_measured_on_their_codes(tmp_path: Path) -> None:
    grey = drawn(48, 48, 3)[..., 0]
    cv2.imwrite(str(tmp_path / "grey.png"), grey)
    cv2.imwrite(str(tmp_path / "rgb.png"), np.repeat(grey[..., None], 3, axis=2))
    assert [(name, single) for name, _, single in stills.pictures(tmp_path)] == [
        ("grey.png", True),
        ("rgb.png", False),
    ]
    spoilt: stills.Method = lambda rgb: np.clip(bicubic(2)(rgb).astype(int) + 20, 0, 255).astype(np.uint8)  # noqa: E731
    score = quality.score(tmp_path, {"spoilt": spoilt}, 2)["spoilt"]
    (tmp_path / "rgb.png").unlink()
    alone = quality.score(tmp_path, {"spoilt": spoilt}, 2)["spoilt"]
    assert alone.psnr_y_db == pytest.approx(score.psnr_y_db - 10 * np.log10(255 / 219), abs=0.05)


def test_a_bridge_counts_as_grey_only_if_it_is(tmp_path: Path) -> None:
    grey = np.repeat(drawn(48, 48, 3)[..., :1] // 2, 3, axis=2)
    for name, channel in (("grey", 1), ("colour", 40)):
        (tmp_path / name).mkdir()
        picture = grey.copy()
        picture[..., 2] += np.uint8(channel)
        cv2.imwrite(str(tmp_path / name / "bridge.png"), picture)
    found = {name: next(stills.pictures(tmp_path / name))[2] for name in ("grey", "colour")}
    assert found == {"grey": True, "colour": False}


def test_pictures_with_alpha_are_read(tmp_path: Path) -> None:
    rgba = np.dstack([drawn(20, 16, 0), np.full((16, 20), 255, np.uint8)])
    cv2.imwrite(str(tmp_path / "a.png"), rgba)
    ((_, rgb, single),) = stills.pictures(tmp_path)
    assert not single
    assert np.array_equal(rgb, rgba[..., 2::-1])


def test_pictures_of_16_bits_are_brought_to_eight(tmp_path: Path) -> None:
    eight = drawn(20, 16, 0)
    cv2.imwrite(str(tmp_path / "a.png"), eight.astype(np.uint16) * 257)
    ((_, rgb, _),) = stills.pictures(tmp_path)
    assert np.array_equal(rgb, eight[..., ::-1])


def test_the_engine_is_measured_as_it_runs(folder: Path, whole_model: Model) -> None:
    table = stills.methods([str(whole_model.folder)], None, 2, tuple(ours.VARIANTS))
    name = whole_model.manifest.name
    assert list(table) == ["bicubic", "lanczos3", f"{name} fp32", f"{name} int8", f"{name} int8 sym"]
    small = drawn(21, 18, 0)
    for method in table.values():
        out = method(small)
        assert (out.shape, out.dtype) == ((36, 42, 3), np.uint8)
    scores = quality.score(folder, table, 2)
    assert len(scores) == len(table)
    assert all(np.isfinite(score.psnr_y_db) for score in scores.values())
    assert scores[f"{name} int8 sym"].psnr_y_db == pytest.approx(scores[f"{name} fp32"].psnr_y_db, abs=1.0)


@pytest.mark.parametrize("scale", [3, 4])
def test_other_scales_are_reached_as_the_product_reaches_them(scale: int, whole_model: Model) -> None:
    method = stills.methods([str(whole_model.folder)], None, scale)[f"{whole_model.manifest.name} int8"]
    assert method(drawn(21, 18, 0)).shape == (18 * scale, 21 * scale, 3)


def test_stills_count_as_clean(monkeypatch: pytest.MonkeyPatch, whole_model: Model) -> None:
    seen = []
    build = ours.build_engine

    def spy(word: str, form: VideoFormat, *rest: object) -> object:
        seen.append(form.coded)
        return build(word, form, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(ours, "build_engine", spy)
    stills.methods([str(whole_model.folder)], None, 2)[f"{whole_model.manifest.name} int8"](drawn(21, 18, 0))
    assert seen == [False]


def test_the_shipped_model_beats_interpolation(folder: Path, shipped_model: Model) -> None:
    scores = quality.score(folder, stills.methods([str(shipped_model.folder)], None, 2), 2)
    ours_ = scores[f"{shipped_model.manifest.name} int8"]
    assert ours_.psnr_y_db > scores["bicubic"].psnr_y_db + 0.5
    assert ours_.ssim > scores["bicubic"].ssim
    assert ours_.gain_db is not None
    assert ours_.gain_db.mean == pytest.approx(ours_.psnr_y_db - scores["bicubic"].psnr_y_db)
    assert ours_.gain_db.low <= ours_.gain_db.mean <= ours_.gain_db.high
    assert scores["bicubic"].gain_db is None


def test_chroma_is_measured_beside_luma(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.full((40, 40, 3), 100, np.uint8))
    greener: stills.Method = lambda rgb: np.full((40, 40, 3), (100, 104, 100), np.uint8)  # noqa: E731
    found = quality.score(tmp_path, {"greener": greener}, 2)["greener"]
    # MATLAB's rgb2ycbcr: 4 codes of green are 4 * 74.203/255 of Cb and 4 * 93.786/255 of Cr.
    expected = np.mean([20 * np.log10(255 / (4 * gain / 255)) for gain in (74.203, 93.786)])
    assert found.psnr_c_db == pytest.approx(expected, abs=0.01)


def test_lpips_is_a_column_where_its_weights_are(folder: Path) -> None:
    network = lpips.load()
    if network is None:
        pytest.skip(f"the LPIPS weights are not installed: {lpips.HOW_TO_GET}")
    for name, size in (("c", (96, 80)), ("d", (80, 96))):
        cv2.imwrite(str(folder / f"{name}.png"), drawn(*size, 4))
    scores = quality.score(folder, {"bicubic": bicubic(2), "nearest": nearest(2)}, 2, network)
    assert scores["bicubic"].lpips is not None
    assert 0 < scores["bicubic"].lpips < 1


def options(folder: Path, model: Model, *more: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    quality.add_arguments(parser)
    return parser.parse_args(["--data", str(folder), "--models", str(model.folder), *more])


def test_the_table_can_be_read_by_machines(
    folder: Path, whole_model: Model, capsys: pytest.CaptureFixture[str]
) -> None:
    assert quality.run(options(folder.parent, whole_model, "--json")) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["scale"] == 2
    assert list(told["sets"]) == ["drawn"]
    assert told["sets"]["drawn"]["bicubic"]["pictures"] == 2
    keys = {"psnr_y_db", "ssim", "psnr_c_db", "lpips", "gain_db", "pictures"}
    assert set(told["sets"]["drawn"]["bicubic"]) == keys
    assert told["sets"]["drawn"][f"{whole_model.manifest.name} int8"]["gain_db"]["n"] == 2


def test_the_table_can_be_read_by_people(folder: Path, whole_model: Model, capsys: pytest.CaptureFixture[str]) -> None:
    assert quality.run(options(folder, whole_model)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "drawn, x2, 2 pictures" in lines[1]
    assert any(line.split()[0] == "bicubic" for line in lines[2:])


def test_only_the_named_sets_are_measured(folder: Path, whole_model: Model, capsys: pytest.CaptureFixture[str]) -> None:
    other = folder.parent / "other"
    other.mkdir()
    cv2.imwrite(str(other / "c.png"), drawn(48, 48, 2))
    assert quality.run(options(folder.parent, whole_model, "--only", "other", "--json")) == 0
    assert list(json.loads(capsys.readouterr().out)["sets"]) == ["other"]
    with pytest.raises(SourceError, match="holds no set named nowhere"):
        quality.run(options(folder.parent, whole_model, "--only", "nowhere"))


def test_json_can_go_into_a_file_beside_the_table(
    folder: Path, whole_model: Model, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert quality.run(options(folder, whole_model, "--json", str(tmp_path / "a.json"))) == 0
    assert "drawn, x2" in capsys.readouterr().out
    assert list(json.loads((tmp_path / "a.json").read_text())["sets"]) == ["drawn"]


def test_data_that_is_not_there_is_said(tmp_path: Path, whole_model: Model) -> None:
    with pytest.raises(SourceError, match="no such folder"):
        quality.run(options(tmp_path / "nowhere", whole_model))
    with pytest.raises(SourceError, match="holds no lossless pictures"):
        quality.run(options(tmp_path, whole_model))
    (tmp_path / "a.png").write_bytes(b"not a picture")
    with pytest.raises(SourceError, match=r"a\.png: not a readable picture"):
        quality.run(options(tmp_path, whole_model))


def test_a_model_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EDGE_VSR_MODELS", str(tmp_path))
    with pytest.raises(ModelError, match="unknown model"):
        stills.methods(["x9"], None, 2)


def test_a_tiny_picture_still_has_a_score(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "tiny.png"), drawn(14, 14, 0))
    assert np.isfinite(quality.score(tmp_path, {"bicubic": bicubic(2)}, 2)["bicubic"].ssim)
