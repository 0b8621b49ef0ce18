"""The rules of graph_lint: each looks at one thing in a graph and says what is wrong with it, sentence by sentence.

``EVERY`` hold for every graph, ``OF_INTEGERS`` for sym and asym, ``OF_SYM`` for sym (TensorRT), ``OF_FLOATS`` for
float and half. A rule passes over what another one reports.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import TensorProto, helper

from edge_vsr.factory.graph_view import View

NEWEST_IR, NEWEST_OPSET = 10, 21  # what ONNX Runtime 1.23 and TensorRT 10 read
WIDTH_UNIT = 32  # input and output channels of TensorRT's INT8 kernels
LEAST_WEIGHT = -127  # TensorRT's weights are symmetric

_INTEGER = {"sym": TensorProto.INT8, "asym": TensorProto.UINT8}
_BORDER_ZERO = {"sym": 0, "asym": 128}
_FLOAT = {"float": np.dtype(np.float32), "half": np.dtype(np.float16)}
_FLOAT_OPS = {"Conv", "Relu", "Cast", "Sub", "Mul"}
_PLAIN = {"group": 1, "strides": [1, 1], "dilations": [1, 1], "pads": [0, 0, 0, 0], "auto_pad": b"NOTSET"}


# -- every graph ------------------------------------------------------------------------------------------------------


def _age(view: View) -> Iterator[str]:
    if view.model.ir_version > NEWEST_IR:
        yield f"its IR version is {view.model.ir_version}, runtimes read {NEWEST_IR} at most"
    for opset in view.model.opset_import:
        if opset.domain:
            yield f"it needs operators of {opset.domain}"
        elif opset.version > NEWEST_OPSET:
            yield f"its opset is {opset.version}, runtimes read {NEWEST_OPSET} at most"


def _border(view: View) -> Iterator[str]:
    out = _INTEGER.get(view.kind, TensorProto.FLOAT)
    ends = (
        ("picture", view.graph.input, _INTEGER.get(view.kind, TensorProto.UINT8), view.claims.channels[0]),
        ("residual", view.graph.output, out, view.claims.channels[1]),
    )
    for name, tensors, dtype, channels in ends:
        if [tensor.name for tensor in tensors] != [name]:
            yield f"{name} is not alone at its end of the graph: {', '.join(tensor.name for tensor in tensors)}"
            continue
        kind = tensors[0].type.tensor_type
        if kind.elem_type != dtype:
            yield f"{name} is {_type(kind.elem_type)}, not {_type(dtype)}"
        dims = kind.shape.dim
        if len(dims) != 4 or dims[1].dim_value != channels:
            yield f"{name} has not the {channels} channels of the manifest"
        elif not all(dims[axis].dim_param for axis in (0, 2, 3)):
            yield f"{name} has a fixed batch, height or width"


def _leftovers(view: View) -> Iterator[str]:
    ends = {tensor.name for tensor in view.graph.output}
    for name in view.constants:
        if name not in view.users:
            yield f"constant {name} is used by nothing"
    for name, node in view.maker.items():
        if name not in view.users and name not in ends:
            yield f"{node.op_type} {name} is used by nothing"


def _convolutions(view: View) -> Iterator[str]:
    if len(view.convolutions) != view.claims.depth:
        yield f"it has {len(view.convolutions)} convolutions, the manifest says {view.claims.depth}"
    for node in view.convolutions:
        given = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        odd = [name for name, value in _PLAIN.items() if given.get(name, value) != value]
        if odd:
            yield f"Conv {node.output[0]} is not plain and valid: {', '.join(odd)}"
        weight = view.weight(node)
        if weight is None:
            yield f"Conv {node.output[0]}: its weight is not constant"
        elif weight.shape[2:] != (3, 3):
            yield f"Conv {node.output[0]} has a kernel of {weight.shape[2:]}, not (3, 3)"


def _rectified(view: View) -> Iterator[str]:
    for index, node in enumerate(view.convolutions):
        relu = view.used_by(node.output[0]) == ["Relu"]
        if index < len(view.convolutions) - 1 and not relu:
            yield f"Conv {node.output[0]} is not followed by Relu alone"
        elif index == len(view.convolutions) - 1 and relu:
            yield f"Conv {node.output[0]} makes the residual, which a Relu may not cut"


# -- sym and asym -----------------------------------------------------------------------------------------------------


def _no_float_between(view: View) -> Iterator[str]:
    goes_to = {
        "Conv": (["Relu"], ["QuantizeLinear"]),
        "Relu": (["QuantizeLinear"],),
        "QuantizeLinear": (["DequantizeLinear"], []),  # [] is the graph's end, or a leftover
        "DequantizeLinear": (["Conv"], []),
    }
    for node in view.graph.node:
        name = node.output[0]
        if node.op_type not in goes_to:
            yield f"{node.op_type} {name} computes in float between quantised layers"
        elif view.used_by(name) not in goes_to[node.op_type]:
            yield f"{node.op_type} {name} does not go to {' or '.join(u[0] for u in goes_to[node.op_type] if u)} alone"
        if node.op_type == "Conv":
            for part, source in zip(("picture", "weight"), node.input, strict=False):
                if view.made_by(source) != "DequantizeLinear":
                    yield f"Conv {name}: its {part} does not come from DequantizeLinear"


def _zero_points(view: View) -> Iterator[str]:
    activation = np.dtype(np.int8 if view.kind == "sym" else np.uint8)
    for node in view.linear:
        name, zero, stored = node.output[0], view.operand(node, 2), view.operand(node, 0)
        at_border = "picture" in node.input or name == "residual"
        wanted = _BORDER_ZERO[view.kind] if at_border else 0
        if zero is None:
            yield f"{name}: its zero point is not a written constant"
            continue
        if np.any(zero != wanted):
            yield f"{name}: its zero point is not {wanted}"
        dtype = activation if stored is None else stored.dtype
        if zero.dtype != dtype:
            yield f"{name}: its zero point is {zero.dtype}, not {dtype}"


def _scales(view: View) -> Iterator[str]:
    for node in view.linear:
        name, scale, stored = node.output[0], view.operand(node, 1), view.operand(node, 0)
        if scale is None:
            yield f"{name}: its scale is not constant"
            continue
        if scale.dtype != np.float32 or not (np.isfinite(scale) & (scale > 0)).all():
            yield f"{name}: its scale is not positive float32"
        axis = [a.i for a in node.attribute if a.name == "axis"]
        if stored is None and scale.shape != ():
            yield f"{name}: an activation has one scale, this one has {scale.size}"
        elif stored is not None and (scale.shape != (len(stored),) or axis != [0]):
            yield f"{name}: a stored tensor has a scale for each output channel (axis 0)"


def _scales_agree(view: View) -> Iterator[str]:
    for node in view.linear:
        name, source = node.output[0], node.input[0]
        if view.made_by(source) == "QuantizeLinear":
            pairs = [(view.operand(view.maker[source], index), view.operand(node, index)) for index in (1, 2)]
            if not all(a is not None and b is not None and np.array_equal(a, b) for a, b in pairs):
                yield f"{name} is not read by the scale and zero point it was written with"
        for end, wanted in ((source == "picture", 1.0), (name == "residual", view.claims.residual_step)):
            if end and not np.array_equal(view.scale(node), np.float32(wanted)):
                yield f"{name}: its scale is not {wanted} code values"


def _biases(view: View) -> Iterator[str]:
    for conv in view.convolutions:
        name = conv.output[0]
        if len(conv.input) < 3:
            yield f"Conv {name} has no bias"
            continue
        if view.kind == "sym":
            plain = view.constants.get(conv.input[2])
            if plain is None or plain.dtype != np.float32:
                yield f"Conv {name}: its bias is not a float32 constant; TensorRT dequantises no int32"
            continue
        x, weight, bias = (view.maker.get(source) for source in conv.input)
        stored = view.operand(bias, 0) if bias else None
        if stored is None or stored.dtype != np.int32:
            yield f"Conv {name}: its bias is not a stored int32"
        elif x and weight and bias and view.scale(x).size == 1:
            unit, seen = view.scale(x) * view.scale(weight), view.scale(bias)
            if unit.shape != seen.shape or not np.allclose(unit, seen, rtol=1e-6, atol=0):
                yield f"Conv {name}: the scale of its bias is not that of the sum it joins"


def _weights(view: View) -> Iterator[str]:
    for conv in view.convolutions:
        weight = view.weight(conv)
        if weight is not None and weight.dtype != np.int8:
            yield f"Conv {conv.output[0]}: its weight is {weight.dtype}, not int8"


def _least_weights(view: View) -> Iterator[str]:
    for conv in view.convolutions:
        weight = view.weight(conv)
        if weight is not None and weight.min() < LEAST_WEIGHT:
            yield f"Conv {conv.output[0]}: its weight reaches {weight.min()}, TensorRT's end at {LEAST_WEIGHT}"


def _sparsity(view: View) -> Iterator[str]:
    for index in view.claims.sparse:
        weight = view.weight(view.convolutions[index]) if index < len(view.convolutions) else None
        if weight is None or not two_in_four(weight):
            yield f"layer {index} is not 2:4 sparse along its input channels, as the manifest says"


def two_in_four(weight: npt.NDArray[Any]) -> bool:
    """(O, I, y, x): of each four consecutive input channels at most two are not zero, at every output and tap."""
    if weight.shape[1] % 4:
        return False
    groups = (weight != 0).reshape(len(weight), -1, 4, *weight.shape[2:])
    return bool((groups.sum(axis=2) <= 2).all())


def _widths(view: View) -> Iterator[str]:
    for node in view.convolutions[:-1]:
        weight = view.weight(node)
        if weight is not None and len(weight) % WIDTH_UNIT:
            yield f"Conv {node.output[0]} has {len(weight)} channels, INT8 kernels want multiples of {WIDTH_UNIT}"


# -- float and half ---------------------------------------------------------------------------------------------------


def _float_types(view: View) -> Iterator[str]:
    for node in view.graph.node:
        if node.op_type not in _FLOAT_OPS:
            yield f"{node.op_type} {node.output[0]} has no place in a {view.kind} graph"
    for name, value in view.constants.items():
        if value.dtype != _FLOAT[view.kind]:
            yield f"constant {name} is {value.dtype}, not {_FLOAT[view.kind]}"


def _type(elem_type: int) -> str:
    return str(TensorProto.DataType.Name(elem_type)).lower()


_Rule = Callable[[View], Iterator[str]]
EVERY: tuple[_Rule, ...] = (_age, _border, _leftovers, _convolutions, _rectified)
OF_INTEGERS: tuple[_Rule, ...] = (_no_float_between, _zero_points, _scales, _scales_agree, _biases, _weights, _sparsity)
OF_SYM: tuple[_Rule, ...] = (_widths, _least_weights)
OF_FLOATS: tuple[_Rule, ...] = (_float_types,)
