"""An exported graph as its rules look at it: by tensor, beside what the manifest claims of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

from edge_vsr.models.manifest import Manifest

LINEAR_OPS = {"QuantizeLinear", "DequantizeLinear"}


@dataclass(frozen=True)
class Claims:
    """What the manifest says of the graphs; see Manifest."""

    channels: tuple[int, int]
    depth: int
    residual_step: float
    sparse: tuple[int, ...] = ()

    @classmethod
    def of(cls, manifest: Manifest) -> Claims:
        return cls(manifest.channels, manifest.depth, manifest.residual_step, manifest.sparse)


class View:
    """A graph by tensor: what makes it, what uses it, what it holds. kind, claims: what it is held against."""

    def __init__(self, model: onnx.ModelProto, kind: str, claims: Claims) -> None:
        self.model, self.graph, self.kind, self.claims = model, model.graph, kind, claims
        self.constants = {c.name: numpy_helper.to_array(c) for c in self.graph.initializer}
        self.maker = {name: node for node in self.graph.node for name in node.output}
        self.users: dict[str, list[onnx.NodeProto]] = {}
        for node in self.graph.node:
            for name in node.input:
                self.users.setdefault(name, []).append(node)
        self.convolutions = [node for node in self.graph.node if node.op_type == "Conv"]
        self.linear = [node for node in self.graph.node if node.op_type in LINEAR_OPS]

    def made_by(self, name: str) -> str:
        """The operator a tensor comes from; ``""`` for constants and the picture."""
        return str(self.maker[name].op_type) if name in self.maker else ""

    def used_by(self, name: str) -> list[str]:
        return [node.op_type for node in self.users.get(name, ())]

    def operand(self, node: onnx.NodeProto, index: int) -> npt.NDArray[Any] | None:
        """An input of a node where it is constant: 0 data, 1 scale, 2 zero point."""
        return self.constants.get(node.input[index]) if index < len(node.input) else None

    def scale(self, node: onnx.NodeProto) -> npt.NDArray[Any]:
        """The constant scale of a (de)quantiser; empty where it has none."""
        scale = self.operand(node, 1)
        return np.empty(0, np.float32) if scale is None else scale

    def weight(self, convolution: onnx.NodeProto) -> npt.NDArray[Any] | None:
        """The constant kernel (O, I, 3, 3) of a convolution, as stored."""
        name = convolution.input[1]
        return self.operand(self.maker[name], 0) if self.made_by(name) else self.constants.get(name)
