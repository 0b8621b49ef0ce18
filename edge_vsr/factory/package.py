"""Put a trained run into a model package: graphs, integers, manifest, card.

python -m edge_vsr.factory.package --run train_runs/mid_int8 --parent train_runs/mid --name x2-balanced --rung balanced

Graphs that ``graph_lint`` finds fault with are not written.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from pathlib import Path
from typing import Literal, cast, get_args

import onnx
import torch

from edge_vsr.errors import ModelError
from edge_vsr.factory import card, command
from edge_vsr.factory.dataset import BASE_KERNEL
from edge_vsr.factory.export import float_graph, quantised_graph
from edge_vsr.factory.export_tflite import tflite_model
from edge_vsr.factory.graph_lint import findings
from edge_vsr.factory.graph_rules import two_in_four
from edge_vsr.factory.graph_view import Claims
from edge_vsr.factory.networks import NetConfig
from edge_vsr.factory.quantize import IntLayer, float_layers, int_layers, save_reference
from edge_vsr.factory.train import CHECKPOINT, load_net
from edge_vsr.models.manifest import FORMAT, MANIFEST, Manifest, ModelFile, sha256_of

Source = Literal["any", "clean", "coded"]
_FILES = {
    "asym": "asym.onnx",
    "sym": "sym.onnx",
    "float": "float.onnx",
    "half": "half.onnx",
    "tflite": "model.tflite",
    "reference": "weights.npz",
}


def package(
    run: Path, parent: Path, out: Path, name: str, version: str, *, rung: str = "", source: Source = "any"
) -> Manifest:
    """Write ``out/name/version``; the float graphs are the parent's, the integers are the run's.

    rung, source: see Manifest. Raises ModelError, and writes nothing, when a graph is not what runtimes want.
    """
    net = load_net(run)
    variants = {kind: int_layers(net, kind) for kind in ("asym", "sym")}
    layers = variants["asym"]
    sparse = tuple(index for index, layer in enumerate(layers) if two_in_four(layer.weight))
    channels = (layers[0].weight.shape[1], len(layers[-1].weight))
    floats = float_layers(load_net(parent))
    graphs = {
        "asym": quantised_graph(variants["asym"], signed=False, name=name),
        "sym": quantised_graph(variants["sym"], signed=True, name=name),
        "float": float_graph(floats, name),
        "half": float_graph(floats, name, half=True),
    }
    claims = Claims(channels, len(layers), net.config.step, sparse)
    _refuse_faulty(graphs, claims)
    folder = out / name / version
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MANIFEST).unlink(missing_ok=True)  # it comes last: what is half written is no package
    for kind, graph in graphs.items():
        (folder / _FILES[kind]).write_bytes(graph.SerializeToString())
    (folder / _FILES["tflite"]).write_bytes(tflite_model(layers, name))
    save_reference(variants, folder / _FILES["reference"])
    history = {"commit": commit_here(), **_history(run)}
    manifest = _manifest(folder, net.config, layers, claims, rung=rung, source=source, trained=history)
    card.write(folder, manifest)
    return manifest


def _manifest(
    folder: Path,
    config: NetConfig,
    layers: list[IntLayer],
    claims: Claims,
    *,
    rung: str,
    source: Source,
    trained: dict[str, str | int | float],
) -> Manifest:
    """What the written files are, counted on the layers themselves."""
    return Manifest(
        format=FORMAT,
        name=folder.parent.name,
        version=folder.name,
        rung=rung,
        source=source,
        family="half-res-yuv420",
        scale=cast(Literal[1, 2, 3, 4], config.scale),
        channels=claims.channels,
        width=max(len(layer.weight) for layer in layers[:-1]),
        depth=claims.depth,
        halo=claims.depth,
        base_kernel=BASE_KERNEL,
        residual_step=claims.residual_step,
        macs_per_px=sum(layer.weight.size for layer in layers) / 4,  # four luma pixels a block
        parameters=sum(layer.weight.size + layer.bias.size for layer in layers),
        sparse=claims.sparse,
        files={kind: ModelFile(path, sha256_of(folder / path)) for kind, path in _FILES.items()},
        license="Apache-2.0",
        trained=trained,
        figures={},
    )


def _refuse_faulty(graphs: dict[str, onnx.ModelProto], claims: Claims) -> None:
    found = [f"{kind}: {line}" for kind, graph in graphs.items() for line in findings(graph, kind, claims)]
    if found:
        raise ModelError(f"not packaged, {len(found)} faults: {'; '.join(found)}")


def _history(run: Path, after: tuple[str, ...] = ()) -> dict[str, str | int | float]:
    """Every stage of training that led to a run, the first one first; ``after``: stages it was asked for by.

    A parent is known by its name, and looked for beside the run: one that lay elsewhere may share a later one's.
    """
    head = json.loads((run / "recipe.json").read_text())
    state = torch.load(run / CHECKPOINT, weights_only=True)
    mine = {
        f"{run.name} steps": state["step"],
        f"{run.name} minutes": round(state["spent_s"] / 60, 1),
        f"{run.name} recipe": json.dumps(head["recipe"]),
        f"{run.name} samples": json.dumps(head.get("data", {})),
    }
    seen, parent = (*after, run.name), head.get("parent")
    if not parent or parent in seen or not (run.parent / parent).is_dir():
        return mine
    return {**_history(run.parent / parent, seen), **mine}


def commit_here() -> str:
    """The commit of the checkout that packages; "unknown" outside of one."""
    asked = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--abbrev=12", "--exclude=*"]
    try:
        return subprocess.run(asked, capture_output=True, text=True, check=True, timeout=20).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return "unknown"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True, help="a quantisation-aware run")
    parser.add_argument("--parent", type=Path, required=True, help="its float parent")
    parser.add_argument("--out", type=Path, default=Path("models_quantized"))
    parser.add_argument("--name", required=True)
    parser.add_argument("--version", default="1")
    parser.add_argument("--rung", default="", help="the step of the ladder it stands on (default: none)")
    parser.add_argument("--source", choices=get_args(Source), default="any", help="what it was trained for")
    args = parser.parse_args()
    made = package(args.run, args.parent, args.out, args.name, args.version, rung=args.rung, source=args.source)
    print(f"{made.name} {made.version}")


if __name__ == "__main__":
    command.run(main)
