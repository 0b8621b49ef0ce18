"""What is shipped: graphs that every provider reads, integers all the way through."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge_vsr.errors import ModelError
from edge_vsr.models.store import Model

onnx = pytest.importorskip("onnx")
pytest.importorskip("torch")

from factory_layers import random_layers  # noqa: E402
from onnx import TensorProto, numpy_helper  # noqa: E402

from edge_vsr.factory import package as packaging  # noqa: E402
from edge_vsr.factory.export import float_graph, quantised_graph  # noqa: E402
from edge_vsr.factory.graph_lint import findings, package_findings  # noqa: E402
from edge_vsr.factory.graph_view import Claims  # noqa: E402
from edge_vsr.factory.package import package  # noqa: E402

DEPTH = 3


@pytest.fixture(params=["asym", "sym"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def graph_of(model: Model, kind: str) -> onnx.GraphProto:  # type: ignore[name-defined]
    return onnx.load(model.file(kind)).graph


@pytest.mark.parametrize("variant", ["asym", "sym", "float", "half"])
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
        ("half", (TensorProto.UINT8, TensorProto.FLOAT)),
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
        assert [maker[name].op_type for name in conv.input[:2]] == ["DequantizeLinear"] * 2
        assert (conv.input[2] in maker) == (kind == "asym")  # TensorRT dequantises no int32
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
    assert len(points) == (3 if kind == "sym" else 4) * DEPTH
    if kind == "sym":
        assert all(np.all(point == 0) for point in points.values())
        assert all(point.dtype == np.int8 for point in points.values())
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


def test_a_bias_is_scaled_by_what_it_is_added_to(factory_model: Model) -> None:
    graph = graph_of(factory_model, "asym")
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
            if kind == "asym":
                bias = constants[f"bias{index}_q"]
            else:
                bias = np.rint(
                    constants[f"bias{index}"] / (constants[f"scale_in{index}"] * constants[f"weight{index}_scale"])
                )
            assert np.array_equal(bias, reference[f"{kind}_bias{index}"])


def test_half_stores_and_computes_in_float16(factory_model: Model) -> None:
    graph = graph_of(factory_model, "half")
    kinds = {c.name: c.data_type for c in graph.initializer}
    assert set(kinds.values()) == {TensorProto.FLOAT16}
    assert len(kinds) == 2 * DEPTH + 2  # kernels and biases, the centre and the unit of the picture
    whole = {c.name: numpy_helper.to_array(c) for c in graph_of(factory_model, "float").initializer}
    for c in graph.initializer:
        if c.name.startswith("weight"):
            value = numpy_helper.to_array(c)
            assert np.abs(value[value != 0]).min() > np.finfo(np.float16).tiny / 8  # hardly a bit is lost
            unit = 128 if c.name == "weight0" else 1
            assert np.allclose(value, whole[c.name] * unit, rtol=2**-10, atol=1e-6)


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
@pytest.mark.parametrize("variant", ["asym", "sym", "float", "half"])
def test_every_scale_has_sound_graphs(scale: int, variant: str) -> None:
    layers = random_layers((8, 32, 64, 6 * scale * scale))
    if variant in {"asym", "sym"}:
        graph = quantised_graph(layers, signed=variant == "sym", name="net")
    else:
        graph = float_graph(
            [
                (
                    (la.weight * la.scale_weight[:, None, None, None]).astype(np.float32),
                    np.zeros(len(la.weight), np.float32),
                )
                for la in layers
            ],
            "net",
            half=variant == "half",
        )
    assert findings(graph, variant, Claims((8, 6 * scale * scale), 3, 0.75)) == []


def test_a_faulty_graph_is_not_packaged(factory_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packaging, "findings", lambda graph, kind, claims: ["it is odd"] if kind == "sym" else [])
    with pytest.raises(ModelError, match="not packaged, 1 faults: sym: it is odd"):
        package(factory_run, factory_run, tmp_path, "odd", "1")
    assert list(tmp_path.iterdir()) == []


def test_a_package_says_what_it_holds(factory_model: Model) -> None:
    manifest = factory_model.manifest
    assert set(manifest.files) == {"asym", "sym", "float", "half", "tflite", "reference"}
    assert (manifest.channels, manifest.depth, manifest.width, manifest.sparse) == ((8, 24), DEPTH, 32, ())
    assert manifest.macs_per_px == 9 * (8 * 32 + 32 * 32 + 32 * 24) / 4
    assert package_findings(factory_model) == []
