"""Every backend keeps the reference's contract, and one that does not is never let in."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import msgspec
import numpy as np
import pytest

from edge_vsr.errors import BackendError, ModelError, UsageError
from edge_vsr.models import store
from edge_vsr.models.manifest import MANIFEST, ModelFile, sha256_of
from edge_vsr.models.store import Model
from edge_vsr.upscale.backends import litert, ort
from edge_vsr.upscale.backends.backend import Backend, Picture, Residual, probe_picture
from edge_vsr.upscale.backends.choose import MEAN_CODES, WORST_CODES, available, choose, infidelity, opened
from edge_vsr.upscale.backends.litert import LiteRtBackend
from edge_vsr.upscale.backends.ort import OrtBackend
from edge_vsr.upscale.backends.reference import ReferenceBackend

MAKERS: dict[str, Callable[[Model], Backend]] = {
    "reference": ReferenceBackend,
    "reference sym": lambda model: ReferenceBackend(model, "sym"),
    "cpu asym": lambda model: OrtBackend(model, "cpu"),
    "cpu asym, wide sums": lambda model: OrtBackend(model, "cpu", wide_sums=True),
    "cpu sym": lambda model: OrtBackend(model, "cpu", kind="sym"),
    "cpu float": lambda model: OrtBackend(model, "cpu", kind="float"),
    "cpu half": lambda model: OrtBackend(model, "cpu", kind="half"),
    "litert": LiteRtBackend,
    **{name: lambda model, name=name: OrtBackend(model, name) for name in ort.available() if name != "cpu"},  # type: ignore[misc]
}
NEEDS = {"cpu half": "half", "litert": "tflite"}  # variants that older packages have not
IN_CODE_VALUES = {"float", "half"}
BLOCKS = 12


def made(name: str, model: Model) -> Backend:
    """The backend of that name, or a skip that says what is missing."""
    kind = NEEDS.get(name)
    if kind and kind not in model.manifest.files:
        pytest.skip(f"model {model.manifest.name} {model.manifest.version} was packaged without a {kind} variant")
    if name == "litert" and not litert.available():
        pytest.skip("LiteRT is not installed: pip install ai-edge-litert")
    return MAKERS[name](model)


@pytest.fixture(params=MAKERS)
def backend(request: pytest.FixtureRequest, whole_model: Model) -> Backend:
    return made(request.param, whole_model)


def steps_apart(a: Residual, b: Residual) -> np.ndarray:  # type: ignore[type-arg]
    return np.abs(a.astype(np.int32) - b.astype(np.int32))


def test_a_residual_has_the_promised_shape_and_type(backend: Backend, whole_model: Model) -> None:
    out = backend.run(probe_picture(whole_model.manifest, BLOCKS))
    assert out.shape == (2, whole_model.manifest.channels[1], BLOCKS, BLOCKS)
    if getattr(backend, "kind", "") in IN_CODE_VALUES:
        assert (out.dtype, backend.step, backend.zero) == (np.float32, 1.0, 0)
    else:
        assert (out.dtype, backend.step, backend.zero) == (np.uint8, whole_model.manifest.residual_step, 128)
    assert out.astype(float).std() > 0.5  # a net that says nothing would pass everything below


def test_the_same_picture_gives_the_same_residual(backend: Backend, whole_model: Model) -> None:
    picture = probe_picture(whole_model.manifest, BLOCKS)
    first = backend.run(picture).copy()  # run may reuse its buffer
    backend.run(255 - picture)
    assert np.array_equal(backend.run(picture), first)


def test_a_batch_is_its_tiles_one_by_one(backend: Backend, whole_model: Model) -> None:
    picture = np.concatenate([probe_picture(whole_model.manifest, BLOCKS), probe_picture(whole_model.manifest, BLOCKS)])
    picture[2:] = 255 - picture[2:]
    batch = backend.run(picture).copy()
    single = np.concatenate([backend.run(tile[None]).copy() for tile in picture])
    if batch.dtype == np.float32:
        assert np.allclose(batch, single, atol=1e-3)
    else:
        assert np.array_equal(batch, single)


def test_the_picture_may_be_read_only(backend: Backend, whole_model: Model) -> None:
    picture = probe_picture(whole_model.manifest, BLOCKS)
    kept = picture.copy()
    picture.setflags(write=False)
    backend.run(picture)
    assert np.array_equal(picture, kept)


def saturates(model: Model) -> bool:
    """A processor without VNNI: products of bytes go wrong unless sums are kept wide."""
    narrow, wide = (infidelity(OrtBackend(model, "cpu", wide_sums=w), model) for w in (False, True))
    return bool(narrow) and not wide


@pytest.mark.parametrize(
    "name", [n for n in MAKERS if n not in {"reference", "reference sym", "cpu float", "cpu half"}]
)
def test_a_provider_computes_the_integers_of_the_reference(name: str, whole_model: Model) -> None:
    backend = made(name, whole_model)
    assert isinstance(backend, OrtBackend | LiteRtBackend)
    if name in {"cpu asym", "cpu sym"} and saturates(whole_model):
        pytest.skip("this processor adds bytes in 16 bits, which saturate: wide sums are chosen here")
    reference = ReferenceBackend(whole_model, backend.kind)
    noise = np.random.default_rng(2).integers(0, 256, (2, 8, *probe_picture(whole_model.manifest).shape[2:]))
    for picture in (probe_picture(whole_model.manifest, 40), noise.astype(np.uint8)):
        apart = steps_apart(backend.run(picture), reference.run(picture))
        # Measured on AVX-512 VNNI: cpu asym and litert 0 everywhere, cpu sym 1 step in 2 of 1,000 at most.
        known = name.startswith(("cpu", "litert"))
        assert apart.max() <= (1 if known else WORST_CODES)
        assert apart.mean() <= (0.005 if known else MEAN_CODES)


def test_sym_and_asym_are_the_same_net(whole_model: Model) -> None:
    picture = probe_picture(whole_model.manifest, 40)
    asym, sym = (ReferenceBackend(whole_model, kind).run(picture) for kind in ("asym", "sym"))
    apart = steps_apart(asym, sym)
    assert apart.mean() < 1.5  # seven bits between layers instead of eight
    assert apart.max() > 0


def test_the_float_graph_is_the_same_net(factory_model: Model) -> None:
    picture = probe_picture(factory_model.manifest, 40)
    integers = ReferenceBackend(factory_model).run(picture).astype(float) - 128
    residual = OrtBackend(factory_model, "cpu", kind="float").run(picture)
    error = integers * factory_model.manifest.residual_step - residual
    assert np.abs(error).mean() < 1.0
    assert np.corrcoef(integers.ravel(), residual.ravel())[0, 1] > 0.99


def test_half_is_float_within_the_steps_of_its_numbers(whole_model: Model) -> None:
    noise = np.random.default_rng(2).integers(0, 256, (2, 8, *probe_picture(whole_model.manifest).shape[2:]))
    for picture in (probe_picture(whole_model.manifest, 40), noise.astype(np.uint8)):
        half, whole = (made(name, whole_model).run(picture) for name in ("cpu half", "cpu float"))
        error = np.abs(half - whole)
        # float16 has steps of an eighth from 128 on: measured 0.15 at most and 0.015 on average at residuals of 220.
        assert error.max() <= max(0.25, 0.002 * np.abs(whole).max())
        assert error.mean() <= max(0.03, 0.0002 * np.abs(whole).max())


def slow_integer_net(model: Model, picture: Picture, kind: str, peak: int) -> np.ndarray:  # type: ignore[type-arg]
    """The definition once more, in int64 and shifted sums instead of a matrix product."""
    arrays = np.load(model.file("reference"))
    x = picture.astype(np.int64) - 128
    for index in range(model.manifest.depth):
        weight = arrays[f"weight{index}"].astype(np.int64)
        h, w = x.shape[2] - 2, x.shape[3] - 2
        total = np.zeros((len(x), len(weight), h, w), np.int64) + arrays[f"{kind}_bias{index}"][:, None, None]
        for dy in range(3):
            for dx in range(3):
                total += np.einsum("oi,nihw->nohw", weight[:, :, dy, dx], x[:, :, dy : dy + h, dx : dx + w])
        scaled = total.astype(np.float32) * arrays[f"{kind}_multiplier{index}"][:, None, None]
        low, high = (0, peak) if index < model.manifest.depth - 1 else (-128, 127)
        x = np.clip(np.rint(scaled), low, high).astype(np.int64)
    return x + 128


@pytest.mark.parametrize(("kind", "peak"), [("asym", 255), ("sym", 127)])
def test_the_reference_is_the_definition(kind: str, peak: int, integer_model: Model) -> None:
    picture = probe_picture(integer_model.manifest)
    out = ReferenceBackend(integer_model, kind).run(picture)
    assert np.array_equal(out, slow_integer_net(integer_model, picture, kind, peak))
    assert (out.min(), out.max()) == (0, 255)  # both ends are reached


def test_a_backend_can_be_closed_twice(backend: Backend) -> None:
    backend.close()
    backend.close()


# -- choosing ---------------------------------------------------------------------------------------------------------


def altered(model: Model, to: Path, kind: str, change: Callable[[Path], None], rehash: bool) -> Model:
    """A copy of a package with one file changed, and its manifest made to agree if asked."""
    folder = to / "altered"
    shutil.copytree(model.folder, folder)
    entry = model.manifest.files[kind]
    change(folder / entry.path)
    if rehash:
        files = {**model.manifest.files, kind: ModelFile(entry.path, sha256_of(folder / entry.path))}
        manifest = msgspec.structs.replace(model.manifest, files=files)
        (folder / MANIFEST).write_bytes(msgspec.json.encode(manifest))
    return store.find(str(folder))


def other_weights(path: Path) -> None:
    with np.load(path) as file:
        arrays = dict(file)
    arrays["weight0"] = -arrays["weight0"]
    np.savez(path, **arrays)


def one_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def garbage(path: Path) -> None:
    path.write_bytes(b"not a model")


def test_the_first_faithful_provider_is_chosen(whole_model: Model) -> None:
    choice = choose(whole_model)
    assert isinstance(choice.backend, OrtBackend)
    assert infidelity(choice.backend, whole_model) is None
    if not choice.refused:
        assert choice.backend.name == available()[0]


def test_the_reference_is_there_for_the_asking(integer_model: Model) -> None:
    choice = choose(integer_model, "reference")
    assert (choice.backend.name, choice.refused) == ("reference", ())


@pytest.mark.parametrize("name", ["npu", "CPU", "", "cpu "])
def test_an_unknown_backend_is_answered_with_what_there_is(name: str, integer_model: Model) -> None:
    with pytest.raises(UsageError, match=r"not available here; there are: .*cpu, .*reference"):
        choose(integer_model, name)


def test_a_provider_that_computes_something_else_is_refused(whole_model: Model, tmp_path: Path) -> None:
    model = altered(whole_model, tmp_path, "reference", other_weights, rehash=True)
    choice = choose(model)
    assert choice.backend.name == "reference"
    assert len(choice.refused) >= len(available())
    assert all("differs from the reference by" in why or "has no tflite variant" in why for why in choice.refused)
    with pytest.raises(BackendError, match="backend cpu is not usable: cpu differs from the reference"):
        choose(model, "cpu")


class Deviant:
    """The reference, with an error added to some of its residuals."""

    kind = "asym"
    name = "deviant"

    def __init__(self, model: Model, error: int, every: int) -> None:
        self._reference, self._error, self._every = ReferenceBackend(model), error, every

    def run(self, picture: Picture) -> Residual:
        out = self._reference.run(picture).astype(np.int32)
        away = np.where(out > 128, -self._error, self._error)
        out.flat[:: self._every] += away.flat[:: self._every]
        return out.astype(np.uint8)


@pytest.mark.parametrize(
    ("error", "every", "faithful"),
    [(0, 1, True), (WORST_CODES, 1000, True), (WORST_CODES + 1, 5000, False), (1, 60, True), (1, 40, False)],
)
def test_fidelity_has_a_bound_on_the_worst_and_on_the_mean(
    error: int, every: int, faithful: bool, integer_model: Model
) -> None:
    why = infidelity(Deviant(integer_model, error, every), integer_model)  # type: ignore[arg-type]
    assert (why is None) == faithful
    assert faithful or f"by {error} steps at most" in str(why)


def test_a_graph_that_no_provider_can_read_is_refused(whole_model: Model, tmp_path: Path) -> None:
    model = altered(whole_model, tmp_path, "asym", garbage, rehash=True)
    choice = choose(model)
    if "tensorrt" not in available():  # which reads sym
        assert choice.backend.name in {"litert", "reference"}  # neither of which reads ONNX
    assert any(why.startswith("cpu: ") for why in choice.refused)
    with pytest.raises(BackendError, match="backend cpu is not usable"):
        choose(model, "cpu")


def test_litert_is_tried_when_no_provider_of_onnx_is_right(whole_model: Model, tmp_path: Path) -> None:
    made("litert", whole_model)
    choice = choose(altered(whole_model, tmp_path, "asym", garbage, rehash=True))
    if "tensorrt" not in available():
        assert choice.backend.name == "litert"
    assert choose(whole_model, "litert").refused == ()


def test_a_model_without_the_wanted_variant_is_passed_over_with_a_reason(
    integer_model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(litert, "available", lambda: ["litert"])
    choice = choose(integer_model)
    assert choice.backend.name == "reference"
    assert choice.refused[-1] == f"litert: model {integer_model.manifest.name} has no tflite variant"
    with pytest.raises(BackendError, match=r"backend litert is not usable: .* has no tflite variant"):
        choose(integer_model, "litert")
    with pytest.raises(BackendError, match="has no asym variant"):
        opened(integer_model, "cpu")
    with pytest.raises(ModelError, match="has no tflite variant"):
        LiteRtBackend(integer_model)


def test_without_a_runtime_litert_is_not_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    for runtime in ("ai_edge_litert", "tflite_runtime"):
        monkeypatch.setitem(sys.modules, runtime, None)
        monkeypatch.delitem(sys.modules, f"{runtime}.interpreter", raising=False)
    assert litert.available() == []
    assert "litert" not in available()
    with pytest.raises(BackendError, match="no runtime can be imported"):
        litert._interpreter_class()


def test_the_older_runtime_serves_where_it_is_the_one_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    monkeypatch.delitem(sys.modules, "ai_edge_litert.interpreter", raising=False)
    monkeypatch.setitem(sys.modules, "tflite_runtime", ModuleType("tflite_runtime"))
    older = ModuleType("tflite_runtime.interpreter")
    older.Interpreter = object  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tflite_runtime.interpreter", older)
    assert litert._interpreter_class() is object


def test_a_file_that_is_no_flatbuffer_is_a_backend_error(whole_model: Model, tmp_path: Path) -> None:
    made("litert", whole_model)
    model = altered(whole_model, tmp_path, "tflite", garbage, rehash=True)
    with pytest.raises(BackendError, match="backend litert is not usable: litert: "):
        choose(model, "litert")


@pytest.mark.parametrize("kind", ["asym", "reference"])
def test_a_damaged_file_is_a_model_error(kind: str, whole_model: Model, tmp_path: Path) -> None:
    model = altered(whole_model, tmp_path, kind, one_bit, rehash=False)
    with pytest.raises(ModelError, match="does not match its manifest"):
        choose(model)


@pytest.mark.parametrize("kind", ["asym", "sym"])
def test_a_damaged_reference_is_a_model_error(kind: str, integer_model: Model, tmp_path: Path) -> None:
    for change in (garbage, other_shape):
        model = altered(integer_model, tmp_path / change.__name__, "reference", change, rehash=True)
        with pytest.raises(ModelError, match="weights cannot be read"):
            ReferenceBackend(model, kind)


def other_shape(path: Path) -> None:
    with np.load(path) as file:
        arrays = {name: array for name, array in file.items() if not name.endswith("_bias1")}
    np.savez(path, **arrays)


@pytest.mark.parametrize("name", ["cpu asym", "litert"])
def test_a_picture_of_the_wrong_shape_is_a_backend_error(name: str, whole_model: Model) -> None:
    with pytest.raises(BackendError, match=f"{name.split(maxsplit=1)[0]}: "):
        made(name, whole_model).run(np.zeros((1, 5, 30, 30), np.uint8))


@pytest.mark.parametrize("name", ["cpu asym", "litert", "reference"])
def test_several_threads_may_call_at_once(name: str, whole_model: Model) -> None:
    backend = ReferenceBackend(whole_model) if name == "reference" else made(name, whole_model)
    pictures = [np.ascontiguousarray(probe_picture(whole_model.manifest, 16) // np.uint8(k)) for k in (1, 2, 3, 4)]
    one_by_one = [backend.run(picture).copy() for picture in pictures]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(3):
            at_once = list(pool.map(backend.run, pictures))
            assert all(np.array_equal(a, b) for a, b in zip(at_once, one_by_one, strict=True))
