"""What a run is fed: the recipe of a run, and the batch of each of its steps, drawn from the sample pairs.

A batch depends on the recipe and the step alone, so that a run that was killed goes on as if it had not been.
Every 50th coded shot, whole, and the clean samples of the last photos are held back to watch the run by.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from edge_vsr.errors import UsageError
from edge_vsr.factory.dataset import WINDOWS, Pairs
from edge_vsr.factory.networks import pack_luma

Batch = tuple[Tensor, Tensor, Tensor]  # picture, true residual luma packed, true residual chroma packed
_HELD_CLEAN, _HELD_SHOT_STEP = 32, 50
_EASY = 0.25  # share of the coded samples, lightest first, that a curriculum starts with


@dataclass(frozen=True)
class Recipe:
    """All that decides a run besides the data, the net and the parent."""

    steps: int
    muon: bool = True  # steps on the kernels; Adam alone otherwise
    lr: float = 0.02  # Muon's
    adam_lr: float = 1.5e-3
    batch: int = 16
    patch: int = 32  # low-resolution blocks of 2x2 a side, halo included
    clean_share: float = 0.5
    curriculum: float = 0.0  # share of the steps over which harder coded samples join; 0: all from the start
    chroma_weight: float = 0.15
    teacher_weight: float = 0.0
    integers: bool = False  # train on the device's integer grid
    conditioned: bool = True  # tell the net how noisy and how badly coded the picture is
    smooth: float = 3.0  # code values below which errors count squared
    ema: float = 0.999
    seed: int = 1


def held_indices(pairs: Pairs) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Clean and coded samples that no step sees: whole shots, for their samples are alike; of a lone shot its first."""
    held = min(_HELD_CLEAN, pairs.clean // 4)
    coded = np.arange(pairs.clean, len(pairs.parts["cond"]))
    shots = -(-len(coded) // WINDOWS)
    if shots < 2:
        held_coded = coded[: len(coded) > 1]
    else:
        first = min(_HELD_SHOT_STEP, shots) // 2  # from the middle of each fifty, which run from light to hard
        held_coded = coded[np.isin(np.arange(len(coded)) // WINDOWS, np.arange(first, shots, _HELD_SHOT_STEP))]
    return np.arange(pairs.clean - held, pairs.clean), held_coded


def training_indices(pairs: Pairs) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Clean samples, and coded ones from light to hard, without those held back."""
    clean, coded = held_indices(pairs)
    everything = np.arange(len(pairs.parts["cond"]))
    return everything[: pairs.clean - len(clean)], np.setdiff1d(everything[pairs.clean :], coded)


def refuse_unfit(pairs: Pairs, recipe: Recipe, halo: int) -> None:
    """Say at once what would fail at some step, or be trained on nothing. Raises UsageError."""
    if recipe.steps < 1 or recipe.batch < 1:
        raise UsageError("--steps and --batch must be at least 1")
    least, most = 2 * halo + 1, pairs.low_side // 2
    if not least <= recipe.patch <= most:
        raise UsageError(f"--patch must be {least} (twice the depth, and one) to {most} (a whole sample)")
    for kind, share, indices in zip(
        ("clean", "coded"), (recipe.clean_share, 1 - recipe.clean_share), training_indices(pairs), strict=True
    ):
        if share > 0 and not len(indices):
            raise UsageError(f"the set holds no {kind} samples to train on: give --clean {int(kind == 'coded')}")


def batches(pairs: Pairs, recipe: Recipe, halo: int, scale: int, first_step: int = 0) -> Iterator[Batch]:
    """The batches of ``first_step`` and of every step after it; endless."""
    clean, coded = training_indices(pairs)
    step, side = first_step, pairs.low_side // 2
    while True:
        rng = np.random.default_rng([recipe.seed, step])
        reach = 1.0
        if recipe.curriculum:
            reach = min(1.0, _EASY + (1 - _EASY) * step / (recipe.steps * recipe.curriculum))
        near = coded[: max(1, round(len(coded) * reach))]
        from_clean = rng.random(recipe.batch) < recipe.clean_share
        picks = [int(rng.choice(clean if c and len(clean) else near)) for c in from_clean]
        corners = rng.integers(0, side - recipe.patch + 1, (recipe.batch, 2))
        cuts = [window(pairs, i, (y, x), recipe.patch, halo, scale) for i, (y, x) in zip(picks, corners, strict=True)]
        yield as_batch(cuts, scale, upside_down=bool(rng.random() < 0.5), conditioned=recipe.conditioned)
        step += 1


Cut = tuple[npt.NDArray[np.uint8], npt.NDArray[np.int16], npt.NDArray[np.int16]]


def window(pairs: Pairs, index: int, corner: tuple[int, int], patch: int, halo: int, scale: int) -> Cut:
    """A cut of one sample: picture (8, p, p), residual luma (S, S), residual chroma (2, S / 2, S / 2).

    corner, patch, halo in blocks; S = (patch - 2 halo) * 2 scale.
    """
    (y, x), p, part = corner, patch, pairs.parts
    low = part["lr_y"][index, 2 * y : 2 * (y + p), 2 * x : 2 * (x + p)]
    phases = low.reshape(p, 2, p, 2).transpose(1, 3, 0, 2).reshape(4, p, p)
    chroma = [part[f"lr_{c}"][index, y : y + p, x : x + p][None] for c in "uv"]
    planes = [np.full((1, p, p), value, np.uint8) for value in part["cond"][index]]
    core = p - 2 * halo

    def residual(name: str, unit: int) -> npt.NDArray[np.int16]:
        rows, columns = (slice((at + halo) * unit, (at + halo + core) * unit) for at in (y, x))
        return np.subtract(
            part[f"hr_{name}"][index, rows, columns], part[f"base_{name}"][index, rows, columns], dtype=np.int16
        )

    truth = np.stack([residual(c, scale) for c in "uv"])
    return np.concatenate([phases, *chroma, *planes]), residual("y", 2 * scale), truth


def as_batch(cuts: list[Cut], scale: int, upside_down: bool = False, conditioned: bool = True) -> Batch:
    """Cuts as tensors; ``upside_down`` mirrors rows (never columns: chroma is sited to the left)."""
    picture = torch.from_numpy(np.stack([cut[0] for cut in cuts])).float() - 128.0
    luma = torch.from_numpy(np.stack([cut[1] for cut in cuts]))[:, None].float()
    chroma = torch.from_numpy(np.stack([cut[2] for cut in cuts])).float()
    if not conditioned:
        picture[:, 6:] = 0
    if upside_down:
        picture = picture.flip(2)[:, [2, 3, 0, 1, 4, 5, 6, 7]]
        luma, chroma = luma.flip(2), chroma.flip(2)
    return picture, pack_luma(luma, 2 * scale), F.pixel_unshuffle(chroma, scale)
