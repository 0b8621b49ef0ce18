"""Do exported graphs keep what the runtimes ask of them? Pure: a graph and its claims in, plain sentences out.

python -m edge_vsr.factory.graph_lint models_quantized/x2-balanced/1

What is proved of ``sym`` is what TensorRT's explicit quantisation wants: zero points 0, one scale for an
activation and one for each output channel of a weight, every convolution between DequantizeLinear and
QuantizeLinear so that no float kernel slips in, widths that INT8 kernels exist for. Whether the integers are
the reference's is not asked here; the backends' comparison does that.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import onnx

from edge_vsr.errors import ModelError
from edge_vsr.factory import command, graph_rules
from edge_vsr.factory.graph_view import Claims, View
from edge_vsr.models import store

_RULES = {
    "sym": (*graph_rules.EVERY, *graph_rules.OF_INTEGERS, *graph_rules.OF_SYM),
    "asym": (*graph_rules.EVERY, *graph_rules.OF_INTEGERS),
    "float": (*graph_rules.EVERY, *graph_rules.OF_FLOATS),
    "half": (*graph_rules.EVERY, *graph_rules.OF_FLOATS),
}
KINDS = tuple(_RULES)


def findings(model: onnx.ModelProto, kind: str, claims: Claims) -> list[str]:
    """What is wrong with a graph of that kind, a sentence each; empty when nothing is."""
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        return [f"it is not a valid ONNX graph: {str(error).splitlines()[0]}"]
    view = View(model, kind, claims)
    return [finding for rule in _RULES[kind] for finding in rule(view)]


def package_findings(model: store.Model) -> list[str]:
    """Findings of every graph in a package, each with its file's name. Damaged files are findings, too."""
    found = []
    for kind in KINDS:
        if kind not in model.manifest.files:
            continue
        try:
            graph = onnx.load(model.file(kind))
        except ModelError as error:
            found.append(str(error))
            continue
        entry = model.manifest.files[kind].path
        found += [f"{entry}: {finding}" for finding in findings(graph, kind, Claims.of(model.manifest))]
    return found


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="+", type=Path, help="a model package")
    found = 0
    for folder in parser.parse_args(arguments).folder:
        try:
            lines = package_findings(store.find(str(folder)))
        except ModelError as error:
            lines = [str(error)]
        print(*(f"{folder}: {line}" for line in lines or ["nothing found"]), sep="\n")
        found += len(lines)
    return 1 if found else 0


if __name__ == "__main__":
    command.run(main)
