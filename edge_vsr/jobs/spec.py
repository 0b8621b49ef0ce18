"""What a file job is asked to do, how far it is, and what it did."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edge_vsr.upscale.geometry import Fit, Target


@dataclass(frozen=True, slots=True)
class JobSpec:
    """Everything that decides what a job's output looks like. The resume journal keys on it."""

    source: str  # path, URL, "-" for stdin, or a PNG pattern such as frames/%05d.png
    output: Path
    target: Target
    fit: Fit = Fit.LETTERBOX
    model: str = ""  # a rung, or one model by name or folder; "": the default rung; "none": base only
    sparsity: float = 1.0  # 0: every tile of every frame; 1: no tile where nobody would see it; more: fewer
    backend: str = "auto"
    encoder: str = "x264"  # x264 | x265 | svtav1 | nvenc | ffv1
    quality: int | None = None  # the encoder's own scale (CRF, CQ); None: a sane default
    deinterlace: str = "auto"  # auto | off | field | frame | telecine
    start_s: float = 0.0
    duration_s: float | None = None
    compare: bool = False  # split screen: base on the left, result on the right
    preview: Path | None = None  # PNG of one frame, before | after
    overwrite: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """One tick of a running job."""

    frames_done: int
    frames_total: int | None
    fps: float
    eta_s: float | None
    rung: str
    resumed_at: int  # frames found done when the job started


@dataclass(frozen=True, slots=True)
class JobReport:
    """What a finished job did."""

    output: Path
    frames: int
    size_px: tuple[int, int]
    wall_s: float
    notes: tuple[str, ...]  # what was carried, dropped, concealed, converted: one plain sentence each
