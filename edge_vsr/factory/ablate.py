"""What each idea is worth: the same small net trained with and without it, for equally many steps.

    python -m edge_vsr.factory.ablate --data train_runs/pairs --runs train_runs/ablation --table docs/ablation.md

Every variant differs from the base in what its line of ``VARIANTS`` says and in nothing else. Measured: the
gain in PSNR-Y over the base picture on samples held back, clean and coded ones. Finished runs are kept, so a
killed table goes on.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from edge_vsr.factory import command
from edge_vsr.factory.dataset import Pairs
from edge_vsr.factory.feed import Recipe, batches
from edge_vsr.factory.losses import gains_db
from edge_vsr.factory.networks import NetConfig
from edge_vsr.factory.prune import prune
from edge_vsr.factory.train import CHECKPOINT, calibrate, load_net, train

NET = NetConfig(width=32, depth=4)
FINE_LR = 0.003  # of runs that go on from a trained parent


@dataclass(frozen=True)
class Variant:
    """One line of the table. parent: the variant it goes on from, for a quarter of the steps."""

    what: str
    net: dict[str, Any] = field(default_factory=dict)
    recipe: dict[str, Any] = field(default_factory=dict)
    parent: str = ""


VARIANTS = {
    "base": Variant("base: Haar input, RepConv, Muon, conditioned, real codecs, clean and coded samples alike"),
    "curriculum": Variant("with a curriculum: hard samples join over the first half", recipe={"curriculum": 0.5}),
    "no-haar": Variant("without the Haar transform: luma phases as they are", net={"haar": False}),
    "no-rep": Variant("without RepConv: plain 3x3 kernels", net={"branches": False}),
    "attention": Variant("with squeeze and excitation", net={"attention": True}),
    "gate": Variant("with SPAN's parameter-free gate", net={"gate": True}),
    "unconditioned": Variant("without the noise and coding planes", recipe={"conditioned": False}),
    "adam": Variant("Adam (rate 0.0015) instead of Muon", recipe={"muon": False}),
    "clean-only": Variant("without real codecs: clean samples only", recipe={"clean_share": 1.0}),
    "coded-only": Variant("coded samples only", recipe={"clean_share": 0.0}),
    "longer": Variant("base, a quarter more steps", recipe={"lr": FINE_LR}, parent="base"),
    "qat": Variant("base in integers, trained for those steps (QAT)", recipe={"integers": True}, parent="base"),
    "qat-taught": Variant(
        "QAT, taught by the float net too", recipe={"integers": True, "teacher_weight": 0.5}, parent="base"
    ),
    "attention-qat": Variant(
        "squeeze and excitation in integers (QAT)", {"attention": True}, {"integers": True}, "attention"
    ),
    "gate-qat": Variant("SPAN's gate in integers (QAT)", {"gate": True}, {"integers": True}, "gate"),
    "pruned": Variant("base pruned to 24 channels, recovered for those steps", parent="base"),
}
PTQ = "base in integers, calibrated only (PTQ)"


def run_variant(name: str, data: Path, runs: Path, steps: int) -> Path:
    """Train one variant, after its parent; the folder of its run."""
    variant, run = VARIANTS[name], runs / name
    recipe = replace(Recipe(steps), **variant.recipe)
    parent = run_variant(variant.parent, data, runs, steps) if variant.parent else None
    config = replace(NET, **variant.net)
    if parent:
        recipe = replace(recipe, steps=steps // 4, lr=FINE_LR, adam_lr=recipe.adam_lr / 5)
    if name == "pruned" and parent:
        cut = runs / "cut"
        if not (cut / CHECKPOINT).exists():
            prune(data, parent, cut, 24)
        config, parent = replace(config, width=24), cut
    if _steps_done(run) < recipe.steps:
        train(data, run, config, recipe, parent)
    return run


def _steps_done(run: Path) -> int:
    path = run / CHECKPOINT
    return int(torch.load(path, weights_only=True)["step"]) if path.exists() else 0


def measure(run: Path, pairs: Pairs, calibrated: bool = False) -> tuple[float, float]:
    """Gains in dB on clean and coded samples held back; ``calibrated``: rounded to integers without training."""
    net = load_net(run)
    recipe = VARIANTS[run.name].recipe
    seen = Recipe(1, conditioned=recipe.get("conditioned", True))
    if calibrated:
        feed = batches(pairs, seen, net.config.depth, net.config.scale)
        calibrate(net, [next(feed) for _ in range(16)])
        net.quantised = True
    return gains_db(net, pairs, seen)


def table(rows: list[tuple[str, float, float]], steps: int) -> str:
    """Markdown; differences are against the first row."""
    lines = [
        f"| variant, {steps} steps | clean, dB over the base picture | difference | coded, dB | difference |",
        "|---|---|---|---|---|",
    ]
    for what, clean, coded in rows:
        apart = clean - rows[0][1], coded - rows[0][2]
        lines.append(f"| {what} | {clean:.3f} | {apart[0]:+.3f} | {coded:.3f} | {apart[1]:+.3f} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--runs", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--only", nargs="+", choices=list(VARIANTS), default=list(VARIANTS), metavar="NAME")
    parser.add_argument("--table", type=Path, help="write the table here; it is printed anyway")
    args = parser.parse_args()
    pairs, rows = Pairs.open(args.data), []
    for name in args.only:
        run = run_variant(name, args.data, args.runs, args.steps)
        rows.append((VARIANTS[name].what, *measure(run, pairs)))
        print(table(rows[-1:], args.steps).splitlines()[-1], flush=True)
        if name == "base":
            rows.append((PTQ, *measure(run, pairs, calibrated=True)))
    text = table(rows, args.steps)
    print(text)
    if args.table:
        args.table.write_text(text)


if __name__ == "__main__":
    command.run(main)
