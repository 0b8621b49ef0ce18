"""What a net is judged by: the loss it learns from, and the gain it is watched by."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from edge_vsr.factory.dataset import Pairs
from edge_vsr.factory.feed import Recipe, as_batch, held_indices, window
from edge_vsr.factory.networks import YuvNet


def charbonnier(error: Tensor, smooth: float) -> Tensor:
    """Smooth L1 in code values; quadratic below about ``smooth``."""
    return torch.sqrt(error * error + smooth * smooth).mean() - smooth


def loss_of(out: Tensor, luma: Tensor, chroma: Tensor, recipe: Recipe) -> Tensor:
    split = luma.shape[1]
    errors = charbonnier(out[:, :split] - luma, recipe.smooth), charbonnier(out[:, split:] - chroma, recipe.smooth)
    return errors[0] + recipe.chroma_weight * errors[1]


def gains_db(net: YuvNet, pairs: Pairs, recipe: Recipe) -> tuple[float, float]:
    """PSNR-Y over the base on the clean and on the coded samples held back; NaN where there are none."""
    halo, scale = net.config.depth, net.config.scale
    side = pairs.low_side // 2
    found = []
    for indices in held_indices(pairs):
        errors = []
        for index in indices:
            picture, luma, _ = as_batch(
                [window(pairs, int(index), (0, 0), side, halo, scale)], scale, conditioned=recipe.conditioned
            )
            with torch.no_grad():
                left = luma - net(picture)[:, : luma.shape[1]]
            errors.append((float(luma.square().mean()) + 0.1, float(left.square().mean()) + 0.1))
        found.append(float(np.mean([10 * np.log10(before / after) for before, after in errors])) if errors else np.nan)
    return found[0], found[1]
