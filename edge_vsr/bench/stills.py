"""Truth pictures in folders, and everyone who enlarges pictures: R'G'B' in, R'G'B' out."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from edge_vsr.bench import ours
from edge_vsr.bench.peers import load_peers
from edge_vsr.bench.rgb import Rgb
from edge_vsr.color import JPEG_FULL, rgb_to_yuv444, yuv444_to_rgb
from edge_vsr.errors import SourceError
from edge_vsr.frame import ChromaLayout, Frame, VideoFormat, default_siting
from edge_vsr.upscale.resample import KERNELS, resample_image

# A picture (H, W, 3) → that picture enlarged.
Method = Callable[[Rgb], Rgb]

_SUFFIXES = {".png", ".webp", ".bmp", ".tif", ".tiff"}
_SINGLE_CHANNEL = {"bridge"}  # Set14's one single-channel file; copies in other formats often have three equal ones
_NEARLY_EQUAL = 2  # code values by which they may differ


def resize_rgb(rgb: npt.NDArray[np.generic], width_px: int, height_px: int, kernel: str) -> Rgb:
    """(H, W, 3) resampled channel by channel, antialiased, rounded to 8 bits."""
    exact = resample_image(rgb, width_px, height_px, KERNELS[kernel])
    return np.clip(np.rint(exact), 0, 255).astype(np.uint8)


def methods(
    words: Sequence[str], peers: Path | None, scale: int, variants: Sequence[str] = ("fp32", ours.INT8)
) -> dict[str, Method]:
    """Everything that is compared, by the name it has in the table; bicubic comes first.

    words: rungs or models; each of them takes part in every one of ``ours.VARIANTS`` that is named. Raises
    ModelError, BackendError, SourceError.
    """
    table: dict[str, Method] = {kernel: _kernel(kernel, scale) for kernel in ("bicubic", "lanczos3")}
    table.update(load_peers(peers, scale) if peers else {})
    for word in words:
        table.update({f"{ours.label(word)} {variant}": engine_method(word, variant, scale) for variant in variants})
    return table


def _kernel(name: str, scale: int) -> Method:
    return lambda rgb: resize_rgb(rgb, rgb.shape[1] * scale, rgb.shape[0] * scale, name)


def engine_method(word: str, variant: str, scale: int) -> Method:
    """The engine on a clean still, the way ``edge-vsr upscale in.png out.png`` runs it."""
    layout = ChromaLayout.YUV444

    def run(rgb: Rgb) -> Rgb:
        planes = rgb_to_yuv444(rgb, JPEG_FULL, bit_depth=10, rgb_bits=8)
        frame = Frame(planes, 10, layout, JPEG_FULL, default_siting(layout))
        size = frame.width_px, frame.height_px
        video = VideoFormat(*size, 10, layout, JPEG_FULL, frame.siting, frame.time_base, coded=False)
        engine = ours.build_engine(word, video, scale, layout, variant)
        return yuv444_to_rgb(engine.process(frame).planes, JPEG_FULL, 10).astype(np.uint8)

    return run


def pictures(folder: Path) -> Iterator[tuple[str, Rgb, bool]]:
    """(name, R'G'B', single channel) of every lossless picture in a folder. Raises SourceError."""
    for path in sorted(p for p in folder.iterdir() if p.suffix.lower() in _SUFFIXES):
        raw = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        if raw is None:
            raise SourceError(f"{path}: not a readable picture")
        if raw.dtype == np.uint16:
            raw = np.rint(raw / 257).astype(np.uint8)
        single = raw.ndim == 2 or (path.stem in _SINGLE_CHANNEL and _is_grey(raw))
        rgb = np.repeat(raw[..., None], 3, axis=2) if raw.ndim == 2 else raw[..., 2::-1]
        yield path.name, np.ascontiguousarray(rgb), single


def _is_grey(raw: npt.NDArray[np.generic]) -> bool:
    colors = raw[..., :3].astype(np.int16)
    return bool((colors.max(axis=2) - colors.min(axis=2)).max() <= _NEARLY_EQUAL)


def add_sets(parser: argparse.ArgumentParser) -> None:
    """The options that ``sets`` takes."""
    parser.add_argument("--data", type=Path, required=True, help="folder of truth pictures, or of such folders")
    parser.add_argument("--only", nargs="*", default=[], metavar="SET", help="names of the sub-folders to measure")


def sets(data: Path, only: Sequence[str] = ()) -> list[Path]:
    """The folder itself if it holds pictures, else its sub-folders that do, or those named. Raises SourceError."""

    def holds(folder: Path) -> bool:
        return folder.is_dir() and any(p.suffix.lower() in _SUFFIXES for p in folder.iterdir())

    if not data.is_dir():
        raise SourceError(f"{data}: no such folder; --data takes a folder of pictures or of such folders")
    found = [data] if holds(data) else [f for f in sorted(data.iterdir()) if holds(f)]
    if not found:
        raise SourceError(f"{data}: holds no lossless pictures (.png .webp .bmp .tif)")
    chosen = [folder for folder in found if not only or folder.name in only]
    if not chosen:
        raise SourceError(f"{data}: holds no set named {' or '.join(only)}")
    return chosen
