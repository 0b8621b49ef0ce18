"""ONNX graphs of a net: ``sym`` (S8S8, for TensorRT), ``asym`` (U8S8, for CPU and OpenVINO), ``float``, ``half``.

All take ``picture`` (N, 8, h, w) and give ``residual`` (N, C, h - 2L, w - 2L); N, h and w are free.
sym: int8 in (code value - 128) and out; asym: uint8 in (code value) and out (128 is zero). Both hold the same
integers (sym its biases as float32, TensorRT's way), and every convolution stands between DequantizeLinear and
QuantizeLinear, so that no float tensor crosses from layer to layer. float and half: uint8 in, float32 code
values out; half stores and computes in float16. ``graph_lint`` holds them to that.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from edge_vsr.factory.quantize import IntLayer

OPSET, IR_VERSION = 19, 10
_HALF_UNIT = 128  # a power of two: exact


class _Graph:
    """Collects nodes and constants; names follow the tensor that a node makes."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def const(self, name: str, value: npt.NDArray[np.generic]) -> str:
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def add(self, op: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(op, inputs, [output], name=output, **attributes))
        return output

    def stored(self, name: str, codes: npt.NDArray[np.signedinteger], scale: npt.NDArray[np.float32]) -> str:
        """A constant kept as integers with a scale for each output channel."""
        zeros = np.zeros(len(scale), codes.dtype)
        parts = {"q": codes, "scale": scale.astype(np.float32), "zero": zeros}
        inputs = [self.const(f"{name}_{part}", value) for part, value in parts.items()]
        return self.add("DequantizeLinear", inputs, name, axis=0)

    def model(self, name: str, types: tuple[int, int], channels: tuple[int, int]) -> onnx.ModelProto:
        picture = helper.make_tensor_value_info("picture", types[0], ["batch", channels[0], "height", "width"])
        residual = helper.make_tensor_value_info(
            "residual", types[1], ["batch", channels[1], "height_out", "width_out"]
        )
        graph = helper.make_graph(self.nodes, name, [picture], [residual], self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="edge-vsr")
        model.ir_version = IR_VERSION
        onnx.checker.check_model(model, full_check=True)
        return model


def quantised_graph(layers: list[IntLayer], signed: bool, name: str) -> onnx.ModelProto:
    """The QDQ graph; ``signed`` picks sym (int8, zero-point 0) over asym (uint8)."""
    graph, dtype = _Graph(), np.int8 if signed else np.uint8
    centre = graph.const("zero_centre", np.array(0 if signed else 128, dtype))
    origin = graph.const("zero_origin", np.array(0, dtype))
    quantised, zero = "picture", centre
    for index, layer in enumerate(layers):
        last = index == len(layers) - 1
        scale_in = graph.const(f"scale_in{index}", np.asarray(layer.scale_in))
        x = graph.add("DequantizeLinear", [quantised, scale_in, zero], f"x{index}")
        weight = graph.stored(f"weight{index}", layer.weight, layer.scale_weight)
        bias = _bias(graph, f"bias{index}", layer, signed)
        y = graph.add("Conv", [x, weight, bias], f"y{index}", kernel_shape=[3, 3])
        if not last:
            y = graph.add("Relu", [y], f"relu{index}")
        zero = centre if last else origin
        quantised = graph.add(
            "QuantizeLinear",
            [y, graph.const(f"scale_out{index}", np.asarray(layer.scale_out)), zero],
            "residual" if last else f"q{index}",
        )
    kind = TensorProto.INT8 if signed else TensorProto.UINT8
    return graph.model(name, (kind, kind), (layers[0].weight.shape[1], layers[-1].weight.shape[0]))


def _bias(graph: _Graph, name: str, layer: IntLayer, signed: bool) -> str:
    """int32 for the CPU's integer kernels; sym has the same numbers as float32, TensorRT dequantises no int32."""
    unit = layer.scale_in * layer.scale_weight
    if signed:
        return graph.const(name, (layer.bias * unit.astype(np.float64)).astype(np.float32))
    return graph.stored(name, layer.bias, unit)


def float_graph(
    layers: list[tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]], name: str, half: bool = False
) -> onnx.ModelProto:
    """The float parent, uint8 in and float32 out; ``half``: stored and computed in float16 between the two."""
    graph, dtype = _Graph(), np.float16 if half else np.float32
    x = graph.add("Cast", ["picture"], "cast", to=TensorProto.FLOAT16 if half else TensorProto.FLOAT)
    x = graph.add("Sub", [x, graph.const("centre", np.array(128, dtype))], "centred")
    if half:  # the first kernel takes code values: one weight in 14 would be subnormal in float16
        x = graph.add("Mul", [x, graph.const("unit", np.array(1 / _HALF_UNIT, dtype))], "scaled")
        layers = [(layers[0][0] * np.float32(_HALF_UNIT), layers[0][1]), *layers[1:]]
    for index, (weight, bias) in enumerate(layers):
        last = index == len(layers) - 1
        y = graph.add(
            "Conv",
            [x, graph.const(f"weight{index}", weight.astype(dtype)), graph.const(f"bias{index}", bias.astype(dtype))],
            "residual" if last and not half else f"y{index}",
            kernel_shape=[3, 3],
        )
        x = y if last else graph.add("Relu", [y], f"relu{index}")
    if half:
        graph.add("Cast", [x], "residual", to=TensorProto.FLOAT)
    return graph.model(name, (TensorProto.UINT8, TensorProto.FLOAT), (layers[0][0].shape[1], layers[-1][0].shape[0]))
