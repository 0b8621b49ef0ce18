"""Figures of a package: measured, written into its manifest, told on its card."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import cv2
import pytest
from factory_pictures import drawn_photo

from edge_vsr.factory import evaluate
from edge_vsr.models import store
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


def run(folder: Path, data: Path, sets: list[str], monkeypatch: pytest.MonkeyPatch) -> Model:
    monkeypatch.setattr(sys, "argv", ["evaluate", "--model", str(folder), "--data", str(data), "--sets", *sets])
    evaluate.main()
    return store.find(str(folder))


def test_what_was_measured_is_in_the_manifest_and_on_the_card(
    packaged: Path, data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = store.find(str(packaged)).manifest
    model = run(packaged, data, ["set5"], monkeypatch)
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
    run(packaged, data, ["holiday_photos"], monkeypatch)
    assert "| holiday_photos |" in (packaged / "CARD.md").read_text()
