"""The training loop: one rung, from scratch or from a parent, resumable to the step.

    python -m edge_vsr.factory.train --data train_runs/pairs --run train_runs/mid --minutes 60
    python -m edge_vsr.factory.train --data train_runs/pairs --run train_runs/mid_int8 --parent train_runs/mid --minutes 20

With --parent the net starts from the parent's weights on the integer grid of the device (quantisation-aware),
and is taught by the parent as well as by the truth. The schedule follows training time, so that a busy
machine trains less but still anneals; the log records steps. Kill it at any time: the same command goes on.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from edge_vsr.factory.dataset import LR, Pairs
from edge_vsr.factory.networks import ACTIVATION_LEVELS, NetConfig, YuvNet, pack_luma


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
    ema: float = 0.999
    seed: int = 1


def batches(pairs: Pairs, recipe: Recipe, halo: int, scale: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Endless (picture, true residual luma 4x4 packed, true residual chroma 2x2 packed) batches."""
    rng = np.random.default_rng(time.time_ns())
    total, p = len(pairs.parts["cond"]), recipe.patch
    core = p - 2 * halo
    while True:
        clean = rng.random(recipe.batch) < recipe.clean_share
        picks = np.where(
            clean, rng.integers(0, pairs.clean, recipe.batch), rng.integers(pairs.clean, total, recipe.batch)
        )
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


def _residual(part: dict[str, np.ndarray], name: str, i: int, y: int, x: int, side: int) -> np.ndarray:  # type: ignore[type-arg]
    window = np.s_[i, y : y + side, x : x + side]
    return part[f"hr_{name}"][window].astype(np.int16) - part[f"base_{name}"][window]


def charbonnier(error: Tensor) -> Tensor:
    """Smooth L1 in code values; quadratic below about one code value."""
    return torch.sqrt(error * error + 1.0).mean() - 1.0


def loss_of(out: Tensor, luma: Tensor, chroma: Tensor, recipe: Recipe) -> Tensor:
    split = luma.shape[1]
    return charbonnier(out[:, :split] - luma) + recipe.chroma_weight * charbonnier(out[:, split:] - chroma)


def rate(recipe: Recipe, progress: float, step: int) -> float:
    """Warm up for 300 steps, then a cosine down to 1 % over the run."""
    return (
        recipe.lr * min(1.0, (step + 1) / 300) * (0.01 + 0.99 * 0.5 * (1 + float(np.cos(np.pi * min(1.0, progress)))))
    )


def calibrate(net: YuvNet, data: Iterator[tuple[Tensor, Tensor, Tensor]], batches_seen: int = 16) -> None:
    """Set each activation's clip to the 99.99th percentile of what it carries."""
    seen: list[list[float]] = [[] for _ in net.clips]
    with torch.no_grad():
        for _ in range(batches_seen):
            x = next(data)[0] / 128.0
            for index, (layer, kernel) in enumerate(zip(net.layers[:-1], net.plain_kernels()[:-1], strict=True)):
                x = F.relu(F.conv2d(x, kernel, layer.bias))  # type: ignore[arg-type]
                sample = x.flatten()[:: max(1, x.numel() // 1_000_000)]
                seen[index].append(float(torch.quantile(sample, 0.9999)))
        net.clips.copy_(torch.tensor([float(np.mean(s)) for s in seen]))


def load_net(run: Path, weights: str = "ema") -> YuvNet:
    """The net of a run, by default its averaged weights."""
    state = torch.load(run / "checkpoint.pt", weights_only=True)
    net = YuvNet(NetConfig(**state["config"]))
    net.load_state_dict(state[weights])
    net.quantised = state["quantised"]
    return net.eval()


def _save(run: Path, state: dict[str, object]) -> None:
    torch.save(state, run / "checkpoint.tmp")
    (run / "checkpoint.tmp").replace(run / "checkpoint.pt")


def train(data: Path, run: Path, config: NetConfig, recipe: Recipe, parent: Path | None) -> None:
    """Run to the end of the schedule, going on from ``run/checkpoint.pt`` where there is one."""
    run.mkdir(parents=True, exist_ok=True)
    (run / "recipe.json").write_text(
        json.dumps({"net": asdict(config), "recipe": asdict(recipe), "parent": str(parent)}, indent=1)
    )
    feed = batches(Pairs.open(data), recipe, config.depth, config.scale)
    net, teacher = YuvNet(config), load_net(parent) if parent else None
    if teacher is not None:
        net.load_state_dict(teacher.state_dict())
        calibrate(net, feed)
        net.quantised = True
    average = YuvNet(config)
    average.load_state_dict(net.state_dict())
    fast = [p for name, p in net.named_parameters() if name != "clips"]
    optimiser = torch.optim.Adam([{"params": fast}, {"params": [net.clips]}], betas=(0.9, 0.99))
    step, spent, kinds = 0, 0.0, list(ACTIVATION_LEVELS.values())
    if (run / "checkpoint.pt").exists():
        state = torch.load(run / "checkpoint.pt", weights_only=True)
        net.load_state_dict(state["net"])
        average.load_state_dict(state["ema"])
        optimiser.load_state_dict(state["optimiser"])
        step, spent = state["step"], state["spent_s"]
    net.to(memory_format=torch.channels_last)
    log, mark, running = (run / "log.csv").open("a"), time.monotonic(), []
    begin, saved = mark - spent, mark
    while (spent := time.monotonic() - begin) < recipe.minutes * 60:
        lr = rate(recipe, spent / (recipe.minutes * 60), step)
        optimiser.param_groups[0]["lr"], optimiser.param_groups[1]["lr"] = lr, lr * 2
        picture, luma, chroma = next(feed)
        net.levels = kinds[step % len(kinds)]  # one set of weights serves both exports
        with torch.autocast("cpu", torch.bfloat16, enabled=teacher is None):
            out = net(picture.contiguous(memory_format=torch.channels_last)).float()
        loss = loss_of(out, luma, chroma, recipe)
        if teacher is not None and recipe.teacher_weight:
            with torch.no_grad():
                taught = teacher(picture)
            loss = loss + recipe.teacher_weight * charbonnier(out - taught)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimiser.step()
        step += 1
        with torch.no_grad():
            keep = min(recipe.ema, step / (step + 20))
            for a, b in zip(average.parameters(), net.parameters(), strict=True):
                a.lerp_(b, 1 - keep)
        running.append(float(loss.detach()))
        if step % 200 == 0:
            print(f"{step},{spent:.0f},{np.mean(running):.4f},{lr:.2e}", file=log, flush=True)
            running = []
        if time.monotonic() - saved > 60:
            _save(run, _state(net, average, optimiser, config, step, spent))
            saved = time.monotonic()
    _save(run, _state(net, average, optimiser, config, step, spent))
    print(f"done: {step} steps in {spent:.0f} s")


def _state(
    net: YuvNet, average: YuvNet, optimiser: torch.optim.Optimizer, config: NetConfig, step: int, spent_s: float
) -> dict[str, object]:
    return {
        "net": net.state_dict(),
        "ema": average.state_dict(),
        "optimiser": optimiser.state_dict(),
        "config": asdict(config),
        "quantised": net.quantised,
        "step": step,
        "spent_s": spent_s,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--parent", type=Path, help="a finished run: quantisation-aware training from its weights")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--depth", type=int, default=6)
    parser.add_argument("--lr", type=float)
    args = parser.parse_args()
    torch.manual_seed(1)
    config = NetConfig(width=args.width, depth=args.depth)
    recipe = Recipe(
        args.minutes, lr=args.lr or (2e-4 if args.parent else 2e-3), teacher_weight=0.5 if args.parent else 0.0
    )
    train(args.data, args.run, config, recipe, args.parent)


if __name__ == "__main__":
    main()
