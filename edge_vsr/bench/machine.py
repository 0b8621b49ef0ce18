"""What was measured on: processor, cores, libraries; and what a fresh process takes."""

from __future__ import annotations

import importlib
import json
import os
import platform
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import onnxruntime as ort

from edge_vsr.upscale.backends.backend import usable_cores

_CHILD_S = 900
_CHILD = "import sys; from edge_vsr.bench.machine import answer; answer(sys.argv[1], sys.argv[2:])"


@dataclass(frozen=True, slots=True)
class Child:
    """A process that has ended. wall_s: from its start; peak_mb: resident memory, at most; told: what it found."""

    wall_s: float
    peak_mb: float
    told: Any


def machine() -> dict[str, str]:
    """By what it is called in reports."""
    names = [line.split(":")[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    return {
        "cpu": names[0] if names else platform.processor(),
        "cores": str(usable_cores()),
        "onnxruntime": ort.__version__,
        "opencv": cv2.__version__,
    }


def child(work: str, *arguments: str) -> Child:
    """Run ``module:function`` on a list of strings in a process of its own; it must succeed. Raises RuntimeError."""
    begin = time.monotonic()
    process = subprocess.run(
        [sys.executable, "-c", _CHILD, work, *arguments], stdout=subprocess.PIPE, timeout=_CHILD_S, check=False
    )
    wall_s = time.monotonic() - begin
    if process.returncode:
        raise RuntimeError(f"child failed: {work} {' '.join(arguments)}")
    told = json.loads(process.stdout.splitlines()[-1])
    return Child(wall_s, told["peak_mb"], told["told"])


def answer(work: str, arguments: list[str]) -> None:
    """The child's side: the last line that it prints is what it found."""
    module, name = work.split(":")
    told = getattr(importlib.import_module(module), name)(arguments)
    print(json.dumps({"told": told, "peak_mb": _peak_mb()}))


def _peak_mb() -> float:
    """Of this process since it is this program: what ``wait`` tells includes the parent's at the moment of the fork."""
    for line in _lines("/proc/self/status"):
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"{os.name}: no way to learn the peak of resident memory")


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines() if Path(path).exists() else []
