"""Where models live and how one is picked: ``<root>/<name>/<version>/``.

Roots in order: the ``EDGE_VSR_MODELS`` directory, the wheel's own models, the checkout's
``models_quantized/``. The first root that holds a name wins, and there the highest version.

    find("x2-balanced")                                 one model, by its name or folder
    select("best").plan(ratio=3.75, coded=True)         the model of each pass, by rung, name or folder
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from edge_vsr.errors import ModelError
from edge_vsr.models import ladder
from edge_vsr.models.manifest import MANIFEST, Manifest, read_manifest, sha256_of


@dataclass(frozen=True)
class Model:
    """An installed model package."""

    folder: Path
    manifest: Manifest

    def file(self, kind: str) -> Path:
        """A file of the package, its hash verified. Raises ModelError when missing or altered."""
        entry = self.manifest.files.get(kind)
        if entry is None:
            raise ModelError(f"model {self.manifest.name} has no {kind} variant")
        path = self.folder / entry.path
        if not path.is_file():
            raise ModelError(f"model {self.manifest.name}: {path} is missing; install the model again")
        if sha256_of(path) != entry.sha256:
            raise ModelError(
                f"model {self.manifest.name}: {path} does not match its manifest (SHA-256); install it again"
            )
        return path


def roots() -> list[Path]:
    package = Path(__file__).resolve().parent.parent
    chosen = os.environ.get("EDGE_VSR_MODELS")
    candidates = [package / "_models", package.parent / "models_quantized"]
    return [Path(chosen)] if chosen else [path for path in candidates if path.is_dir()]


def _version_key(folder: Path) -> tuple[int, ...]:
    return tuple(int(part) if part.isdigit() else -1 for part in folder.name.split("."))


def installed() -> Iterator[Model]:
    """Every readable model, its highest version; damaged manifests raise ModelError."""
    seen = set()
    for root in roots():
        for folder in sorted(root.glob(f"*/*/{MANIFEST}")):
            name = folder.parent.parent.name
            if name not in seen:
                seen.add(name)
                best = max((m.parent for m in (root / name).glob(f"*/{MANIFEST}")), key=_version_key)
                yield Model(best, read_manifest(best))


def find(name: str) -> Model:
    """The model of that name, or the one in that folder. Raises ModelError, naming what there is."""
    model = _exactly(name)
    if model is None:
        raise _unknown(name)
    return model


@dataclass(frozen=True)
class Selection:
    """What a user's word for a model stands for.

    name: the rung's, or the model's. models: what plans draw on: of a rung all that is installed, else that one.
    """

    name: str
    on_ladder: bool
    models: tuple[Model, ...]

    def plan(self, ratio: float, coded: bool) -> tuple[Model, ...]:
        """The model of each pass for an enlargement by ``ratio``; ``coded``: the source has met a lossy codec."""
        manifests = [model.manifest for model in self.models]
        if self.on_ladder:
            return self._models(ladder.passes_of_rung(manifests, self.name, ratio, coded))
        return self._models(ladder.passes_of_net(manifests[0], ratio))

    def reachable(self) -> tuple[Model, ...]:
        """Every model that some plan uses."""
        manifests = [model.manifest for model in self.models]
        return self._models(ladder.reachable(manifests, self.name)) if self.on_ladder else self.models

    def cleaner(self) -> Model | None:
        """What would clean a coded picture at its own size, where the ladder has a net for that."""
        net = ladder.cleaner([model.manifest for model in self.models], self.name) if self.on_ladder else None
        return self._models((net,))[0] if net else None

    def _models(self, nets: tuple[Manifest, ...]) -> tuple[Model, ...]:
        by_name = {model.manifest.name: model for model in reversed(self.models)}  # the first of a name, as planned
        return tuple(by_name[net.name] for net in nets)


def select(wanted: str = "") -> Selection:
    """The model of that name or in that folder, else the rung of that name; "" is the default rung.

    Raises ModelError, naming what there is.
    """
    wanted = wanted or ladder.DEFAULT_RUNG
    model = _exactly(wanted)
    if model is not None:
        return Selection(model.manifest.name, False, (model,))
    models = tuple(installed())
    if wanted in ladder.rungs([model.manifest for model in models]):
        return Selection(wanted, True, models)
    raise _unknown(wanted)


def typical(wanted: str = "") -> Model:
    """The one model to try or to test for a rung, name or folder: what a coded picture meets first at x2.

    Raises ModelError.
    """
    return select(wanted).plan(2.0, coded=True)[0]


def _exactly(name: str) -> Model | None:
    folder = Path(name)
    if (folder / MANIFEST).is_file():
        return Model(folder, read_manifest(folder))
    for root in roots():
        versions = [path.parent for path in (root / name).glob(f"*/{MANIFEST}")]
        if versions:
            best = max(versions, key=_version_key)
            return Model(best, read_manifest(best))
    return None


def _unknown(name: str) -> ModelError:
    names, rungs = [], ""
    for root in roots():
        names += sorted(path.name for path in root.iterdir() if path.is_dir()) if root.is_dir() else []
    with suppress(ModelError):  # a damaged package does not keep the others from being named
        rungs = ", ".join(ladder.rungs([model.manifest for model in installed()]))
    there = ", ".join(dict.fromkeys(names)) or "none"
    return ModelError(f"unknown model {name!r}; installed: {there}" + (f"; rungs: {rungs}" if rungs else ""))
