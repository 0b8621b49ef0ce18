"""What ``edge-vsr doctor`` looks at. Each check looks at one thing, never raises what it expects, and says
what its finding means and what to do about it."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import av
import numpy as np
import psutil

from edge_vsr.capture.pattern import PatternSource
from edge_vsr.commands.devices import encoders
from edge_vsr.errors import EdgeVsrError
from edge_vsr.models import ladder, store
from edge_vsr.upscale.backends.backend import Backend
from edge_vsr.upscale.backends.choose import WORST_CODES, choose
from edge_vsr.upscale.backends.reference import ReferenceBackend
from edge_vsr.upscale.engine import Engine
from edge_vsr.upscale.enlarge import Enlarger, only
from edge_vsr.upscale.geometry import Fit, Target

_LIBRARIES = ("numpy", "onnxruntime", "opencv-python-headless", "av", "msgspec")
_EXTRA_LIBRARIES = ("onnxruntime-ep-openvino", "ai-edge-litert", "tflite-runtime")  # each brings a backend
_FILTERS = ("bwdif", "fieldmatch", "decimate")
_VECTOR_FLAGS = {"avx2": "AVX2", "avx512f": "AVX-512", "avx512_vnni": "AVX-512 VNNI", "avx_vnni": "AVX VNNI",
                 "avx512_bf16": "BF16", "amx_int8": "AMX INT8", "amx_bf16": "AMX BF16",
                 "asimd": "NEON", "asimddp": "NEON dot product", "i8mm": "INT8 matrix"}  # fmt: skip
_INT8_FLAGS = {"avx512_vnni", "avx_vnni", "amx_int8", "asimddp", "i8mm"}
_ENOUGH_MEMORY_BYTES = 3 << 30
_ENOUGH_DISK_BYTES = 5 << 30


class Verdict(Enum):
    """How a check ended."""

    OK = "ok"
    WARN = "warn"  # works, but slower or with less than it could
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report."""

    check: str
    verdict: Verdict
    says: str


def all_checks() -> Iterator[Finding]:
    """Every check in order of what builds on what."""
    yield from (check() for check in _CHECKS)


def software() -> Finding:
    """Python and the libraries that pictures pass through."""
    found = [f"{name} {_version(name)}" for name in (*_LIBRARIES, *_EXTRA_LIBRARIES) if _version(name)]
    missing = [name for name in _LIBRARIES if not _version(name)]
    says = f"Python {platform.python_version()}, {', '.join(found)}"
    if missing or sys.version_info < (3, 10):
        return Finding("software", Verdict.FAIL, f"{says}; not installed: {', '.join(missing)}: install edge-vsr again")
    return Finding("software", Verdict.OK, says)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def processor() -> Finding:
    """Cores, and the instructions that INT8 nets live on."""
    flags = cpu_flags(Path("/proc/cpuinfo"))
    names = [name for flag, name in _VECTOR_FLAGS.items() if flag in flags]
    says = f"{os.cpu_count()} cores, {', '.join(names) or 'no vector instructions known'}"
    if not flags & _INT8_FLAGS:
        says += "; no INT8 instructions: results are the same, the net is slower"
        return Finding("processor", Verdict.WARN, says)
    return Finding("processor", Verdict.OK, says)


def cpu_flags(path: Path) -> set[str]:
    """The first processor's flags as the kernel lists them; empty where it does not."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return set()
    wanted = (line for line in lines if line.startswith(("flags", "Features")))
    return set(next(wanted, ":").partition(":")[2].split())


def memory() -> Finding:
    """Free memory: a 4K job holds its queues and the encoder's lookahead."""
    free = psutil.virtual_memory().available
    says = f"{free / (1 << 30):.1f} GiB free"
    if free < _ENOUGH_MEMORY_BYTES:
        return Finding(
            "memory", Verdict.WARN, f"{says}; 4K takes 1 to 3 GiB, by encoder: close something, or choose --to 1080p"
        )
    return Finding("memory", Verdict.OK, says)


def disk() -> Finding:
    """Free space here: a job keeps its finished segments beside the output until the end."""
    free = shutil.disk_usage(Path.cwd()).free
    says = f"{free / (1 << 30):.1f} GiB free in {Path.cwd()}"
    if free < _ENOUGH_DISK_BYTES:
        return Finding("disk", Verdict.WARN, f"{says}; a job needs twice the size of its output for a moment")
    return Finding("disk", Verdict.OK, says)


def models() -> Finding:
    """Every file of every installed model against the hash in its manifest."""
    try:
        found = list(store.installed())
        for model in found:
            for kind in model.manifest.files:
                model.file(kind)
        store.select()
    except EdgeVsrError as error:
        return Finding("models", Verdict.FAIL, f"{error}; without it only --model none works")
    names = ", ".join(f"{m.manifest.name} {m.manifest.version}" for m in found)
    rungs = ", ".join(ladder.rungs([m.manifest for m in found])) or "none"
    return Finding("models", Verdict.OK, f"{names}: every file is what its manifest says; rungs: {rungs}")


def backend() -> Finding:
    """What will compute the default rung, and why not something faster."""
    try:
        choice = choose(store.typical())
    except EdgeVsrError as error:
        return Finding("backend", Verdict.FAIL, str(error))
    choice.backend.close()
    if choice.refused:
        why = "; ".join(choice.refused)
        return Finding("backend", Verdict.WARN, f"{choice.backend.name}; faster ones were passed over: {why}")
    return Finding("backend", Verdict.OK, f"{choice.backend.name}, agrees with the reference")


def codecs() -> Finding:
    """FFmpeg's libraries inside PyAV: encoders and the filters for interlaced film."""
    usable = [device.name for device in encoders() if device.usable]
    filters = [name for name in _FILTERS if name in av.filter.filters_available]
    libav = ".".join(map(str, av.library_versions["libavcodec"]))
    says = f"libavcodec {libav}; encoders {', '.join(usable)}; filters {', '.join(filters)}"
    if "x264" not in usable:
        return Finding("codecs", Verdict.FAIL, f"{says}; no x264: install PyAV's own wheel (pip install av)")
    if len(filters) < len(_FILTERS):
        return Finding("codecs", Verdict.WARN, f"{says}; interlaced film needs {', '.join(_FILTERS)}")
    return Finding("codecs", Verdict.OK, says)


def self_test() -> Finding:
    """A drawn frame through the engine, once on the chosen backend and once on the reference."""
    try:
        model = store.typical()
        choice = choose(model)
        worst = difference(model, choice.backend)
    except EdgeVsrError as error:
        return Finding("self-test", Verdict.FAIL, str(error))
    allowed = int(np.ceil(WORST_CODES * model.manifest.residual_step))
    says = f"a frame on {choice.backend.name} differs from the reference by {worst} code values at most"
    if worst > allowed:
        return Finding(
            "self-test", Verdict.FAIL, f"{says} (allowed: {allowed}); use --backend reference, and report it"
        )
    return Finding("self-test", Verdict.OK, says)


def difference(model: store.Model, candidate: Backend) -> int:
    """The largest difference in code values between a backend's frame and the reference's."""
    source = PatternSource(128, 96, frame_count=1, rate=Fraction(25))
    frame, video = source.frame(0), source.info.video
    pictures = []
    for tried in (candidate, ReferenceBackend(model)):
        nets = only(Enlarger(model.manifest, tried, core=(24, 32)))
        engine = Engine(video, target=Target(factor=2), fit=Fit.INSIDE, layout=video.layout, nets=nets)
        pictures.append(engine.process(frame).planes)
        engine.close()
    return max(int(np.abs(a.astype(int) - b).max()) for a, b in zip(*pictures, strict=True))


_CHECKS: tuple[Callable[[], Finding], ...] = (software, processor, memory, disk, models, backend, codecs, self_test)
