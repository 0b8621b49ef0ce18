"""What is measured of an enlarged clip, frame by frame beside the truth, so that memory holds two frames a method.

Whole frames, nothing shaved. PSNR and SSIM are means over frames of each frame's own value (of dB, as the field
does it), equal frames counting as 100 dB; chroma PSNR is the mean of U and V. LPIPS looks at every fourth frame.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from edge_vsr.bench import temporal, vmaf
from edge_vsr.bench.contenders import FrameMethod
from edge_vsr.bench.invention import base_of, invention
from edge_vsr.bench.lpips import LEAST_PX, Array, Lpips
from edge_vsr.bench.metrics import BEST_DB, psnr, ssim
from edge_vsr.bench.rgb import to_rgb
from edge_vsr.frame import Frame

_LPIPS_EVERY = 4


@dataclass(frozen=True, slots=True)
class Measures:
    """Means over one clip; None where a tool is not installed or the clip does not tell (one frame, no calm place).

    psnr_c_db: mean of U and V. tof_px: error of motion. flicker: change from frame to frame, beyond the truth's,
    where the truth stands still, in code values; below 0: calmer than the truth. invention: see ``invention``.
    """

    psnr_y_db: float
    ssim_y: float
    psnr_c_db: float
    lpips: float | None
    vmaf: float | None
    vmaf_neg: float | None
    tof_px: float | None
    flicker: float | None
    invention: float


@dataclass(frozen=True)
class Tools:
    """The measures that may be missing."""

    lpips: Lpips | None
    ffmpeg: Path | None


@dataclass(frozen=True)
class _Step:
    """The truth at one moment, and what is known of it."""

    frame: Frame
    features: list[Array] | None
    flow: temporal.Flow | None
    still: npt.NDArray[np.bool_] | None
    calm: float


def measure(
    truth: list[Frame], decoded: list[Frame], table: dict[str, FrameMethod], tools: Tools, scratch: Path
) -> dict[str, Measures]:
    """Every method over one decoded clip; ``scratch``: an empty folder for raw frames. Raises EdgeVsrError."""
    found: dict[str, dict[str, list[float]]] = {name: defaultdict(list) for name in table}
    before: dict[str, Frame] = {}
    with ExitStack() as stack:
        files = {name: stack.enter_context((scratch / f"{i}.yuv").open("wb")) for i, name in enumerate(table)}
        original = stack.enter_context((scratch / "truth.yuv").open("wb"))
        for step, small in zip(_steps(truth, tools), decoded, strict=True):
            _write(step.frame, original)
            base = base_of(small, step.frame.width_px, step.frame.height_px)
            for name, method in table.items():
                large = method(small)
                _add(found[name], large, before.get(name), step, tools)
                found[name]["invention"].append(invention(large, base, small))
                _write(large, files[name])
                before[name] = large
    out = {}
    for index, name in enumerate(table):
        seen = _vmaf(tools, scratch / f"{index}.yuv", scratch / "truth.yuv", truth)
        out[name] = _means(found[name], seen)
    return out


def _steps(truth: Iterable[Frame], tools: Tools) -> Iterator[_Step]:
    before: Frame | None = None
    for index, frame in enumerate(truth):
        look = tools.lpips is not None and index % _LPIPS_EVERY == 0
        big_enough = min(frame.width_px, frame.height_px) >= LEAST_PX
        features = tools.lpips.features(to_rgb(frame)) if tools.lpips and look and big_enough else None
        if before is None:
            yield _Step(frame, features, None, None, 0.0)
        else:
            pair = _luma(before), _luma(frame)
            still = temporal.static_part(*pair)
            calm = temporal.restlessness(*pair, still) if still is not None else 0.0
            yield _Step(frame, features, temporal.flow(*pair), still, calm)
        before = frame


def _add(rows: dict[str, list[float]], large: Frame, before: Frame | None, step: _Step, tools: Tools) -> None:
    """One frame's values, under the names of ``Measures``."""
    y, u, v = (min(psnr(a, b), BEST_DB) for a, b in zip(large.planes, step.frame.planes, strict=True))
    rows["psnr_y_db"].append(y)
    rows["psnr_c_db"].append((u + v) / 2)
    rows["ssim_y"].append(ssim(large.planes[0], step.frame.planes[0]))
    if step.features is not None and tools.lpips is not None:
        rows["lpips"].append(tools.lpips.distance(tools.lpips.features(to_rgb(large)), step.features))
    if before is None or step.flow is None:
        return
    pair = _luma(before), _luma(large)
    rows["tof_px"].append(temporal.flow_error(temporal.flow(*pair), step.flow))
    if step.still is not None:
        rows["flicker"].append(temporal.restlessness(*pair, step.still) - step.calm)


def _means(rows: dict[str, list[float]], seen: vmaf.Vmaf | None) -> Measures:
    def mean(name: str) -> float | None:
        return float(np.mean(rows[name])) if rows.get(name) else None

    return Measures(
        psnr_y_db=float(np.mean(rows["psnr_y_db"])),
        ssim_y=float(np.mean(rows["ssim_y"])),
        psnr_c_db=float(np.mean(rows["psnr_c_db"])),
        lpips=mean("lpips"),
        vmaf=seen.plain if seen else None,
        vmaf_neg=seen.neg if seen else None,
        tof_px=mean("tof_px"),
        flicker=mean("flicker"),
        invention=float(np.mean(rows["invention"])),
    )


def _vmaf(tools: Tools, result: Path, original: Path, truth: list[Frame]) -> vmaf.Vmaf | None:
    size = truth[0].width_px, truth[0].height_px
    if tools.ffmpeg is None or min(size) < vmaf.LEAST_PX:
        return None
    return vmaf.measure(tools.ffmpeg, result, original, size, len(truth))


def _luma(frame: Frame) -> temporal.Luma:
    return np.asarray(frame.planes[0], np.uint8)


def _write(frame: Frame, file: BinaryIO) -> None:
    for plane in frame.planes:
        file.write(np.ascontiguousarray(plane).data)
