"""How close to the truth: stills shrunk as papers do it, enlarged by everyone, measured.

Protocol of the super-resolution papers: the R'G'B' truth is cut to a multiple of the scale, shrunk by
MATLAB-style bicubic and rounded to 8 bits; every method gets that file, its 8-bit R'G'B' result is measured
on BT.601 limited luma, ``scale`` pixels shaved from each side. Single-channel truth is measured on its
codes as they are (MATLAB scripts do not convert it), which touches one picture of Set14, ``bridge``.
Chroma is measured likewise, Cb and Cr at full size; LPIPS looks at whole R'G'B' pictures.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from edge_vsr.bench import crops, extras, lpips, ours
from edge_vsr.bench.intervals import Interval, interval
from edge_vsr.bench.lpips import Lpips
from edge_vsr.bench.metrics import BEST_DB, chroma_601, luma_601, psnr, ssim
from edge_vsr.bench.rgb import Rgb
from edge_vsr.bench.stills import Method, add_sets, methods, pictures, resize_rgb, sets

# (name of the picture, truth, every method's result): for whoever wants to look on.
Watcher = Callable[[str, Rgb, dict[str, Rgb]], None]

_BASELINE = "bicubic"


@dataclass(frozen=True, slots=True)
class Score:
    """Means over one set. psnr_c_db: of Cb and Cr, None for grey sets; lpips: None without weights.

    gain_db: in PSNR-Y over bicubic, paired by picture; None for bicubic and where it was not measured.
    """

    psnr_y_db: float
    ssim: float
    psnr_c_db: float | None
    lpips: float | None
    gain_db: Interval | None
    pictures: int


@dataclass(frozen=True, slots=True)
class _One:
    """What was measured of one picture."""

    psnr_y_db: float
    ssim: float
    psnr_c_db: float | None
    lpips: float | None


def score(
    folder: Path, table: dict[str, Method], scale: int, network: Lpips | None = None, watch: Watcher | None = None
) -> dict[str, Score]:
    """Every method over one set. Raises SourceError."""
    found: dict[str, list[_One]] = {name: [] for name in table}
    for picture_name, picture, single in pictures(folder):
        h, w = (side // scale * scale for side in picture.shape[:2])
        truth = picture[:h, :w]
        small = resize_rgb(truth, w // scale, h // scale, "bicubic")
        results = {name: method(small) for name, method in table.items()}
        seen = network.features(truth) if network and min(h, w) >= lpips.LEAST_PX else None
        for name, result in results.items():
            distance = network.distance(network.features(result), seen) if network and seen else None
            found[name].append(_measured(result, truth, scale, single, distance))
        if watch:
            watch(f"{folder.name}/{Path(picture_name).stem}", truth, results)
    return {name: _score(ones, None if name == _BASELINE else found.get(_BASELINE)) for name, ones in found.items()}


def _measured(result: Rgb, truth: Rgb, scale: int, single: bool, distance: float | None) -> _One:
    shave = np.s_[scale : truth.shape[0] - scale, scale : truth.shape[1] - scale]
    a, b = ((rgb[..., 0].astype(np.float64) if single else luma_601(rgb))[shave] for rgb in (result, truth))
    chroma = None
    if not single:
        c, d = chroma_601(result)[shave], chroma_601(truth)[shave]
        chroma = float(np.mean([min(psnr(c[..., i], d[..., i]), BEST_DB) for i in (0, 1)]))
    return _One(min(psnr(a, b), BEST_DB), ssim(a, b), chroma, distance)


def _score(ones: Sequence[_One], base: Sequence[_One] | None) -> Score:
    chroma = [one.psnr_c_db for one in ones if one.psnr_c_db is not None]
    distances = [one.lpips for one in ones if one.lpips is not None]
    gain = interval([a.psnr_y_db - b.psnr_y_db for a, b in zip(ones, base, strict=True)]) if base else None
    return Score(
        psnr_y_db=float(np.mean([one.psnr_y_db for one in ones])),
        ssim=float(np.mean([one.ssim for one in ones])),
        psnr_c_db=float(np.mean(chroma)) if chroma else None,
        lpips=float(np.mean(distances)) if distances else None,
        gain_db=gain,
        pictures=len(ones),
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = __doc__
    add_sets(parser)
    parser.add_argument("--peers", type=Path, help="folder of ONNX peers named NAME_xSCALE.onnx (rgb -> rgb_up)")
    parser.add_argument("--models", nargs="*", metavar="NAME", help="our rungs or models (default: all for that scale)")
    parser.add_argument("--scale", type=int, default=2, choices=(2, 3, 4))
    extras.add_json(parser)
    parser.add_argument("--crops", type=Path, metavar="PNG", help="show details where the methods differ most")


def run(args: argparse.Namespace) -> int:
    """Print what was measured of every method on every set."""
    folders = sets(args.data, args.only)
    words = ours.default_words(args.scale) if args.models is None else args.models
    table = methods(words, args.peers, args.scale)
    network = lpips.load()
    if network is None:
        extras.left_out("LPIPS", lpips.HOW_TO_GET)
    gallery = crops.Gallery(args.scale, {"lanczos3", *(f"{ours.label(word)} fp32" for word in words)})
    results: dict[str, dict[str, Score]] = {}
    for folder in folders:
        watch = gallery.look if args.crops else None
        results[folder.name] = score(folder, table, args.scale, network, watch)
        if args.json != extras.STDOUT:
            _print(folder.name, args.scale, results[folder.name])
    if args.json:
        rows = {name: {method: asdict(one) for method, one in found.items()} for name, found in results.items()}
        extras.write_json(args.json, {"scale": args.scale, "sets": rows})
    if args.crops:
        gallery.write(args.crops)
    return 0


def _print(name: str, scale: int, rows: dict[str, Score]) -> None:
    count = max((row.pictures for row in rows.values()), default=0)
    title = f"{name}, x{scale}, {count} pictures"
    print(f"\n{title:<30}  PSNR-Y dB    SSIM   PSNR-C   LPIPS    gain over bicubic, 95 %")
    for method, row in rows.items():
        chroma = f"{row.psnr_c_db:9.2f}" if row.psnr_c_db is not None else " " * 9
        distance = f"{row.lpips:8.4f}" if row.lpips is not None else " " * 8
        gain = f"    {row.gain_db}" if row.gain_db else ""
        print(f"  {method:<28}{row.psnr_y_db:11.3f}{row.ssim:8.4f}{chroma}{distance}{gain}", flush=True)
