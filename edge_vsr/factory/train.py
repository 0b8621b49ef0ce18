"""The training loop: one rung, from scratch or from a parent, resumable to the step.

    python -m edge_vsr.factory.train --data train_runs/pairs --run train_runs/mid --steps 40000
    python -m edge_vsr.factory.train --data train_runs/pairs --run train_runs/int8 --parent train_runs/mid \\
        --integers --steps 5000 --lr 0.002

With --parent the net starts from the parent's weights (of another scale: from its trunk). With --integers it
trains on the integer grid of the device (quantisation-aware) and is taught by the parent as well as by the
truth. Kernels are stepped on by Muon (Jordan et al. 2024), the rest by Adam. Kill it at any time: the same
command goes on at the step of the last checkpoint, and the plot beside it shows where.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from edge_vsr.durable import commit, write_atomic
from edge_vsr.errors import UsageError
from edge_vsr.factory import command
from edge_vsr.factory.dataset import Pairs, head_of
from edge_vsr.factory.feed import Batch, Recipe, batches, refuse_unfit
from edge_vsr.factory.losses import charbonnier, gains_db, loss_of
from edge_vsr.factory.networks import ACTIVATION_LEVELS, NetConfig, YuvNet
from edge_vsr.factory.trainlog import TrainLog

LOG_STEPS, CHECK_STEPS, SAVE_S = 100, 1000, 60
_WARM_UP = 200  # steps
_HEADROOM = 1.5
CHECKPOINT = "checkpoint.pt"


def pace(recipe: Recipe, step: int) -> float:
    """Factor of the learning rates: a short warm-up, then a cosine down to 1 %."""
    cosine = 0.5 * (1 + float(np.cos(np.pi * min(1.0, step / recipe.steps))))
    return min(1.0, (step + 1) / _WARM_UP) * (0.01 + 0.99 * cosine)


def calibrate(net: YuvNet, some: list[Batch]) -> None:
    """Set each activation's clip to half again the 99.99th percentile of what it carries.

    Without that room the sharpest edges are clipped, which costs more than coarser steps do: 0.05 dB on Set5.
    """
    seen: list[list[float]] = [[] for _ in net.clips]
    with torch.no_grad():
        for picture, *_ in some:
            for index, x in enumerate(net.features(picture)):
                sample = x.flatten()[:: max(1, x.numel() // 1_000_000)]
                seen[index].append(float(torch.quantile(sample.float(), 0.9999)))
        net.clips.copy_(torch.tensor([_HEADROOM * float(np.mean(s)) for s in seen]))


def keep(run: Path, state: dict[str, object]) -> None:
    """Replace the checkpoint of a run in one step."""
    torch.save(state, run / "checkpoint.tmp")
    commit(run / "checkpoint.tmp", run / CHECKPOINT)


def load_net(run: Path) -> YuvNet:
    """The net of a run with its averaged weights. Raises UsageError where there is none."""
    if not (run / CHECKPOINT).is_file():
        raise UsageError(f"{run}: holds no trained net ({CHECKPOINT})")
    state = torch.load(run / CHECKPOINT, weights_only=True)
    net = YuvNet(NetConfig(**state["config"]))
    net.load_state_dict(state["ema"])
    net.quantised = state["quantised"]
    net.eval()
    return net


def optimisers_of(net: YuvNet, recipe: Recipe) -> list[torch.optim.Optimizer]:
    """Muon for the kernels, Adam for the rest; clips learn only where they are used, and faster."""
    named = [(name, p) for name, p in net.named_parameters() if p.requires_grad and name != "clips"]
    kernels = [p for name, p in named if recipe.muon and name.endswith("kernel")]
    rest = [p for name, p in named if not (recipe.muon and name.endswith("kernel"))]
    clips = {"params": [net.clips], "lr": 2 * recipe.adam_lr if recipe.integers else 0.0}
    adam = torch.optim.Adam([{"params": rest}, clips], lr=recipe.adam_lr, betas=(0.9, 0.99))
    return [torch.optim.Muon(kernels, lr=recipe.lr, weight_decay=0.0), adam] if kernels else [adam]


@dataclass
class Trainer:
    """A run in progress: the net, its running average, the optimisers, and how far it is."""

    run: Path
    net: YuvNet
    average: YuvNet
    optimisers: list[torch.optim.Optimizer]
    recipe: Recipe
    teacher: YuvNet | None
    step: int = 0
    spent_s: float = 0.0

    def __post_init__(self) -> None:
        self._full = [[group["lr"] for group in optimiser.param_groups] for optimiser in self.optimisers]

    def resume(self) -> None:
        """Go on from the run's checkpoint, where there is one."""
        if not (self.run / CHECKPOINT).exists():
            return
        state = torch.load(self.run / CHECKPOINT, weights_only=True)
        self.net.load_state_dict(state["net"])
        self.average.load_state_dict(state["ema"])
        for optimiser, kept in zip(self.optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(kept)
        self.step, self.spent_s = state["step"], state["spent_s"]

    def save(self) -> None:
        """Replace the checkpoint in one step."""
        state = {
            "net": self.net.state_dict(),
            "ema": self.average.state_dict(),
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
            "config": asdict(self.net.config),
            "quantised": self.net.quantised,
            "step": self.step,
            "spent_s": self.spent_s,
        }
        keep(self.run, state)

    def learn(self, batch: Batch) -> float:
        """One step; the loss before it."""
        picture, luma, chroma = batch
        factor = pace(self.recipe, self.step)
        for optimiser, full in zip(self.optimisers, self._full, strict=True):
            for group, lr in zip(optimiser.param_groups, full, strict=True):
                group["lr"] = lr * factor
        kinds = list(ACTIVATION_LEVELS.values())
        self.net.levels = kinds[self.step % len(kinds)]  # one set of weights serves both exports
        with torch.autocast("cpu", torch.bfloat16):
            out = self.net(picture.contiguous(memory_format=torch.channels_last))
            taught = self._taught(picture)
        loss = loss_of(out, luma, chroma, self.recipe)
        if taught is not None:
            loss = loss + self.recipe.teacher_weight * charbonnier(out - taught, self.recipe.smooth)
        for optimiser in self.optimisers:
            optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 5.0)
        for optimiser in self.optimisers:
            optimiser.step()
        self.step += 1
        with torch.no_grad():
            keep = min(self.recipe.ema, self.step / (self.step + 20))
            for a, b in zip(self.average.parameters(), self.net.parameters(), strict=True):
                a.lerp_(b, 1 - keep)
        return float(loss.detach())

    def _taught(self, picture: Tensor) -> Tensor | None:
        if self.teacher is None:
            return None
        with torch.no_grad():
            return self.teacher(picture)


def start(run: Path, config: NetConfig, recipe: Recipe, parent: Path | None, pairs: Pairs) -> Trainer:
    """A trainer at its first step, or where the run's checkpoint left it."""
    torch.manual_seed(recipe.seed)
    net, teacher = YuvNet(config), None
    if parent is not None:
        net.adopt(load_net(parent))
    if recipe.integers:
        if parent is not None and recipe.teacher_weight:
            teacher = load_net(parent)
        feed = batches(pairs, recipe, config.depth, config.scale)
        calibrate(net, [next(feed) for _ in range(16)])
        net.quantised = True
    average = YuvNet(config)
    average.load_state_dict(net.state_dict())
    average.quantised = net.quantised
    net.to(memory_format=torch.channels_last)
    trainer = Trainer(run, net, average, optimisers_of(net, recipe), recipe, teacher)
    trainer.resume()
    return trainer


def _same_recipe(run: Path, head: dict[str, object]) -> None:
    """Write down what a run is made by; a run that has begun otherwise is not gone on with. Raises UsageError."""
    run.mkdir(parents=True, exist_ok=True)
    path, text = run / "recipe.json", json.dumps(head, indent=1)
    if (run / CHECKPOINT).exists() and path.exists() and json.loads(path.read_text()) != json.loads(text):
        raise UsageError(f"{run} was begun with another recipe or set (see {path}); take another --run, or remove it")
    write_atomic(path, text.encode())


def train(data: Path, run: Path, config: NetConfig, recipe: Recipe, parent: Path | None) -> Trainer:
    """Run to the end of the schedule, going on from ``run/checkpoint.pt`` where there is one. Raises UsageError."""
    told, pairs = head_of(data), Pairs.open(data)
    if pairs.scale != config.scale:
        raise UsageError(f"{data} is a set for x{pairs.scale}, the net is for x{config.scale}")
    refuse_unfit(pairs, recipe, config.depth)
    head: dict[str, object] = {
        "net": asdict(config),
        "recipe": asdict(recipe),
        "parent": parent.name if parent else None,
        "data": told,
    }
    _same_recipe(run, head)
    trainer = start(run, config, recipe, parent, pairs)
    feed = batches(pairs, recipe, config.depth, config.scale, trainer.step)
    saved = time.monotonic()
    begin = saved - trainer.spent_s
    log, losses = TrainLog(run, trainer.step, "teacher" in told), []
    while trainer.step < recipe.steps:
        losses.append(trainer.learn(next(feed)))
        trainer.spent_s = time.monotonic() - begin
        last = trainer.step == recipe.steps
        if trainer.step % LOG_STEPS == 0 or last:
            checked = trainer.step % CHECK_STEPS == 0 or last
            clean_db, coded_db = gains_db(trainer.average, pairs, recipe) if checked else (np.nan, np.nan)
            log.add(trainer.step, trainer.spent_s, float(np.mean(losses)), clean_db, coded_db)
            losses = []
        if time.monotonic() - saved > SAVE_S:
            trainer.save()
            saved = time.monotonic()
    trainer.save()
    log.plot()
    print(f"{run.name}: {trainer.step} steps in {trainer.spent_s:.0f} s")
    return trainer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--parent", type=Path, help="a run to start from")
    parser.add_argument("--integers", action="store_true", help="quantisation-aware; needs --parent")
    parser.add_argument("--width", type=int, help="channels (default: the parent's, else 64)")
    parser.add_argument("--depth", type=int, help="convolutions (default: the parent's, else 5)")
    parser.add_argument("--scale", type=int, choices=(1, 2, 3, 4), help="default: the parent's, else 2")
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--lr", type=float, default=Recipe.lr, help="of the kernels (default: %(default)s)")
    parser.add_argument("--adam-lr", type=float, default=Recipe.adam_lr, help="of the rest (default: %(default)s)")
    parser.add_argument("--batch", type=int, default=Recipe.batch)
    parser.add_argument("--patch", type=int, default=Recipe.patch, help="blocks a side, halo included")
    parser.add_argument("--clean", type=float, default=Recipe.clean_share, help="share of clean pairs")
    parser.add_argument("--curriculum", type=float, default=Recipe.curriculum, help="share of steps to the hardest")
    parser.add_argument("--teacher", type=float, default=Recipe.teacher_weight, help="weight of the parent's answer")
    args = parser.parse_args()
    if args.integers and args.parent is None:
        parser.error("--integers needs --parent")
    config = load_net(args.parent).config if args.parent else NetConfig()
    wanted = {"width": args.width, "depth": args.depth, "scale": args.scale}
    config = replace(config, **{name: value for name, value in wanted.items() if value is not None})
    recipe = Recipe(
        args.steps,
        lr=args.lr,
        adam_lr=args.adam_lr,
        batch=args.batch,
        patch=args.patch,
        clean_share=args.clean,
        curriculum=args.curriculum,
        teacher_weight=args.teacher,
        integers=args.integers,
    )
    train(args.data, args.run, config, recipe, args.parent)


if __name__ == "__main__":
    command.run(main)
