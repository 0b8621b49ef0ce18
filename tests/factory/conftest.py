"""A training set of a few drawn pictures."""

from __future__ import annotations

from pathlib import Path

import cv2
import pytest
from factory_pictures import drawn_photo

from edge_vsr.factory import dataset


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three photos of two samples each, one too small to use, and a file that is no picture."""
    folder = tmp_path_factory.mktemp("photos")
    for index in range(3):
        cv2.imwrite(str(folder / f"{index}.png"), drawn_photo(2 * dataset.HR + 5, dataset.HR + 3, index)[..., ::-1])
    cv2.imwrite(str(folder / "small.png"), drawn_photo(100, 100, 9))
    (folder / "notes.txt").write_text("not a picture")
    return folder


@pytest.fixture(scope="session")
def pairs_folder(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """12 clean samples and 10 coded ones."""
    out = tmp_path_factory.mktemp("pairs")
    dataset.build(photos, None, out, per_photo=2, coded=10, seed=4)
    return out
