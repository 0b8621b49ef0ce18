"""Figures of a package: measured, written into its manifest, told on its card."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import cv2
import msgspec
import pytest
from factory_pictures import drawn_photo

from edge_vsr.bench.video_score import Tools
from edge_vsr.errors import UsageError
from edge_vsr.factory import evaluate
from edge_vsr.factory.card import card
from edge_vsr.models import store
from edge_vsr.models.manifest import MANIFEST, read_manifest
from edge_vsr.models.store import Model


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for name in ("set5", "holiday_photos"):
        (tmp_path / "data" / name).mkdir(parents=True)
        cv2.imwrite(str(tmp_path / "data" / name / "a.png"), drawn_photo(64, 48, 3)[..., ::-1])
    return tmp_path / "data"


@pytest.fixture
def packaged(factory_model: Model, tmp_path: Path) -> Path:
    return Path(shutil.copytree(factory_model.folder, tmp_path / "model"))


def run(folder: Path, monkeypatch: pytest.MonkeyPatch, *options: str) -> Model:
    monkeypatch.setattr(sys, "argv", ["evaluate", "--model", str(folder), *options])
    evaluate.main()
    return store.find(str(folder))


def changed(folder: Path, **changes: object) -> Path:
    """The package with other words in its manifest."""
    manifest = msgspec.structs.replace(read_manifest(folder), **changes)
    (folder / MANIFEST).write_bytes(msgspec.json.encode(manifest))
    return folder


@pytest.fixture
def clips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One short clip; VMAF and LPIPS have their own tests."""
    monkeypatch.setattr(evaluate.video, "tools_here", lambda: Tools(None, None))
    folder = tmp_path / "clips" / "drawn"
    folder.mkdir(parents=True)
    photo = drawn_photo(104, 80, 3)
    for index in range(2):
        cv2.imwrite(str(folder / f"{index}.png"), photo[:72, index : index + 96, ::-1])
    return tmp_path / "clips"


def test_what_was_measured_is_in_the_manifest_and_on_the_card(
    packaged: Path, data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = store.find(str(packaged)).manifest
    model = run(packaged, monkeypatch, "--data", str(data), "--sets", "set5")
    figures = model.manifest.figures
    assert set(figures) == {
        f"set5_{method}_{measure}" for method in ("bicubic", "fp32", "int8", "sym") for measure in ("psnr_y_db", "ssim")
    }
    assert figures["set5_int8_psnr_y_db"] == pytest.approx(figures["set5_fp32_psnr_y_db"], abs=1.0)
    assert model.manifest.files == before.files
    assert all(model.file(kind).is_file() for kind in model.manifest.files)
    card = (packaged / "CARD.md").read_text()
    assert f"| set5 | {figures['set5_bicubic_psnr_y_db']:.2f} |" in card
    assert "tiny, version 1" in card
    assert "set5_bicubic_psnr_y_db" in capsys.readouterr().out


def test_a_set_may_have_an_underscore_in_its_name(packaged: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(packaged, monkeypatch, "--data", str(data), "--sets", "holiday_photos")
    assert "| holiday_photos |" in (packaged / "CARD.md").read_text()


def test_a_net_for_both_kinds_is_measured_on_both(
    packaged: Path, data: Path, clips: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = run(packaged, monkeypatch, "--data", str(data), "--sets", "set5", "--clips", str(clips))
    figures = model.manifest.figures
    assert figures["coded_pairs"] == 5
    gain = figures["coded_int8_psnr_y_db"] - figures["coded_bicubic_psnr_y_db"]
    assert figures["coded_gain_psnr_y_db_mean"] == pytest.approx(gain, abs=2e-4)
    assert figures["coded_gain_psnr_y_db_low"] <= gain + 1e-3
    text = (packaged / "CARD.md").read_text()
    assert "| set5 |" in text
    assert f"| PSNR-Y, dB | {figures['coded_bicubic_psnr_y_db']:.2f} |" in text
    assert "means over 5 pairs" in text
    assert "interval" not in text  # of one clip
    assert figures["coded_clips"] == 1
    assert "coded_" not in text


def test_a_net_for_coded_pictures_is_measured_on_clips_only(
    packaged: Path, data: Path, clips: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed(packaged, source="coded", name="x2-other", rung="fast")
    model = run(packaged, monkeypatch, "--data", str(data), "--sets", "set5", "--clips", str(clips))
    assert all(key.startswith("coded_") for key in model.manifest.figures)
    text = (packaged / "CARD.md").read_text()
    assert "# x2-other, version 1" in text
    assert "Rung of the ladder: fast." in text
    assert "Made for pictures that a lossy codec has touched." in text
    assert "Clean pictures, PSNR" not in text


def test_a_net_for_clean_pictures_is_measured_on_stills_only(
    packaged: Path, data: Path, clips: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed(packaged, source="clean")
    model = run(packaged, monkeypatch, "--data", str(data), "--sets", "set5", "--clips", str(clips))
    assert not any(key.startswith("coded_") for key in model.manifest.figures)


def test_what_was_not_given_is_said(packaged: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changed(packaged, source="coded")
    with pytest.raises(UsageError, match="is for coded sources at x2: give it --clips"):
        run(packaged, monkeypatch, "--data", str(data))


@pytest.mark.parametrize(("scale", "does"), [(1, "Cleans"), (2, "Doubles"), (3, "Trebles"), (4, "Quadruples")])
def test_the_card_of_every_scale_says_what_it_does(scale: int, does: str, factory_model: Model) -> None:
    figures = {"coded_pairs": 10.0}
    figures.update({f"coded_{m}_psnr_y_db": 30.0 for m in ("bicubic", "int8")})
    figures.update({f"coded_gain_psnr_y_db_{edge}": 0.5 for edge in ("mean", "low", "high")})
    manifest = msgspec.structs.replace(factory_model.manifest, scale=scale, figures=figures)
    text = card(manifest)
    assert f"{does} 4:2:0 video" in text
    assert f"| measure | {'as decoded' if scale == 1 else 'bicubic'} | INT8 |" in text
    assert "PSNR-Y gain over" in text
    many = msgspec.structs.replace(manifest, figures={**figures, "coded_clips": 6.0})
    assert "+0.50 dB, 95 % bootstrap interval +0.50 to +0.50 (6 clips" in card(many)
    assert "Not measured yet" in card(msgspec.structs.replace(manifest, figures={}))


@pytest.mark.parametrize(
    ("teacher", "says"),
    [
        ("", None),
        ("ecbsr_m6c40_x2", "ECBSR-M6C40, Zhang et al. 2021, weights under Apache-2.0"),
        ("span_x2", "another net (span_x2)"),
    ],
)
def test_the_card_names_the_net_that_answered_for_the_truth(
    teacher: str, says: str | None, factory_model: Model
) -> None:
    history = {"a samples": json.dumps({"teacher": teacher} if teacher else {"clean": 3}), "a steps": 4}
    text = card(msgspec.structs.replace(factory_model.manifest, trained=history))
    assert ("answered for the truth" in text) == bool(says)
    assert says is None or says in text
