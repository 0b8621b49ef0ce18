"""Every rule is seen to break, and nothing else with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest

from edge_vsr.models import store
from edge_vsr.models.manifest import MANIFEST

onnx = pytest.importorskip("onnx")
pytest.importorskip("torch")

from factory_layers import random_layers  # noqa: E402
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from edge_vsr.factory.export import float_graph, quantised_graph  # noqa: E402
from edge_vsr.factory.graph_lint import findings, main  # noqa: E402
from edge_vsr.factory.graph_rules import two_in_four  # noqa: E402
from edge_vsr.factory.graph_view import Claims  # noqa: E402

WIDTHS = (8, 32, 32, 24)
CLAIMS = Claims((8, 24), 3, 0.75)
Change = Callable[[onnx.ModelProto], None]  # type: ignore[name-defined]


def good(kind: str) -> onnx.ModelProto:  # type: ignore[name-defined]
    layers = random_layers(WIDTHS)
    if kind in {"sym", "asym"}:
        return quantised_graph(layers, signed=kind == "sym", name="net")
    floats = [(la.weight.astype(np.float32) / 512, np.ones(len(la.weight), np.float32)) for la in layers]
    return float_graph(floats, "net", half=kind == "half")


# -- ways to break a graph --------------------------------------------------------------------------------------------


def node_of(model, name):  # type: ignore[no-untyped-def]
    return next(node for node in model.graph.node if node.output[0] == name)


def constant(name: str, change: Callable[[np.ndarray], np.ndarray]) -> Change:  # type: ignore[type-arg]
    """Another value for one constant."""

    def apply(model):  # type: ignore[no-untyped-def]
        held = next(c for c in model.graph.initializer if c.name == name)
        held.CopyFrom(numpy_helper.from_array(np.asarray(change(numpy_helper.to_array(held))), name))

    return apply


def added(name: str, value: np.ndarray) -> Change:  # type: ignore[type-arg]
    return lambda model: model.graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))


def rewired(node: str, index: int, to: str) -> Change:
    def apply(model):  # type: ignore[no-untyped-def]
        node_of(model, node).input[index] = to

    return apply


def inserted(op: str, behind: str, name: str, **attributes: object) -> Change:
    """A node between a tensor and whatever uses it."""

    def apply(model):  # type: ignore[no-untyped-def]
        nodes = list(model.graph.node)
        at = next(i for i, node in enumerate(nodes) if node.output[0] == behind)
        for node in nodes:
            for i, source in enumerate(node.input):
                if source == behind:
                    node.input[i] = name
        nodes.insert(at + 1, helper.make_node(op, [behind], [name], name=name, **attributes))
        del model.graph.node[:]
        model.graph.node.extend(nodes)

    return apply


def removed(name: str) -> Change:
    """A node of one input taken out, its users joined to what it used."""

    def apply(model):  # type: ignore[no-untyped-def]
        gone = node_of(model, name)
        for node in model.graph.node:
            for i, source in enumerate(node.input):
                if source == name:
                    node.input[i] = gone.input[0]
        model.graph.node.remove(gone)

    return apply


def attribute(node: str, name: str, value: object) -> Change:
    def apply(model):  # type: ignore[no-untyped-def]
        found = node_of(model, node)
        kept = [a for a in found.attribute if a.name != name]
        del found.attribute[:]
        found.attribute.extend([*kept, helper.make_attribute(name, value)])

    return apply


def several(*changes: Change) -> Change:
    def apply(model):  # type: ignore[no-untyped-def]
        for change in changes:
            change(model)

    return apply


def opset(version: int, domain: str = "") -> Change:
    def apply(model):  # type: ignore[no-untyped-def]
        if domain:
            model.opset_import.append(helper.make_opsetid(domain, version))
        else:
            model.opset_import[0].version = version

    return apply


def new_ir(model) -> None:  # type: ignore[no-untyped-def]
    model.ir_version = 11


def fixed_height(model) -> None:  # type: ignore[no-untyped-def]
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_value = 70
    del model.graph.output[0].type.tensor_type.shape.dim[:]
    for size in ("batch", 24, 64, "width_out"):
        dim = model.graph.output[0].type.tensor_type.shape.dim.add()
        setattr(dim, "dim_param" if isinstance(size, str) else "dim_value", size)


def renamed_picture(model) -> None:  # type: ignore[no-untyped-def]
    model.graph.input[0].name = "image"
    for node in model.graph.node:
        for i, source in enumerate(node.input):
            if source == "picture":
                node.input[i] = "image"


def weight_as_input(model) -> None:  # type: ignore[no-untyped-def]
    """The first weight computed instead of stored: an Identity of a constant."""
    node_of(model, "weight1").input[0] = "weight1_same"
    model.graph.node.insert(0, helper.make_node("Identity", ["weight1_q"], ["weight1_same"], name="weight1_same"))


def unsigned_residual(model) -> None:  # type: ignore[no-untyped-def]
    """The graph's end as uint8, zero point and all."""
    added("zero_uint8", np.array(0, np.uint8))(model)
    node_of(model, "residual").input[2] = "zero_uint8"
    model.graph.output[0].type.tensor_type.elem_type = TensorProto.UINT8


def double_one(value: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
    return np.array([2 * value[0], *value[1:]], value.dtype)


def as_scalar(value: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
    return np.array(value.flat[0], value.dtype)


def least(value: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
    changed = value.copy()
    changed.flat[0] = -128
    return changed


CASES: dict[str, tuple[str, Change, str]] = {
    "IR too new": ("sym", new_ir, "its IR version is 11, runtimes read 10 at most"),
    "opset too new": ("sym", opset(22), "its opset is 22, runtimes read 21 at most"),
    "foreign operators": ("asym", opset(1, "com.microsoft"), "it needs operators of com.microsoft"),
    "broken graph": ("float", rewired("y1", 0, "nowhere"), "it is not a valid ONNX graph"),
    "input renamed": ("float", renamed_picture, "picture is not alone at its end of the graph: image"),
    "border type": ("sym", unsigned_residual, "residual is uint8, not int8"),
    "fixed shape": ("half", fixed_height, "picture has a fixed batch, height or width"),
    "unused constant": ("asym", added("spare", np.zeros(3, np.float32)), "constant spare is used by nothing"),
    "unused node": (
        "float",
        lambda model: model.graph.node.append(helper.make_node("Relu", ["relu0"], ["spare"], name="spare")),
        "Relu spare is used by nothing",
    ),
    "padding": ("float", attribute("y1", "pads", [1, 1, 1, 1]), "Conv y1 is not plain and valid: pads"),
    "strides": ("sym", attribute("y0", "strides", [2, 2]), "Conv y0 is not plain and valid: strides"),
    "computed weight": ("sym", weight_as_input, "Conv y1: its weight is not constant"),
    "ReLU missing": ("asym", removed("relu0"), "Conv y0 is not followed by Relu alone"),
    "ReLU too many": ("asym", inserted("Relu", "y2", "cut"), "Conv y2 makes the residual, which a Relu may not cut"),
    "float operator": (
        "sym",
        inserted("Sigmoid", "x1", "soft"),
        "Sigmoid soft computes in float between quantised layers",
    ),
    "weight in float": (
        "sym",
        several(added("plain", np.ones((32, 32, 3, 3), np.float32)), rewired("y1", 1, "plain")),
        "Conv y1: its weight does not come from DequantizeLinear",
    ),
    "no quantiser between": (
        "asym",
        rewired("y1", 0, "relu0"),
        "Conv y1: its picture does not come from DequantizeLinear",
    ),
    "sym zero point": (
        "sym",
        several(added("one", np.array(1, np.int8)), rewired("q0", 2, "one"), rewired("x1", 2, "one")),
        "q0: its zero point is not 0",
    ),
    "weight zero point": ("sym", constant("weight1_zero", lambda z: z + 1), "weight1: its zero point is not 0"),
    "asym border zero": ("asym", constant("zero_centre", lambda z: z + 1), "x0: its zero point is not 128"),
    "asym inner zero": ("asym", rewired("q0", 2, "zero_centre"), "q0: its zero point is not 0"),
    "asym weight zero": ("asym", constant("weight1_zero", lambda z: z + 1), "weight1: its zero point is not 0"),
    "unwritten zero point": (
        "sym",
        lambda model: node_of(model, "weight1").input.pop(),
        "weight1: its zero point is not a written constant",
    ),
    "signed asym": (
        "asym",
        several(added("int8", np.array(0, np.int8)), rewired("q0", 2, "int8"), rewired("x1", 2, "int8")),
        "q0: its zero point is int8, not uint8",
    ),
    "computed scale": (
        "sym",
        several(
            lambda model: model.graph.node.insert(
                0, helper.make_node("Identity", ["scale_in1"], ["same"], name="same")
            ),
            rewired("x1", 1, "same"),
        ),
        "x1: its scale is not constant",
    ),
    "scale below zero": ("sym", constant("weight1_scale", lambda s: -s), "weight1: its scale is not positive float32"),
    "many scales for an activation": (
        "sym",
        several(
            added("scales", np.full(32, 0.01, np.float32)),
            added("zeros", np.zeros(32, np.int8)),
            rewired("q0", 1, "scales"),
            rewired("q0", 2, "zeros"),
        ),
        "q0: an activation has one scale, this one has 32",
    ),
    "one scale for a weight": (
        "asym",
        several(constant("weight1_scale", as_scalar), constant("weight1_zero", as_scalar)),
        "weight1: a stored tensor has a scale for each output channel (axis 0)",
    ),
    "scales by input channel": (
        "sym",
        attribute("weight1", "axis", 1),
        "weight1: a stored tensor has a scale for each output channel (axis 0)",
    ),
    "read by another scale": (
        "sym",
        constant("scale_in1", lambda s: 2 * s),
        "x1 is not read by the scale and zero point it was written with",
    ),
    "picture's scale": ("sym", constant("scale_in0", lambda s: 2 * s), "x0: its scale is not 1.0 code"),
    "residual's scale": (
        "sym",
        constant("scale_out2", lambda s: 2 * s),
        "residual: its scale is not 0.75",
    ),
    "bias's scale": (
        "asym",
        constant("bias1_scale", double_one),
        "Conv y1: the scale of its bias is not that of the sum",
    ),
    "bias missing": ("sym", lambda model: node_of(model, "y1").input.pop(), "Conv y1 has no bias"),
    "asym bias in float": (
        "asym",
        several(added("plain", np.ones(32, np.float32)), rewired("y1", 2, "plain")),
        "Conv y1: its bias is not a stored int32",
    ),
    "weight of another type": (
        "asym",
        several(
            constant("weight1_q", lambda w: w.view(np.uint8)), constant("weight1_zero", lambda z: z.astype(np.uint8))
        ),
        "Conv y1: its weight is uint8, not int8",
    ),
    "weight below the range": ("sym", constant("weight1_q", least), "Conv y1: its weight reaches -128"),
    "float64 in float": ("half", inserted("Abs", "centred", "size"), "Abs size has no place in a half graph"),
}


@pytest.mark.parametrize("kind", ["sym", "asym", "float", "half"])
def test_nothing_is_found_in_what_we_export(kind: str) -> None:
    assert findings(good(kind), kind, CLAIMS) == []


@pytest.mark.parametrize("case", CASES)
def test_a_rule_sees_what_breaks_it(case: str) -> None:
    kind, change, sentence = CASES[case]
    model = good(kind)
    change(model)
    found = findings(model, kind, CLAIMS)
    assert any(line.startswith(sentence) for line in found), found
    assert len(found) <= 3, found  # what one change breaks, a few rules may see; not all


def test_an_int32_bias_is_nothing_for_tensorrt() -> None:
    model, donor = good("sym"), good("asym")
    model.graph.initializer.extend(c for c in donor.graph.initializer if c.name.startswith("bias1_"))
    model.graph.initializer.remove(next(c for c in model.graph.initializer if c.name == "bias1"))
    model.graph.node.insert(0, node_of(donor, "bias1"))
    sentence = "Conv y1: its bias is not a float32 constant; TensorRT dequantises no int32"
    assert findings(model, "sym", CLAIMS) == [sentence]


def test_another_precision_in_a_float_graph() -> None:
    found = findings(good("half"), "float", CLAIMS)
    assert found
    assert all(line.endswith("is float16, not float32") for line in found)


@pytest.mark.parametrize("kind", ["sym", "asym", "float"])
@pytest.mark.parametrize(
    ("claims", "sentence"),
    [
        (Claims((7, 24), 3, 0.75), "picture has not the 7 channels of the manifest"),
        (Claims((8, 6), 3, 0.75), "residual has not the 6 channels of the manifest"),
        (Claims((8, 24), 4, 0.75), "it has 3 convolutions, the manifest says 4"),
    ],
)
def test_the_manifest_is_held_to(kind: str, claims: Claims, sentence: str) -> None:
    assert findings(good(kind), kind, claims) == [sentence]


def test_tensorrt_wants_round_widths() -> None:
    layers = random_layers((8, 32, 48, 24))
    found = findings(quantised_graph(layers, signed=True, name="net"), "sym", CLAIMS)
    assert found == ["Conv y1 has 48 channels, INT8 kernels want multiples of 32"]
    assert findings(quantised_graph(layers, signed=False, name="net"), "asym", CLAIMS) == []


def test_a_kernel_of_another_size_is_seen() -> None:
    model = good("float")
    constant("weight1", lambda w: w[:, :, :1, :1])(model)
    attribute("y1", "kernel_shape", [1, 1])(model)
    assert findings(model, "float", CLAIMS) == ["Conv y1 has a kernel of (1, 1), not (3, 3)"]


# -- 2:4 --------------------------------------------------------------------------------------------------------------


def thinned(weight: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
    """The two smallest of each four input channels to zero, at every output and tap."""
    o, i, h, w = weight.shape
    groups = weight.reshape(o, i // 4, 4, h, w).copy()
    order = np.argsort(np.abs(groups.astype(int)), axis=2)
    np.put_along_axis(groups, order[:, :, :2], 0, axis=2)
    return groups.reshape(weight.shape)


@pytest.mark.parametrize("kind", ["sym", "asym"])
def test_sparsity_is_held_to_where_it_is_claimed(kind: str) -> None:
    claims = Claims((8, 24), 3, 0.75, sparse=(1,))
    sentence = "layer 1 is not 2:4 sparse along its input channels, as the manifest says"
    model = good(kind)
    assert findings(model, kind, claims) == [sentence]
    constant("weight1_q", thinned)(model)
    assert findings(model, kind, claims) == []
    assert findings(model, kind, Claims((8, 24), 3, 0.75, sparse=(1, 7)))[0].startswith("layer 7 is not 2:4")

    def one_too_many(weight: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
        spoiled = weight.copy()
        spoiled[5, 8:12, 2, 1] = 1
        return spoiled

    constant("weight1_q", one_too_many)(model)
    assert findings(model, kind, claims) == [sentence]


def test_two_in_four_counts_along_input_channels() -> None:
    weight = np.zeros((4, 8, 3, 3), np.int8)
    weight[:, ::2] = 1
    assert two_in_four(weight)
    assert not two_in_four(weight.transpose(1, 0, 2, 3))  # whole input channels: four of four
    assert not two_in_four(weight[:, :6])  # no groups of four


# -- packages ---------------------------------------------------------------------------------------------------------


def test_packages_are_checked_from_the_command_line(
    factory_model: store.Model, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good_one = str(factory_model.folder)
    assert main([good_one]) == 0
    assert capsys.readouterr().out == f"{good_one}: nothing found\n"
    bad = tmp_path / "1"
    bad.mkdir()
    for entry in factory_model.manifest.files.values():
        (bad / entry.path).write_bytes((factory_model.folder / entry.path).read_bytes())
    manifest = msgspec.structs.replace(factory_model.manifest, sparse=(0,))
    (bad / MANIFEST).write_bytes(msgspec.json.encode(manifest))
    (bad / "half.onnx").write_bytes(b"damaged")
    assert main([good_one, str(bad), str(tmp_path / "nothing")]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("nothing found")
    assert [line.split(": ", 1)[1].split(" ")[0] for line in lines[1:]] == [
        "sym.onnx:",
        "asym.onnx:",
        "model",
        "unknown",
    ]
