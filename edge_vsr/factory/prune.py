"""Structured pruning: narrower layers from a trained net, the channels that carry least taken out.

    python -m edge_vsr.factory.prune --data train_runs/pairs --parent train_runs/wide --run train_runs/narrow --width 96

A channel's worth is what its removal does to the next layer's sums: the standard deviation of its activation
times the norm of the weights that read it (the first-order view of Molchanov et al. 2017, without gradients).
Its mean, which the next layer was used to, moves into that layer's bias. The result is a run like any other,
to be trained on (``--parent``): pruning without recovery costs far more.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, replace
from pathlib import Path

import torch
from torch import Tensor

from edge_vsr.durable import write_atomic
from edge_vsr.errors import UsageError
from edge_vsr.factory import command
from edge_vsr.factory.dataset import Pairs
from edge_vsr.factory.feed import Recipe, batches, training_indices
from edge_vsr.factory.graph_rules import WIDTH_UNIT
from edge_vsr.factory.networks import YuvNet
from edge_vsr.factory.train import CHECKPOINT, keep, load_net

_BATCHES = 16


def statistics(net: YuvNet, data: Path) -> list[tuple[Tensor, Tensor]]:
    """(mean, standard deviation) of each channel behind each layer but the last, over clean and coded samples."""
    pairs = Pairs.open(data)
    clean, coded = training_indices(pairs)
    share = Recipe.clean_share if len(clean) and len(coded) else float(len(clean) > 0)
    feed = batches(pairs, Recipe(1, clean_share=share), net.config.depth, net.config.scale)
    sums: list[list[Tensor]] = [[] for _ in net.clips]
    with torch.no_grad():
        for _ in range(_BATCHES):
            for index, x in enumerate(net.features(next(feed)[0])):
                sums[index].append(torch.stack([x.mean(dim=(0, 2, 3)), x.square().mean(dim=(0, 2, 3))]))
    moments = [torch.stack(found).mean(dim=0) for found in sums]
    return [(mean, (square - mean**2).clamp_min(0).sqrt()) for mean, square in moments]


def narrowed(net: YuvNet, width: int, seen: list[tuple[Tensor, Tensor]]) -> YuvNet:
    """A net of ``width`` inner channels with the worthiest channels of ``net``."""
    child = YuvNet(replace(net.config, width=width))
    kernels, biases = [k.detach() for k in net.plain_kernels()], [layer.bias.detach() for layer in net.layers]
    kernels[0] = net.layers[0].collapsed().detach()  # the child has the Haar transform of its own
    for index, (mean, deviation) in enumerate(seen):
        reader = kernels[index + 1]
        worth = deviation * reader.square().sum(dim=(0, 2, 3)).sqrt()
        kept = torch.argsort(worth, descending=True)[:width].sort().values
        gone = torch.ones(len(worth), dtype=torch.bool)
        gone[kept] = False
        biases[index + 1] = biases[index + 1] + torch.einsum("oiyx,i->o", reader[:, gone], mean[gone])
        kernels[index], biases[index] = kernels[index][kept], biases[index][kept]
        kernels[index + 1] = reader[:, kept]
    for layer, kernel, bias in zip(child.layers, kernels, biases, strict=True):
        layer.absorb(kernel, bias)
    return child


def prune(data: Path, parent: Path, run: Path, width: int) -> YuvNet:
    """Write the pruned net as a run of its own, at step 0. Raises UsageError."""
    net = load_net(parent)
    if not 1 <= width < net.config.width:
        raise UsageError(f"--width must be at least 1 and below the parent's {net.config.width}")
    if (run / CHECKPOINT).exists():
        raise UsageError(f"{run} holds a run already; take another --run, or remove it")
    child = narrowed(net, width, statistics(net, data))
    run.mkdir(parents=True, exist_ok=True)
    state = {"ema": child.state_dict(), "config": asdict(child.config), "quantised": False, "step": 0, "spent_s": 0.0}
    head = {"net": asdict(child.config), "recipe": {"pruned_to": width}, "parent": parent.name}
    write_atomic(run / "recipe.json", json.dumps(head, indent=1).encode())
    keep(run, state)
    return child


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--parent", type=Path, required=True, help="a float run")
    parser.add_argument("--run", type=Path, required=True, help="the new run")
    parser.add_argument("--width", type=int, required=True)
    args = parser.parse_args()
    child = prune(args.data, args.parent, args.run, args.width)
    if args.width % WIDTH_UNIT:
        unit = f"a multiple of {WIDTH_UNIT} channels"
        print(f"note: it can be trained on, but not packaged: the device wants {unit}", file=sys.stderr)
    print(f"{args.run.name}: {child.config.width} channels, {child.config.macs_per_px / 1000:.1f} kMAC per pixel")


if __name__ == "__main__":
    command.run(main)
