"""The contract of a model: everything the engine must know, so that nothing is read out of weights."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from edge_vsr.errors import ModelError

FORMAT: Literal[1] = 1
MANIFEST = "manifest.json"


class ModelFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file of the package, relative to it."""

    path: Annotated[str, msgspec.Meta(pattern=r"^\w[\w.-]*$")]  # a plain name: nothing outside the package
    sha256: str


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``manifest.json``.

    rung: the step of the ladder it stands on (fast, balanced, best); "": on none, taken by its name only.
    source: what it was trained for: pictures no lossy codec has touched (clean), those one has (coded), or both.
    scale: luma enlargement of one pass; 1 cleans. halo: 2x2 blocks of context a tile needs on each side.
    channels: (in, out) of the graph. base_kernel: the resampler whose residual the net was trained on.
    gain: see upscale/gains; empty where nobody fitted it. residual_step: code values per integer of the quantised
    residual. sparse: layers of which two in four consecutive input channels are zero, for each output channel and tap
    (what sparse tensor cores skip).
    """

    format: Literal[1]
    name: str
    version: str
    rung: str = ""
    source: Literal["any", "clean", "coded"] = "any"
    family: Literal["half-res-yuv420"]
    scale: Literal[1, 2, 3, 4]
    channels: tuple[int, int]
    width: int
    depth: int
    halo: int
    base_kernel: Literal["bicubic", "lanczos3"]
    residual_step: float
    macs_per_px: float
    parameters: int
    sparse: tuple[int, ...] = ()
    gain: tuple[float, ...] = ()
    files: dict[str, ModelFile]  # asym, sym, float, half (ONNX), tflite, reference
    license: str
    trained: dict[str, str | int | float]
    figures: dict[str, float]


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def read_manifest(folder: Path) -> Manifest:
    """Parse and check ``folder/manifest.json``. Raises ModelError; files are checked when opened."""
    path = folder / MANIFEST
    try:
        return msgspec.json.decode(path.read_bytes(), type=Manifest)
    except OSError as error:
        raise ModelError(f"model {folder.name}: cannot read {path}: {error.strerror}") from error
    except msgspec.MsgspecError as error:
        raise ModelError(f"model {folder.name}: {path} is not a valid manifest: {error}") from error
