"""Put a trained run into a model package: graphs, integers, manifest, card.

python -m edge_vsr.factory.package --run train_runs/mid_int8 --parent train_runs/mid --name x2-balanced
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Literal

import msgspec
import torch

from edge_vsr.factory.dataset import BASE_KERNEL
from edge_vsr.factory.export import float_graph, quantised_graph, save
from edge_vsr.factory.quantize import float_layers, int_layers, save_reference
from edge_vsr.factory.train import load_net
from edge_vsr.models.manifest import FORMAT, MANIFEST, Manifest, ModelFile, sha256_of

_SCALES: dict[int, Literal[2, 3, 4]] = {2: 2, 3: 3, 4: 4}
_FILES = {"asym": "asym.onnx", "sym": "sym.onnx", "float": "float.onnx", "reference": "weights.npz"}


def package(run: Path, parent: Path, out: Path, name: str, version: str) -> Manifest:
    """Write ``out/name/version``; the float graph is the parent's, the integers are the run's."""
    folder = out / name / version
    folder.mkdir(parents=True, exist_ok=True)
    net = load_net(run)
    variants = {kind: int_layers(net, kind) for kind in ("asym", "sym")}
    layers = variants["asym"]
    save(quantised_graph(variants["asym"], signed=False, name=name), folder / _FILES["asym"])
    save(quantised_graph(variants["sym"], signed=True, name=name), folder / _FILES["sym"])
    save(float_graph(float_layers(load_net(parent)), name), folder / _FILES["float"])
    save_reference(variants, folder / _FILES["reference"])
    manifest = Manifest(
        format=FORMAT,
        name=name,
        version=version,
        family="half-res-yuv420",
        scale=_SCALES[net.config.scale],
        channels=(net.config.channels_in, net.config.channels_out),
        width=net.config.width,
        depth=net.config.depth,
        halo=net.config.depth,
        base_kernel=BASE_KERNEL,
        residual_step=net.config.step,
        macs_per_px=net.config.macs_per_px,
        parameters=sum(layer.weight.size + layer.bias.size for layer in layers),
        files={kind: ModelFile(path, sha256_of(folder / path)) for kind, path in _FILES.items()},
        license="Apache-2.0",
        trained={**_history(parent), **_history(run)},
        figures={},
    )
    (folder / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n")
    return manifest


def _history(run: Path) -> dict[str, str | int | float]:
    """Every stage of training that led to a run, the first one first."""
    head = json.loads((run / "recipe.json").read_text())
    state = torch.load(run / "checkpoint.pt", weights_only=True)
    mine = {
        f"{run.name} steps": state["step"],
        f"{run.name} minutes": round(state["spent_s"] / 60, 1),
        f"{run.name} recipe": json.dumps(head["recipe"]),
    }
    before = run.parent / head["parent"] if head.get("parent") else None
    return {**_history(before), **mine} if before and before.is_dir() else mine


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True, help="a quantisation-aware run")
    parser.add_argument("--parent", type=Path, required=True, help="its float parent")
    parser.add_argument("--out", type=Path, default=Path("models_quantized"))
    parser.add_argument("--name", required=True)
    parser.add_argument("--version", default="1")
    args = parser.parse_args()
    print(package(args.run, args.parent, args.out, args.name, args.version).name)


if __name__ == "__main__":
    main()
