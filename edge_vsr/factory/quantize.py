"""From a trained net to integers: the layers of the device, exactly as every backend must compute them.

A layer is ``q_out = clip(rint((sum(q_in * w) + bias) * multiplier[c]), low, high)`` in int32 and float32:
0..255 (asym) or 0..127 (sym) after a ReLU, -128..127 for the residual. The picture is code value - 128,
weights are int8 per output channel and the same in both variants.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from edge_vsr.errors import ModelError
from edge_vsr.factory.networks import ACTIVATION_LEVELS, INPUT_UNIT, OUTPUT_UNIT, WEIGHT_LEVELS, YuvNet


@dataclass(frozen=True)
class IntLayer:
    """weight (O, I, 3, 3) int8; bias (O,) int32 in units of scale_in * scale_weight; scales float32."""

    weight: npt.NDArray[np.int8]
    bias: npt.NDArray[np.int32]
    scale_in: np.float32
    scale_weight: npt.NDArray[np.float32]
    scale_out: np.float32


def float_layers(net: YuvNet) -> list[tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]]:
    """Plain kernels and biases that take code values - 128 and give the residual in code values."""
    if not net.config.plain:
        raise ModelError("the device computes convolutions and ReLU only: no attention, no gate")
    with torch.no_grad():
        layers = [
            (k.numpy().copy(), layer.bias.numpy().copy())
            for k, layer in zip(net.plain_kernels(), net.layers, strict=True)
        ]
    layers[0] = (layers[0][0] / np.float32(INPUT_UNIT), layers[0][1])
    layers[-1] = (layers[-1][0] * np.float32(OUTPUT_UNIT), layers[-1][1] * np.float32(OUTPUT_UNIT))
    return layers


def int_layers(net: YuvNet, kind: str) -> list[IntLayer]:
    """Round a net that was trained (or calibrated) with ``quantised`` on to the integers it was trained on."""
    clips = [float(c) for c in net.clips.detach()]
    scales = [np.float32(v) for v in (1.0, *(c / ACTIVATION_LEVELS[kind] for c in clips), net.config.step)]
    finest = [1.0, *(c / max(ACTIVATION_LEVELS.values()) for c in clips)]
    layers = []
    for index, (kernel, bias) in enumerate(float_layers(net)):
        widest = np.abs(kernel).max(axis=(1, 2, 3)) / WEIGHT_LEVELS
        # A bias must stay an exact float32 integer, also where a channel has hardly any weight.
        least = np.maximum(np.abs(bias) / finest[index] / 2**23, 1e-12)
        scale_weight = np.maximum(widest, least).astype(np.float32)
        steps = np.rint(kernel / scale_weight[:, None, None, None])
        weight = np.clip(steps, -WEIGHT_LEVELS, WEIGHT_LEVELS).astype(np.int8)
        whole_bias = np.rint(bias / (scales[index] * scale_weight)).astype(np.int32)
        layers.append(IntLayer(weight, whole_bias, scales[index], scale_weight, scales[index + 1]))
    return layers


def save_reference(variants: dict[str, list[IntLayer]], path: Path) -> None:
    """The integers of all variants as one .npz: what the numpy reference backend runs."""
    arrays: dict[str, npt.NDArray[np.generic]] = {}
    for kind, layers in variants.items():
        for index, layer in enumerate(layers):
            arrays[f"weight{index}"], arrays[f"{kind}_bias{index}"] = layer.weight, layer.bias
            arrays[f"{kind}_multiplier{index}"] = (layer.scale_in * layer.scale_weight / layer.scale_out).astype(
                np.float32
            )
    np.savez(path, allow_pickle=False, **arrays)
