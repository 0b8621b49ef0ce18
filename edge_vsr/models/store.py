"""Where models live and how one is picked: ``<root>/<name>/<version>/``.

Roots in order: the ``EDGE_VSR_MODELS`` directory, the wheel's own models, the checkout's
``models_quantized/``. The first root that holds a name wins, and there the highest version.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edge_vsr.errors import ModelError
from edge_vsr.models.manifest import MANIFEST, Manifest, read_manifest, sha256_of

DEFAULT_MODEL = "x2-balanced"


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
    folder = Path(name)
    if (folder / MANIFEST).is_file():
        return Model(folder, read_manifest(folder))
    names = []
    for root in roots():
        names += sorted(path.name for path in root.iterdir() if path.is_dir()) if root.is_dir() else []
        versions = [path.parent for path in (root / name).glob(f"*/{MANIFEST}")]
        if versions:
            best = max(versions, key=_version_key)
            return Model(best, read_manifest(best))
    raise ModelError(f"unknown model {name!r}; installed: {', '.join(dict.fromkeys(names)) or 'none'}")
