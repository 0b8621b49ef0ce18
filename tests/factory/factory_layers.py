"""Layers of random integers for the exporters: any widths, scales that fit one another."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from edge_vsr.factory.quantize import IntLayer


def random_layers(widths: tuple[int, ...], seed: int = 1, step: float = 0.75) -> list[IntLayer]:
    """Layers between these widths whose activations use most of their levels."""
    rng = np.random.default_rng(seed)
    scales = [np.float32(1.0), *(np.float32(s) for s in rng.uniform(0.01, 0.02, len(widths) - 2)), np.float32(step)]
    layers = []
    for index, (c_in, c_out) in enumerate(pairwise(widths)):
        weight = rng.integers(-127, 128, (c_out, c_in, 3, 3)).astype(np.int8)
        spread = 73 * 73 * np.sqrt(9 * c_in)  # of a sum of products of random bytes
        scale_weight = (60 * scales[index + 1] / scales[index] / spread * rng.uniform(0.7, 1.3, c_out)).astype(
            np.float32
        )
        bias = rng.integers(-20_000, 20_000, c_out).astype(np.int32)
        layers.append(IntLayer(weight, bias, scales[index], scale_weight, scales[index + 1]))
    return layers
