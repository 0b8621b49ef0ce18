"""VMAF and VMAF-NEG (Netflix), by an ffmpeg that has libvmaf: a program that is run, never linked.

PyPI's ``imageio-ffmpeg`` brings one; distributions' own seldom have it. NEG gives no credit for sharpening as such.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from edge_vsr.errors import SourceError

HOW_TO_GET = "pip install imageio-ffmpeg"
LEAST_PX = 64  # a side: below it the coarsest scales of VMAF have nothing to look at
_ASKING_S, _BASE_S, _FRAME_S = 20, 60, 10  # deadlines: to ask for filters, to start, for each frame
_MODELS = r"version=vmaf_v0.6.1\:name=vmaf|version=vmaf_v0.6.1neg\:name=vmaf_neg"


@dataclass(frozen=True, slots=True)
class Vmaf:
    """Means over frames, 0 to 100."""

    plain: float
    neg: float


@lru_cache(maxsize=1)
def find_ffmpeg() -> Path | None:
    """An ffmpeg with libvmaf: imageio-ffmpeg's, else the one on PATH; None where neither has it."""
    for program in (_bundled(), shutil.which("ffmpeg")):
        if program and _has_vmaf(program):
            return Path(program)
    return None


def _bundled() -> str | None:
    try:
        import imageio_ffmpeg  # noqa: PLC0415  an extra

        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except (ImportError, RuntimeError):
        return None


def _has_vmaf(program: str) -> bool:
    command = [program, "-hide_banner", "-filters"]
    try:
        told = subprocess.run(command, capture_output=True, text=True, timeout=_ASKING_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return " libvmaf " in told.stdout


def measure(program: Path, result: Path, truth: Path, size: tuple[int, int], frames: int) -> Vmaf:
    """Compare two files of raw 8-bit 4:2:0 frames of ``size`` (width, height). Raises SourceError."""
    log = result.with_suffix(".vmaf.json").absolute()
    raw = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{size[0]}x{size[1]}", "-r", "25"]
    graph = f"libvmaf=model='{_MODELS}':n_threads=1:log_fmt=json:log_path={log.name}"
    command = [str(program), "-nostdin", "-hide_banner", "-loglevel", "error"]
    command += [*raw, "-i", str(result.absolute()), *raw, "-i", str(truth.absolute()), "-lavfi", graph]
    limit_s = _BASE_S + _FRAME_S * frames
    try:
        told = subprocess.run(
            [*command, "-f", "null", "-"],
            cwd=log.parent,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=limit_s,
            check=False,
        )
        if told.returncode:
            raise SourceError(f"VMAF: {program} failed ({(told.stderr.strip() or 'no reason given').splitlines()[-1]})")
        found = json.loads(log.read_text())["frames"]
    except subprocess.TimeoutExpired as error:
        raise SourceError(f"VMAF: {program} did not answer within {limit_s} s") from error
    except (OSError, ValueError, KeyError) as error:
        raise SourceError(f"VMAF: {program} left no readable log ({error})") from error
    plain, neg = (float(np.mean([frame["metrics"][name] for frame in found])) for name in ("vmaf", "vmaf_neg"))
    return Vmaf(plain, neg)
