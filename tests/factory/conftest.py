"""A training set of a few drawn pictures."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from edge_vsr.factory import dataset


def drawn_photo(width: int, height: int, seed: int) -> npt.NDArray[np.uint8]:
    """Coloured detail with the spectrum of photographs, and a few hard edges; R'G'B'."""
    rng = np.random.default_rng(seed)
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    frequency[0, 0] = 1
    layers = []
    for _ in range(3):
        spectrum = (rng.normal(size=frequency.shape) + 1j * rng.normal(size=frequency.shape)) / frequency**1.4
        layer = np.fft.irfft2(spectrum, (height, width))
        layers.append(125 + 35 * layer / layer.std())
    photo = np.clip(np.stack(layers, axis=-1), 0, 255).astype(np.uint8)
    for _ in range(12):
        x, y, r = (int(rng.integers(0, width)), int(rng.integers(0, height)), int(rng.integers(9, 40)))
        cv2.circle(photo, (x, y), r, [int(c) for c in rng.integers(0, 256, 3)], -1, cv2.LINE_AA)
    return photo


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
