"""Model packages: what a manifest must be, and which package is picked."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from edge_vsr.errors import ModelError
from edge_vsr.models import store
from edge_vsr.models.manifest import MANIFEST, read_manifest, sha256_of

CONTENT = b"weights"


def manifest(**changes: Any) -> dict[str, Any]:
    whole = {
        "format": 1,
        "name": "m",
        "version": "1",
        "family": "half-res-yuv420",
        "scale": 2,
        "channels": [8, 24],
        "width": 16,
        "depth": 3,
        "halo": 3,
        "base_kernel": "bicubic",
        "residual_step": 0.75,
        "macs_per_px": 1.0,
        "parameters": 10,
        "files": {"asym": {"path": "asym.onnx", "sha256": hashlib.sha256(CONTENT).hexdigest()}},
        "license": "Apache-2.0",
        "trained": {"parent_steps": 3},
        "figures": {},
    }
    return {**whole, **changes}


def install(root: Path, name: str, version: str = "1", **changes: Any) -> Path:
    folder = root / name / version
    folder.mkdir(parents=True)
    (folder / MANIFEST).write_text(json.dumps(manifest(name=name, version=version, **changes)))
    (folder / "asym.onnx").write_bytes(CONTENT)
    return folder


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EDGE_VSR_MODELS", str(tmp_path))
    return tmp_path


def test_a_manifest_is_read_as_it_is_written(root: Path) -> None:
    read = read_manifest(install(root, "small", residual_step=0.5))
    assert (read.name, read.channels, read.residual_step) == ("small", (8, 24), 0.5)
    assert read.files["asym"].path == "asym.onnx"


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"surprise": 1}, "surprise"),
        ({"format": 2}, "format"),
        ({"family": "rgb"}, "family"),
        ({"scale": "2"}, "scale"),
        ({"channels": [8]}, "channels"),
        ({"files": {"asym": {"path": "a", "sha256": "b", "size": 3}}}, "size"),
        ({"files": {"asym": {"path": "a"}}}, "sha256"),
    ],
)
def test_a_manifest_that_says_something_else_is_refused(root: Path, changes: dict[str, Any], complaint: str) -> None:
    folder = install(root, "odd", **changes)
    with pytest.raises(ModelError, match=rf"not a valid manifest: .*{complaint}"):
        read_manifest(folder)


@pytest.mark.parametrize("missing", [key for key in manifest() if key != "name"])
def test_nothing_in_a_manifest_is_optional(root: Path, missing: str) -> None:
    folder = install(root, "short")
    (folder / MANIFEST).write_text(json.dumps({k: v for k, v in manifest().items() if k != missing}))
    with pytest.raises(ModelError, match=missing):
        read_manifest(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "\x00"])
def test_a_manifest_that_is_no_json_is_refused(root: Path, text: str) -> None:
    folder = install(root, "broken")
    (folder / MANIFEST).write_text(text)
    with pytest.raises(ModelError, match=r"model 1: .* is not a valid manifest"):
        read_manifest(folder)


def test_a_folder_without_a_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot read"):
        read_manifest(tmp_path)


def test_an_unknown_kernel_is_refused(root: Path) -> None:
    with pytest.raises(ModelError, match="base_kernel"):
        read_manifest(install(root, "odd", base_kernel="nearest"))


def test_a_manifest_may_say_where_on_the_ladder_it_stands(root: Path) -> None:
    plain = read_manifest(install(root, "plain"))
    assert (plain.rung, plain.source) == ("", "any")
    told = read_manifest(install(root, "told", rung="best", source="clean", scale=1))
    assert (told.rung, told.source, told.scale) == ("best", "clean", 1)
    with pytest.raises(ModelError, match="source"):
        read_manifest(install(root, "odd", source="noisy"))


@pytest.mark.parametrize("scale", [0, -2, 5])
def test_a_net_that_enlarges_nothing_is_refused(root: Path, scale: int) -> None:
    with pytest.raises(ModelError, match="scale"):
        read_manifest(install(root, "odd", scale=scale))


@pytest.mark.parametrize("path", ["../1/asym.onnx", "/etc/hostname"])
def test_a_file_outside_its_package_is_refused(root: Path, path: str) -> None:
    content = hashlib.sha256(CONTENT).hexdigest()
    install(root, "roaming", files={"asym": {"path": path, "sha256": content}})
    with pytest.raises(ModelError, match=r"outside|not a valid manifest"):
        store.find("roaming").file("asym")


@pytest.mark.parametrize("size", [0, 7, (1 << 20) - 1, 1 << 20, (1 << 20) + 1])
def test_hashes_are_those_of_the_whole_file(tmp_path: Path, size: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * size)
    assert sha256_of(path) == hashlib.sha256(b"x" * size).hexdigest()


def test_a_file_of_a_model_is_given_when_its_hash_is_right(root: Path) -> None:
    folder = install(root, "fine")
    assert store.find("fine").file("asym") == folder / "asym.onnx"


def test_an_altered_file_is_refused(root: Path) -> None:
    (install(root, "altered") / "asym.onnx").write_bytes(CONTENT + b"!")
    with pytest.raises(ModelError, match=r"asym.onnx does not match its manifest"):
        store.find("altered").file("asym")


def test_a_missing_file_is_named(root: Path) -> None:
    (install(root, "hollow") / "asym.onnx").unlink()
    with pytest.raises(ModelError, match=r"asym.onnx is missing; install the model again"):
        store.find("hollow").file("asym")


def test_a_variant_that_was_never_made_is_named(root: Path) -> None:
    install(root, "partial")
    with pytest.raises(ModelError, match="model partial has no sym variant"):
        store.find("partial").file("sym")


def test_an_unknown_model_is_answered_with_what_there_is(root: Path) -> None:
    install(root, "x2-fast")
    install(root, "x2-balanced")
    with pytest.raises(ModelError, match="unknown model 'x9'; installed: x2-balanced, x2-fast"):
        store.find("x9")


def test_an_unknown_rung_is_answered_with_rungs_and_models(root: Path) -> None:
    install(root, "x2-dear", rung="best", macs_per_px=9)
    install(root, "x2-cheap", rung="fast", macs_per_px=2)
    install(root, "alone")
    with pytest.raises(ModelError, match="unknown model 'x9'; installed: alone, x2-cheap, x2-dear; rungs: fast, best"):
        store.select("x9")
    with pytest.raises(ModelError, match="unknown model 'balanced'; installed"):
        store.select()
    (install(root, "broken") / MANIFEST).write_text("{")
    with pytest.raises(ModelError, match=r"unknown model 'x9'; installed: alone, broken, x2-cheap, x2-dear$"):
        store.find("x9")


def test_a_word_for_a_model_is_a_name_a_folder_or_a_rung(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = install(tmp_path_factory.mktemp("elsewhere"), "private", scale=3)
    for name, changes in {
        "a2": {"rung": "balanced"},
        "a4": {"rung": "balanced", "scale": 4},
        "a2c": {"rung": "balanced", "source": "clean"},
        "a1": {"rung": "balanced", "scale": 1},
        "alone": {"scale": 4},
    }.items():
        install(root, name, **changes)

    def names(word: str, ratio: float, coded: bool = True) -> list[str]:
        return [model.manifest.name for model in store.select(word).plan(ratio, coded)]

    assert names("", 2) == names("balanced", 2) == ["a2"]
    assert names("", 2, coded=False) == ["a2c"]
    assert names("", 8) == ["a4", "a2c"]
    assert names("", 1) == []
    assert names("a2", 4) == ["a2", "a2"]
    assert names("a1", 1) == names("a1", 2) == ["a1"]
    assert names("alone", 2) == ["alone"]
    assert names(str(elsewhere), 3) == ["private"]
    assert {model.manifest.name for model in store.select().reachable()} == {"a2", "a4", "a2c"}
    assert [model.manifest.name for model in store.select("a4").reachable()] == ["a4"]
    cleaner = store.select().cleaner()
    assert cleaner is not None
    assert cleaner.folder == root / "a1" / "1"
    assert store.select("a2").cleaner() is None


def test_a_model_is_found_beside_a_damaged_one_but_a_rung_is_not_guessed(root: Path) -> None:
    install(root, "fine", rung="balanced")
    (install(root, "broken") / MANIFEST).write_text("{")
    assert [model.manifest.name for model in store.select("fine").plan(2, True)] == ["fine"]
    with pytest.raises(ModelError, match="not a valid manifest"):
        store.select("balanced")


@pytest.mark.parametrize("folder", ["empty", "nowhere"])
def test_no_models_at_all_is_said(folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("EDGE_VSR_MODELS", str(tmp_path / folder))
    with pytest.raises(ModelError, match="installed: none"):
        store.find("x2-balanced")
    assert list(store.installed()) == []


def test_the_highest_version_wins_by_number(root: Path) -> None:
    for version in ("9", "10", "1.5", "2", "draft"):
        install(root, "many", version)
    assert store.find("many").manifest.version == "10"
    assert [(m.manifest.name, m.manifest.version) for m in store.installed()] == [("many", "10")]


@pytest.mark.parametrize(
    ("versions", "best"), [(("1.9", "1.10"), "1.10"), (("1", "1.0.1"), "1.0.1"), (("0.1", "draft"), "0.1")]
)
def test_versions_are_compared_part_by_part(root: Path, versions: tuple[str, ...], best: str) -> None:
    for version in versions:
        install(root, "many", version)
    assert store.find("many").manifest.version == best


def test_a_model_can_be_named_by_its_folder(tmp_path: Path) -> None:
    folder = install(tmp_path / "elsewhere", "private", "3")
    assert store.find(str(folder)).manifest.name == "private"


def test_the_environment_decides_where_models_live(
    root: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path_factory.mktemp("other")
    install(root, "here")
    install(other, "there")
    assert [m.manifest.name for m in store.installed()] == ["here"]
    monkeypatch.setenv("EDGE_VSR_MODELS", str(other))
    assert store.roots() == [other]
    assert [m.manifest.name for m in store.installed()] == ["there"]
    with pytest.raises(ModelError, match="installed: there"):
        store.find("here")


def test_without_the_environment_models_come_from_the_package_or_the_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EDGE_VSR_MODELS", raising=False)
    assert {path.name for path in store.roots()} <= {"_models", "models_quantized"}
    assert all(path.is_dir() for path in store.roots())


def test_every_installed_model_is_listed_once(root: Path) -> None:
    for name, version in (("b", "1"), ("a", "1"), ("a", "2")):
        install(root, name, version)
    assert [(m.manifest.name, m.manifest.version) for m in store.installed()] == [("a", "2"), ("b", "1")]


def test_a_package_made_by_the_factory_is_whole(factory_run: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    from edge_vsr.factory.package import package  # noqa: PLC0415  torch may be absent

    made = package(factory_run, factory_run, tmp_path, "tiny", "7")
    model = store.find(str(tmp_path / "tiny" / "7"))
    assert model.manifest == made
    assert set(model.manifest.files) >= {"asym", "float", "reference", "sym"}
    assert all(model.file(kind).is_file() for kind in model.manifest.files)


def test_the_shipped_packages_are_whole(shipped_model: store.Model) -> None:
    for model in store.installed():
        told = model.manifest
        assert {"asym", "sym", "float", "reference"} <= set(told.files)
        assert all(model.file(kind).is_file() for kind in told.files)
        assert (told.halo, told.channels) == (told.depth, (8, 6 * told.scale**2))
        assert told.license == "Apache-2.0"
        assert (model.folder.parent.name, model.folder.name) == (told.name, told.version)
        assert told.name == f"x{told.scale}-{told.rung}" + ("-clean" if told.source == "clean" else "")
