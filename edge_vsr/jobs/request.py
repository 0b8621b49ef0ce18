"""Is a request sensible? Everything that can be refused before a source is opened, and the job's fingerprint."""

from __future__ import annotations

import os
from enum import Enum
from pathlib import Path

import av

import edge_vsr
from edge_vsr.errors import SinkError, UsageError
from edge_vsr.jobs.journal import work_directory
from edge_vsr.jobs.spec import JobSpec
from edge_vsr.present import encoders, images

STDIN = "-"
MOST_SPARSITY = 100
# Where the output goes, and what happens to the old one, does not change what it looks like.
_NOT_IN_FINGERPRINT = {"source", "output", "overwrite", "preview"}


class Kind(Enum):
    """What the name of the output asks for."""

    FILM = "film"
    SEQUENCE = "picture sequence"
    STILL = "still picture"


def kind_of(output: Path) -> Kind:
    """The kind of output that a file name asks for. Raises UsageError for unknown suffixes."""
    suffix = output.suffix.lower()
    if suffix in encoders.CONTAINERS:
        return Kind.FILM
    if suffix in images.SUFFIXES:
        return Kind.SEQUENCE if images.is_pattern(output) else Kind.STILL
    known = ", ".join([*encoders.CONTAINERS, *sorted(images.SUFFIXES)])
    raise UsageError(f"{output}: unknown kind of output {suffix or '(no suffix)'!r}; known are {known}")


def check(spec: JobSpec) -> Kind:
    """Refuse what cannot work. Raises UsageError, SinkError."""
    if not 0 <= spec.sparsity <= MOST_SPARSITY:
        raise UsageError(f"--sparsity must lie between 0 and {MOST_SPARSITY}, not at {spec.sparsity:g}")
    kind = kind_of(spec.output)
    if kind is Kind.FILM:
        encoders.settings(spec.encoder, spec.quality, spec.output)
    else:
        images.check(spec.output, spec.quality)
    if kind is Kind.STILL and spec.source == STDIN:
        raise UsageError("a picture output needs a picture file as its source, not standard input")
    _check_place(spec.output)
    if spec.output.is_dir():
        raise UsageError(f"{spec.output}: is a directory; give the name of a file")
    _check_not_source(spec)
    if spec.preview is not None:
        if spec.preview.suffix.lower() != ".png":
            raise UsageError(f"{spec.preview}: the preview is a .png file")
        _check_place(spec.preview)
        if _same(spec.preview, spec.output) or _same(spec.preview, Path(spec.source)):
            raise UsageError(f"{spec.preview}: the preview needs a file of its own")
        begun = work_directory(spec.output).is_dir()
        if spec.preview.exists() and not spec.overwrite and not begun:
            raise UsageError(f"{spec.preview} exists already; use --overwrite to replace it")
    return kind


def occupied(spec: JobSpec) -> UsageError:
    """The refusal to replace a file that is not ours."""
    return UsageError(f"{spec.output} exists already; use --overwrite to replace it")


def fingerprint(spec: JobSpec) -> dict[str, str]:
    """Every setting that shapes the output, as text, by the name a user knows it under."""
    settings = {
        name: str(getattr(spec, name)) for name in JobSpec.__dataclass_fields__ if name not in _NOT_IN_FINGERPRINT
    }
    settings["source"] = spec.source if _is_remote(spec.source) else str(Path(spec.source).absolute())
    settings["source file"] = _source_identity(spec.source)
    # A name on disk may be any bytes; the journal is UTF-8.
    settings = {name: text.encode("utf-8", "backslashreplace").decode() for name, text in settings.items()}
    settings["versions"] = f"edge-vsr {edge_vsr.__version__}, PyAV {av.__version__}"
    return settings


def _source_identity(source: str) -> str:
    """Size and time of change; of a sequence: how many, how much, and the latest change."""
    if _is_remote(source):
        return ""
    path = Path(source)
    if not path.exists() and images.is_pattern(path) and path.parent.is_dir():
        stats = [entry.stat() for entry in images.existing(path)]
        latest = max((s.st_mtime_ns for s in stats), default=0)
        return f"{len(stats)} files, {sum(s.st_size for s in stats)} bytes, {latest}"
    if not path.is_file():
        return ""
    stat = path.stat()
    return f"{stat.st_size} bytes, {stat.st_mtime_ns}"


def _is_remote(source: str) -> bool:
    return source == STDIN or "://" in source


def _check_place(path: Path) -> None:
    parent = path.parent
    if not parent.is_dir():
        raise SinkError(f"{parent}: there is no such directory to write {path.name} into")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise SinkError(f"{parent}: not allowed to write into this directory")


def _check_not_source(spec: JobSpec) -> None:
    if not _is_remote(spec.source) and _same(spec.output, Path(spec.source)):
        raise UsageError(f"{spec.output}: the output would overwrite the source; choose another name")


def _same(one: Path, other: Path) -> bool:
    """The same file by any name: links of both kinds included; patterns by their full path."""
    try:
        if one.exists() and other.exists():
            return one.samefile(other)
        return one.resolve() == other.resolve()
    except (OSError, ValueError):
        return False
