"""How close to the truth: stills shrunk as papers do it, enlarged by everyone, measured on luma.

Protocol of the super-resolution papers: the R'G'B' truth is cut to a multiple of the scale, shrunk by
MATLAB-style bicubic and rounded to 8 bits; every method gets that file, its 8-bit R'G'B' result is measured
on BT.601 limited luma, ``scale`` pixels shaved from each side. Single-channel truth is measured on its
codes as they are (MATLAB scripts do not convert it), which touches one picture of Set14, ``bridge``.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from edge_vsr.bench.metrics import luma_601, psnr, ssim
from edge_vsr.bench.peers import load_peers
from edge_vsr.color import JPEG_FULL, rgb_to_yuv444, yuv444_to_rgb
from edge_vsr.errors import SourceError
from edge_vsr.frame import ChromaLayout, Frame, Siting, VideoFormat
from edge_vsr.models import store
from edge_vsr.models.ladder import DEFAULT_RUNG
from edge_vsr.upscale.backends.backend import Backend
from edge_vsr.upscale.backends.choose import choose
from edge_vsr.upscale.backends.ort import OrtBackend
from edge_vsr.upscale.engine import Engine
from edge_vsr.upscale.enlarge import Enlarger, only
from edge_vsr.upscale.geometry import Fit, Target
from edge_vsr.upscale.resample import KERNELS, resample_image

Rgb = npt.NDArray[np.uint8]
Method = Callable[[Rgb], Rgb]
_SUFFIXES = {".png", ".webp", ".bmp", ".tif", ".tiff"}
_SINGLE_CHANNEL = {"bridge"}  # Set14's one single-channel file; copies in other formats often lose that


@dataclass(frozen=True, slots=True)
class Score:
    """Means over one set."""

    psnr_y_db: float
    ssim: float
    pictures: int


def resize_rgb(rgb: npt.NDArray[np.generic], width_px: int, height_px: int, kernel: str) -> Rgb:
    """(H, W, 3) resampled channel by channel, antialiased, rounded to 8 bits."""
    exact = resample_image(rgb, width_px, height_px, KERNELS[kernel])
    return np.clip(np.rint(exact), 0, 255).astype(np.uint8)


def engine_method(model: store.Model, backend: Backend, scale: int) -> Method:
    """The engine on a still, the way ``edge-vsr upscale in.png out.png`` runs it."""
    nets = only(Enlarger(model.manifest, backend))

    def run(rgb: Rgb) -> Rgb:
        planes = rgb_to_yuv444(rgb, JPEG_FULL, bit_depth=10, rgb_bits=8)
        frame = Frame(planes, 10, ChromaLayout.YUV444, JPEG_FULL, Siting(0.0, 0.0))
        video = VideoFormat(
            frame.width_px,
            frame.height_px,
            10,
            frame.layout,
            frame.color,
            frame.siting,
            frame.time_base,
            coded=False,
        )
        engine = Engine(video, target=Target(factor=scale), fit=Fit.INSIDE, layout=frame.layout, exact=True, nets=nets)
        return yuv444_to_rgb(engine.process(frame).planes, JPEG_FULL, 10).astype(np.uint8)

    return run


def methods(model_name: str, peers: Path | None, scale: int) -> dict[str, Method]:
    """Everything that is compared, by the name it has in the table."""
    model = store.select(model_name).plan(scale, coded=False)[0]
    label = model.manifest.name
    table: dict[str, Method] = {
        kernel: lambda rgb, kernel=kernel: resize_rgb(rgb, rgb.shape[1] * scale, rgb.shape[0] * scale, kernel)  # type: ignore[misc]
        for kernel in ("bicubic", "lanczos3")
    }
    table.update(load_peers(peers, scale) if peers else {})
    table[f"{label} fp32"] = engine_method(model, OrtBackend(model, "cpu", kind="float"), scale)
    choice = choose(model)
    table[f"{label} int8 ({choice.backend.name})"] = engine_method(model, choice.backend, scale)
    table[f"{label} int8 sym (cpu)"] = engine_method(model, OrtBackend(model, "cpu", kind="sym"), scale)
    return table


def pictures(folder: Path) -> Iterator[tuple[str, Rgb, bool]]:
    """(name, R'G'B', single channel) of every lossless picture in a folder."""
    for path in sorted(p for p in folder.iterdir() if p.suffix.lower() in _SUFFIXES):
        raw = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        if raw is None:
            raise SourceError(f"{path}: not a readable picture")
        if raw.dtype == np.uint16:
            raw = np.rint(raw / 257).astype(np.uint8)
        single = raw.ndim == 2 or path.stem in _SINGLE_CHANNEL
        rgb = np.repeat(raw[..., None], 3, axis=2) if raw.ndim == 2 else raw[..., 2::-1]
        yield path.name, np.ascontiguousarray(rgb), single


def score(folder: Path, table: dict[str, Method], scale: int) -> dict[str, Score]:
    """Every method over one set."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in table}
    for _, picture, single in pictures(folder):
        h, w = (side // scale * scale for side in picture.shape[:2])
        truth = picture[:h, :w]
        small = resize_rgb(truth, w // scale, h // scale, "bicubic")
        shave = np.s_[scale : h - scale, scale : w - scale]
        luma = (lambda rgb: rgb[..., 0].astype(np.float64)) if single else luma_601
        for name, method in table.items():
            result = method(small)
            a, b = luma(result)[shave], luma(truth)[shave]
            found[name].append((psnr(a, b), ssim(a, b)))
    return {
        name: Score(float(np.mean([s[0] for s in all_])), float(np.mean([s[1] for s in all_])), len(all_))
        for name, all_ in found.items()
        if all_
    }


def _sets(data: Path) -> list[Path]:
    """The folder itself if it holds pictures, else its sub-folders that do."""

    def holds(folder: Path) -> bool:
        return folder.is_dir() and any(p.suffix.lower() in _SUFFIXES for p in folder.iterdir())

    if not data.is_dir():
        raise SourceError(f"{data}: no such folder; --data takes a folder of pictures or of such folders")
    found = [data] if holds(data) else [f for f in sorted(data.iterdir()) if holds(f)]
    if not found:
        raise SourceError(f"{data}: holds no lossless pictures (.png .webp .bmp .tif)")
    return found


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, required=True, help="folder of truth pictures, or of such folders")
    parser.add_argument("--only", nargs="*", default=[], metavar="SET", help="names of the sub-folders to measure")
    parser.add_argument("--peers", type=Path, help="folder of ONNX peers named NAME_xSCALE.onnx (rgb -> rgb_up)")
    parser.add_argument("--model", default=DEFAULT_RUNG)
    parser.add_argument("--scale", type=int, default=2, choices=(2, 3, 4))
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Print PSNR-Y and SSIM of every method on every set."""
    table = methods(args.model, args.peers, args.scale)
    results = {}
    for folder in _sets(args.data):
        if not args.only or folder.name in args.only:
            results[folder.name] = score(folder, table, args.scale)
            if not args.json:
                _print(folder.name, args.scale, results[folder.name])
    if args.json:
        rows = {
            s: {m: {"psnr_y_db": v.psnr_y_db, "ssim": v.ssim, "pictures": v.pictures} for m, v in r.items()}
            for s, r in results.items()
        }
        print(json.dumps({"scale": args.scale, "sets": rows}, indent=1))
    return 0


def _print(name: str, scale: int, rows: dict[str, Score]) -> None:
    count = max((row.pictures for row in rows.values()), default=0)
    print(f"\n{name}, x{scale}, {count} pictures{'':>10}PSNR-Y dB    SSIM")
    for method, row in rows.items():
        print(f"  {method:<34}{row.psnr_y_db:9.3f}{row.ssim:8.4f}", flush=True)
