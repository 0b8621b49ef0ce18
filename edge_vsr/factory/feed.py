"""What a run is fed: the recipe of a run, and endless batches drawn from the sample pairs as it says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from edge_vsr.factory.dataset import LR, Pairs
from edge_vsr.factory.networks import pack_luma

Feed = Iterator[tuple[Tensor, Tensor, Tensor]]


@dataclass(frozen=True)
class Recipe:
    """All that decides a run besides the data."""

    minutes: float
    lr: float = 2e-3
    batch: int = 16
    patch: int = 48  # low-resolution blocks of 2x2 a side, halo included
    clean_share: float = 0.6
    chroma_weight: float = 0.25
    teacher_weight: float = 0.0
    integers: bool = False  # train on the device's integer grid, taught by the parent too
    smooth: float = 1.0  # errors below this many code values count squared
    ema: float = 0.999
    seed: int = 1


def batches(pairs: Pairs, recipe: Recipe, halo: int, scale: int, first_step: int = 0) -> Feed:
    """Endless (picture, true residual luma 4x4 packed, true residual chroma 2x2 packed) batches."""
    rng = np.random.default_rng([recipe.seed, first_step])
    total, p = len(pairs.parts["cond"]), recipe.patch
    core = p - 2 * halo
    while True:
        clean = rng.random(recipe.batch) < recipe.clean_share
        picks = [int(rng.integers(0, pairs.clean) if c else rng.integers(pairs.clean, total)) for c in clean]
        pictures, lumas, chromas = [], [], []
        for i, (y, x) in zip(picks, rng.integers(0, LR // 2 - p + 1, (recipe.batch, 2)), strict=True):
            part = pairs.parts
            low = (
                part["lr_y"][i, 2 * y : 2 * (y + p), 2 * x : 2 * (x + p)]
                .reshape(p, 2, p, 2)
                .transpose(1, 3, 0, 2)
                .reshape(4, p, p)
            )
            chroma = [part[f"lr_{c}"][i, y : y + p, x : x + p][None] for c in "uv"]
            planes = [np.full((1, p, p), value, np.uint8) for value in part["cond"][i]]
            pictures.append(np.concatenate([low, *chroma, *planes]))
            lumas.append(_residual(part, "y", i, (y + halo) * 2 * scale, (x + halo) * 2 * scale, core * 2 * scale))
            chromas.append(
                np.stack([_residual(part, c, i, (y + halo) * scale, (x + halo) * scale, core * scale) for c in "uv"])
            )
        picture = torch.from_numpy(np.stack(pictures)).float() - 128.0
        luma, chroma_r = torch.from_numpy(np.stack(lumas))[:, None].float(), torch.from_numpy(np.stack(chromas)).float()
        if rng.random() < 0.5:  # only up and down: chroma is sited to the left
            picture = picture.flip(2)[:, [2, 3, 0, 1, 4, 5, 6, 7]]
            luma, chroma_r = luma.flip(2), chroma_r.flip(2)
        yield picture, pack_luma(luma, 2 * scale), F.pixel_unshuffle(chroma_r, scale)


def _residual(
    part: dict[str, npt.NDArray[np.uint8]], name: str, i: int, y: int, x: int, side: int
) -> npt.NDArray[np.int16]:
    window = np.s_[i, y : y + side, x : x + side]
    return np.subtract(part[f"hr_{name}"][window], part[f"base_{name}"][window], dtype=np.int16)
