"""The training loop: one rung, from scratch or from a parent, resumable to the step.

    python -m edge_vsr.factory.train --data train_runs/pairs --run train_runs/mid --minutes 60
    python -m edge_vsr.factory.train --data train_runs/pairs --run train_runs/int8 --parent train_runs/mid --integers

With --parent the net starts from the parent's weights. With --integers it then trains on the integer grid of
the device (quantisation-aware) and is taught by the parent as well as by the truth. The schedule follows
training time, so that a busy machine trains less but still anneals; the log records steps. Kill it at any
time: the same command goes on.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from edge_vsr.durable import commit
from edge_vsr.factory.dataset import Pairs
from edge_vsr.factory.feed import Feed, Recipe, batches
from edge_vsr.factory.networks import ACTIVATION_LEVELS, NetConfig, YuvNet

LOG_STEPS, SAVE_S = 200, 60


def charbonnier(error: Tensor, smooth: float) -> Tensor:
    """Smooth L1 in code values; quadratic below about ``smooth``."""
    return torch.sqrt(error * error + smooth * smooth).mean() - smooth


def loss_of(out: Tensor, luma: Tensor, chroma: Tensor, recipe: Recipe) -> Tensor:
    split = luma.shape[1]
    errors = charbonnier(out[:, :split] - luma, recipe.smooth), charbonnier(out[:, split:] - chroma, recipe.smooth)
    return errors[0] + recipe.chroma_weight * errors[1]


def rate(recipe: Recipe, progress: float, step: int) -> float:
    """Warm up for 300 steps, then a cosine down to 1 % over the run."""
    return (
        recipe.lr * min(1.0, (step + 1) / 300) * (0.01 + 0.99 * 0.5 * (1 + float(np.cos(np.pi * min(1.0, progress)))))
    )


def calibrate(net: YuvNet, data: Feed, batches_seen: int = 16) -> None:
    """Set each activation's clip to the 99.99th percentile of what it carries."""
    seen: list[list[float]] = [[] for _ in net.clips]
    with torch.no_grad():
        for _ in range(batches_seen):
            x = next(data)[0] / 128.0
            for index, (layer, kernel) in enumerate(zip(net.layers[:-1], net.plain_kernels()[:-1], strict=True)):
                x = F.relu(F.conv2d(x, kernel, layer.bias))
                sample = x.flatten()[:: max(1, x.numel() // 1_000_000)]
                seen[index].append(float(torch.quantile(sample, 0.9999)))
        net.clips.copy_(torch.tensor([float(np.mean(s)) for s in seen]))


def load_net(run: Path, weights: str = "ema") -> YuvNet:
    """The net of a run, by default its averaged weights."""
    state = torch.load(run / "checkpoint.pt", weights_only=True)
    net = YuvNet(NetConfig(**state["config"]))
    net.load_state_dict(state[weights])
    net.quantised = state["quantised"]
    net.eval()
    return net


def _save(run: Path, state: dict[str, object]) -> None:
    torch.save(state, run / "checkpoint.tmp")
    (run / "checkpoint.tmp").replace(run / "checkpoint.pt")


@dataclass
class Trainer:
    """A run in progress: the net, its running average, the optimiser, and how far it is."""

    run: Path
    net: YuvNet
    average: YuvNet
    optimiser: torch.optim.Optimizer
    recipe: Recipe
    teacher: YuvNet | None
    step: int = 0
    spent_s: float = 0.0

    def resume(self) -> None:
        """Go on from the run's checkpoint, where there is one."""
        if not (self.run / "checkpoint.pt").exists():
            return
        state = torch.load(self.run / "checkpoint.pt", weights_only=True)
        self.net.load_state_dict(state["net"])
        self.average.load_state_dict(state["ema"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step, self.spent_s = state["step"], state["spent_s"]

    def save(self) -> None:
        """Replace the checkpoint in one step."""
        state = {
            "net": self.net.state_dict(),
            "ema": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "config": asdict(self.net.config),
            "quantised": self.net.quantised,
            "step": self.step,
            "spent_s": self.spent_s,
        }
        torch.save(state, self.run / "checkpoint.tmp")
        commit(self.run / "checkpoint.tmp", self.run / "checkpoint.pt")

    def learn(self, picture: Tensor, luma: Tensor, chroma: Tensor) -> float:
        """One step; the loss before it."""
        lr = rate(self.recipe, self.spent_s / (self.recipe.minutes * 60), self.step)
        self.optimiser.param_groups[0]["lr"], self.optimiser.param_groups[1]["lr"] = lr, lr * 2
        kinds = list(ACTIVATION_LEVELS.values())
        self.net.levels = kinds[self.step % len(kinds)]  # one set of weights serves both exports
        with torch.autocast("cpu", torch.bfloat16, enabled=self.teacher is None):
            out = self.net(picture.contiguous(memory_format=torch.channels_last)).float()
        loss = loss_of(out, luma, chroma, self.recipe)
        if self.teacher is not None:
            with torch.no_grad():
                taught = self.teacher(picture)
            loss = loss + self.recipe.teacher_weight * charbonnier(out - taught, self.recipe.smooth)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 5.0)
        self.optimiser.step()
        self.step += 1
        with torch.no_grad():
            keep = min(self.recipe.ema, self.step / (self.step + 20))
            for a, b in zip(self.average.parameters(), self.net.parameters(), strict=True):
                a.lerp_(b, 1 - keep)
        return float(loss.detach())


def start(run: Path, config: NetConfig, recipe: Recipe, parent: Path | None, feed: Feed) -> Trainer:
    """A trainer at its first step, or where the run's checkpoint left it."""
    net, teacher = YuvNet(config), None
    if parent is not None:
        net.load_state_dict(load_net(parent).state_dict())
    if recipe.integers and parent is not None:
        teacher = load_net(parent)
        calibrate(net, feed)
        net.quantised = True
    average = YuvNet(config)
    average.load_state_dict(net.state_dict())
    net.to(memory_format=torch.channels_last)
    weights = [p for name, p in net.named_parameters() if name != "clips"]
    optimiser = torch.optim.Adam([{"params": weights}, {"params": [net.clips]}], betas=(0.9, 0.99))
    trainer = Trainer(run, net, average, optimiser, recipe, teacher)
    trainer.resume()
    return trainer


def train(data: Path, run: Path, config: NetConfig, recipe: Recipe, parent: Path | None) -> None:
    """Run to the end of the schedule, going on from ``run/checkpoint.pt`` where there is one."""
    run.mkdir(parents=True, exist_ok=True)
    head = {"net": asdict(config), "recipe": asdict(recipe), "parent": parent.name if parent else None}
    (run / "recipe.json").write_text(json.dumps(head, indent=1))
    pairs = Pairs.open(data)
    trainer = start(run, config, recipe, parent, batches(pairs, recipe, config.depth, config.scale))
    feed = batches(pairs, recipe, config.depth, config.scale, trainer.step)
    begin = saved = time.monotonic()
    begin -= trainer.spent_s
    losses: list[float] = []
    with (run / "log.csv").open("a") as log:
        while trainer.spent_s < recipe.minutes * 60:
            losses.append(trainer.learn(*next(feed)))
            trainer.spent_s = time.monotonic() - begin
            if trainer.step % LOG_STEPS == 0:
                print(f"{trainer.step},{trainer.spent_s:.0f},{np.mean(losses):.4f}", file=log, flush=True)
                losses = []
            if time.monotonic() - saved > SAVE_S:
                trainer.save()
                saved = time.monotonic()
    trainer.save()
    print(f"done: {trainer.step} steps in {trainer.spent_s:.0f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--parent", type=Path, help="a run to start from")
    parser.add_argument("--integers", action="store_true", help="quantisation-aware; needs --parent")
    parser.add_argument("--clean", type=float, default=0.6, help="share of clean pairs")
    parser.add_argument("--smooth", type=float, default=1.0, help="code values below which errors count squared")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--depth", type=int, default=6)
    parser.add_argument("--lr", type=float)
    args = parser.parse_args()
    torch.manual_seed(1)
    config = NetConfig(width=args.width, depth=args.depth)
    recipe = Recipe(
        args.minutes,
        lr=args.lr or (2e-4 if args.integers else 2e-3),
        clean_share=args.clean,
        teacher_weight=0.5 if args.integers else 0.0,
        integers=args.integers,
        smooth=args.smooth,
    )
    train(args.data, args.run, config, recipe, args.parent)


if __name__ == "__main__":
    main()
