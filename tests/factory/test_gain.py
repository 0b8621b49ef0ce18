"""What the router expects of a net: fitted to gains that are known, written where the device reads it."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from factory_pictures import drawn_photo
from hypothesis import given
from hypothesis import strategies as st

from edge_vsr.factory import gain
from edge_vsr.models import store
from edge_vsr.models.store import Model
from edge_vsr.upscale.gains import FEATURES

COUNT = len(FEATURES)


def samples(weights: list[float], noise: float = 0.0) -> gain.Samples:
    rng = np.random.default_rng(3)
    features = rng.gamma(1.0, 4.0, (300, COUNT))
    return gain.Samples(features, features @ np.array(weights) + noise * rng.normal(size=300))


@given(st.lists(st.floats(0.01, 5), min_size=COUNT, max_size=COUNT))
def test_weights_that_made_the_gains_are_found(weights: list[float]) -> None:
    assert gain.fit(samples(weights)) == pytest.approx(weights, rel=1e-2, abs=1e-3)


def test_what_works_against_a_gain_weighs_nothing() -> None:
    found = gain.fit(samples([0.5, -0.4, 0.0, 0.2], noise=0.1))
    assert min(found) >= 0
    assert found[1] == 0
    assert found[0] > 0.1


def test_the_share_of_the_gain_grows_to_all_of_it_and_is_most_for_the_best_ranking() -> None:
    known = samples([1.0, 0.0, 0.0, 0.0])
    chance = np.random.default_rng(1).permutation(len(known.fall)).astype(np.float64)
    for share in (0.2, 0.5, 0.8):
        assert gain.held(known, known.fall, share) > gain.held(known, chance, share)
    assert gain.held(known, chance, 1.0) == pytest.approx(1.0)


@pytest.mark.parametrize("source", ["coded", "clean"])
def test_the_manifest_and_nothing_else_is_told(
    source: str,
    factory_model: Model,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = Path(shutil.copytree(factory_model.folder, tmp_path / "model"))
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"source": "any"', f'"source": "{source}"'))
    (tmp_path / "clips" / "drawn").mkdir(parents=True)
    photo = drawn_photo(200, 140, 3)
    for index in range(3):
        cv2.imwrite(str(tmp_path / "clips" / "drawn" / f"{index}.png"), photo[:128, index : index + 192, ::-1])
    before = store.find(str(folder))
    options = ["--model", str(folder), "--clips", str(tmp_path / "clips"), "--frames", "1"]
    monkeypatch.setattr(sys, "argv", ["gain", *options])
    gain.main()
    after = store.find(str(folder))
    assert len(after.manifest.gain) == COUNT
    assert min(after.manifest.gain) >= 0
    assert after.manifest.files == before.manifest.files
    assert after.manifest.figures == before.manifest.figures
    assert "of the gain" in capsys.readouterr().out
