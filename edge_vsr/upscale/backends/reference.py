"""The living definition: an INT8 net in plain numpy, every integer as the others must compute it.

Per layer ``q = clip(rint((sum(q_in * w) + bias) * multiplier), low, high)``. Products are summed in float32,
which is exact as long as the largest possible sum stays below 2^24 (checked when loading); layers that
could exceed it are summed in float64.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge_vsr.errors import ModelError
from edge_vsr.models.store import Model
from edge_vsr.upscale.backends.backend import Picture, Residual

_EXACT_FLOAT32 = 1 << 24
_ZERO = 128
_PEAKS = {"asym": 255, "sym": 127}


@dataclass(frozen=True)
class _Layer:
    weight: npt.NDArray[np.floating]  # (O, I * 9)
    bias: npt.NDArray[np.float32]
    multiplier: npt.NDArray[np.float32]


class ReferenceBackend:
    """Runs ``weights.npz`` of a package; slow, exact, everywhere."""

    name = "reference"
    zero = _ZERO

    def __init__(self, model: Model, kind: str = "asym") -> None:
        self._peak = _PEAKS[kind]
        self.step = model.manifest.residual_step
        try:
            with np.load(model.file("reference")) as arrays:
                self._layers = [
                    _load(
                        arrays[f"weight{i}"],
                        arrays[f"{kind}_bias{i}"],
                        arrays[f"{kind}_multiplier{i}"],
                        self._peak if i else _ZERO,
                    )
                    for i in range(model.manifest.depth)
                ]
        except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
            raise ModelError(f"model {model.manifest.name}: weights cannot be read: {error}") from error

    def run(self, picture: Picture) -> Residual:
        x = picture.astype(np.float32) - _ZERO
        last = len(self._layers) - 1
        for index, layer in enumerate(self._layers):
            low, high = (-128, 127) if index == last else (0, self._peak)
            total = _correlate(x, layer.weight) + layer.bias[:, None, None]
            x = np.clip(np.rint(total.astype(np.float32) * layer.multiplier[:, None, None]), low, high)
        return (x + _ZERO).astype(np.uint8)

    def close(self) -> None:
        self._layers = []


def _load(
    weight: npt.NDArray[np.int8], bias: npt.NDArray[np.int32], multiplier: npt.NDArray[np.float32], peak: int
) -> _Layer:
    worst = np.abs(weight.astype(np.int64)).sum(axis=(1, 2, 3)).max() * peak + np.abs(bias.astype(np.int64)).max()
    dtype = np.float32 if worst < _EXACT_FLOAT32 else np.float64
    return _Layer(weight.reshape(len(weight), -1).astype(dtype), bias.astype(np.float32), multiplier)


def _correlate(x: npt.NDArray[np.float32], weight: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """Valid 3x3 correlation of (N, I, H, W) with (O, I * 9)."""
    n, _, h, w = x.shape
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(2, 3))  # (N, I, H-2, W-2, 3, 3)
    columns = windows.transpose(0, 1, 4, 5, 2, 3).reshape(n, -1, (h - 2) * (w - 2)).astype(weight.dtype)
    return np.asarray(weight @ columns).reshape(n, len(weight), h - 2, w - 2)
