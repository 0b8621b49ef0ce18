"""Pictures to train on, drawn on the spot."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt


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
