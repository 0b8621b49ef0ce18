"""What is shipped: graphs that every provider reads, integers all the way through."""

from __future__ import annotations

import numpy as np
import pytest

from edge_vsr.models.store import Model

onnx = pytest.importorskip("onnx")

from onnx import TensorProto, numpy_helper  # noqa: E402

DEPTH = 3


@pytest.fixture(params=["asym", "sym"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def graph_of(model: Model, kind: str) -> onnx.GraphProto:  # type: ignore[name-defined]
    return onnx.load(model.file(kind)).graph


@pytest.mark.parametrize("variant", ["asym", "sym", "float"])
def test_a_graph_is_valid_and_old_enough_for_every_runtime(variant: str, factory_model: Model) -> None:
    model = onnx.load(factory_model.file(variant))
    onnx.checker.check_model(model, full_check=True)
    assert model.ir_version <= 10
    assert [(o.domain, o.version <= 21) for o in model.opset_import] == [("", True)]


@pytest.mark.parametrize(
    ("variant", "border"),
    [
        ("asym", (TensorProto.UINT8, TensorProto.UINT8)),
        ("sym", (TensorProto.INT8, TensorProto.INT8)),
        ("float", (TensorProto.UINT8, TensorProto.FLOAT)),
    ],
)
def test_pictures_cross_the_border_as_bytes(variant: str, border: tuple[int, int], factory_model: Model) -> None:
    graph = graph_of(factory_model, variant)
    ((picture,), (residual,)) = graph.input, graph.output
    assert (picture.name, residual.name) == ("picture", "residual")
    assert (picture.type.tensor_type.elem_type, residual.type.tensor_type.elem_type) == border
    assert picture.type.tensor_type.shape.dim[1].dim_value == 8
    assert residual.type.tensor_type.shape.dim[1].dim_value == 24
    free = [picture.type.tensor_type.shape.dim[axis].dim_param for axis in (0, 2, 3)]
    assert free == ["batch", "height", "width"]


def test_no_float_crosses_from_layer_to_layer(kind: str, factory_model: Model) -> None:
    graph = graph_of(factory_model, kind)
    maker = {output: node for node in graph.node for output in node.output}
    users: dict[str, list[str]] = {}
    for node in graph.node:
        for name in node.input:
            users.setdefault(name, []).append(node.op_type)
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    assert len(convolutions) == DEPTH
    for conv in convolutions:
        assert [maker[name].op_type for name in conv.input] == ["DequantizeLinear"] * 3
        last = conv is convolutions[-1]
        assert users[conv.output[0]] == (["QuantizeLinear"] if last else ["Relu"])
    for node in graph.node:
        if node.op_type == "Relu":
            assert users[node.output[0]] == ["QuantizeLinear"]
        if node.op_type == "QuantizeLinear" and node.output[0] != "residual":
            assert users[node.output[0]] == ["DequantizeLinear"]
    assert {node.op_type for node in graph.node} == {"Conv", "Relu", "QuantizeLinear", "DequantizeLinear"}
    assert maker["residual"].op_type == "QuantizeLinear"


def test_zero_points_are_what_the_providers_want(kind: str, factory_model: Model) -> None:
    graph = graph_of(factory_model, kind)
    constants = {c.name: numpy_helper.to_array(c) for c in graph.initializer}
    points = {
        node.output[0]: constants[node.input[2]]
        for node in graph.node
        if node.op_type in {"QuantizeLinear", "DequantizeLinear"}
    }
    assert len(points) == 4 * DEPTH
    if kind == "sym":
        assert all(np.all(point == 0) for point in points.values())
        assert all(point.dtype in {np.dtype(np.int8), np.dtype(np.int32)} for point in points.values())
    else:  # the picture and the residual swing about 128; what a ReLU leaves starts at 0; weights are signed
        assert {name for name, point in points.items() if np.any(point != 0)} == {"x0", "residual"}
        assert points["x0"] == points["residual"] == 128


def test_weights_have_a_scale_for_each_channel_and_activations_one(kind: str, factory_model: Model) -> None:
    graph = graph_of(factory_model, kind)
    constants = {c.name: numpy_helper.to_array(c) for c in graph.initializer}
    for node in graph.node:
        if node.op_type == "DequantizeLinear":
            (data, scale), axis = node.input[:2], [a.i for a in node.attribute if a.name == "axis"]
            if data in constants:
                assert constants[scale].shape == (len(constants[data]),)
                assert axis == [0]
                assert constants[data].dtype in {np.dtype(np.int8), np.dtype(np.int32)}
            else:
                assert constants[scale].shape == ()


def test_a_bias_is_scaled_by_what_it_is_added_to(kind: str, factory_model: Model) -> None:
    graph = graph_of(factory_model, kind)
    constants = {c.name: numpy_helper.to_array(c) for c in graph.initializer}
    maker = {output: node for node in graph.node for output in node.output}
    for conv in (node for node in graph.node if node.op_type == "Conv"):
        x, weight, bias = (constants[maker[name].input[1]] for name in conv.input)
        assert np.allclose(bias, x * weight, rtol=1e-6)


def test_both_graphs_and_the_reference_hold_the_same_integers(factory_model: Model) -> None:
    reference = np.load(factory_model.file("reference"))
    for kind in ("asym", "sym"):
        constants = {c.name: numpy_helper.to_array(c) for c in graph_of(factory_model, kind).initializer}
        for index in range(DEPTH):
            assert np.array_equal(constants[f"weight{index}_q"], reference[f"weight{index}"])
            assert np.array_equal(constants[f"bias{index}_q"], reference[f"{kind}_bias{index}"])
