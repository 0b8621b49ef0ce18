"""Quality against cost: CPU time for a 1080p frame enlarged twice, beside PSNR-Y on clean stills, in one run.

CPU time is that of all threads, everyone's on ONNX Runtime's CPU provider, whatever a job would take here. Ours is
INT8, tiled, the whole enlargement (base, analysis, tiles, net); a peer is fp32, its net alone on the whole R'G'B'
frame. Times of one run can be compared with each other only.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import cv2

from edge_vsr.bench import extras, ours
from edge_vsr.bench.cost import median_cpu_ms, peer_costs
from edge_vsr.bench.plots import draw_ladder
from edge_vsr.bench.points import BICUBIC, Point, rival
from edge_vsr.bench.quality import score
from edge_vsr.bench.stills import Method, add_sets, methods, sets
from edge_vsr.capture.pattern import PatternSource
from edge_vsr.errors import UsageError
from edge_vsr.frame import ChromaLayout, VideoFormat

_SIZE = (1920, 1080)
_SCALE = 2
_BACKEND = "cpu"
_TERMS = "all on ONNX Runtime's CPU provider: ours INT8, tiled, base and analysis included; peers fp32, whole frame"


def climb(
    folders: Sequence[Path], words: Sequence[str], peers: Path | None, frames: int, size: tuple[int, int] = _SIZE
) -> list[Point]:
    """Every method's cost and quality; the baseline first, ours last. Raises EdgeVsrError."""
    costs = _costs(words, peers, frames, size)
    table = methods(words, peers, _SCALE, (ours.INT8,))
    table = {_plain(name, words): method for name, method in table.items() if name != "lanczos3"}
    quality = _quality(folders, table)
    macs = {ours.label(word): ours.macs_per_px(word, _SCALE) for word in words}
    return [Point(name, costs[name], quality[name], name in macs, macs.get(name)) for name in table]


def _plain(name: str, words: Sequence[str]) -> str:
    """Only INT8 of ours takes part, so that it need not be said."""
    return name.removesuffix(f" {ours.INT8}") if name in {f"{ours.label(word)} {ours.INT8}" for word in words} else name


def _quality(folders: Sequence[Path], table: dict[str, Method]) -> dict[str, float]:
    """PSNR-Y by method: the mean over all pictures of all sets."""
    sums, count = dict.fromkeys(table, 0.0), 0
    for folder in folders:
        print(f"quality: {folder.name}", file=sys.stderr)
        found = score(folder, table, _SCALE)
        for name, one in found.items():
            sums[name] += one.psnr_y_db * one.pictures
        count += next(iter(found.values())).pictures
    return {name: total / count for name, total in sums.items()}


def _costs(words: Sequence[str], peers: Path | None, frames: int, size: tuple[int, int]) -> dict[str, float]:
    """CPU ms for a frame by method, the median of ``frames`` after one to warm up."""
    source = PatternSource(*size, frame_count=1)
    frame, video = next(source.frames()), source.info.video
    clean = VideoFormat(*size, video.bit_depth, video.layout, video.color, video.siting, video.time_base, coded=False)
    costs: dict[str, float] = {}
    for word in words:
        engine = ours.build_engine(word, clean, _SCALE, ChromaLayout.YUV420, backend=_BACKEND)
        if BICUBIC not in costs:
            costs[BICUBIC] = median_cpu_ms(lambda engine=engine: engine.base_of(frame), frames)  # type: ignore[misc]
        name = ours.label(word)
        costs[name] = median_cpu_ms(lambda engine=engine: engine.process(frame), frames)  # type: ignore[misc]
        print(f"cost: {name}", file=sys.stderr)
    costs.update(peer_costs(peers, frame, _SCALE, frames) if peers else {})
    return costs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = __doc__
    add_sets(parser)
    parser.add_argument("--peers", type=Path, help="folder of ONNX peers named NAME_x2.onnx (rgb -> rgb_up)")
    parser.add_argument("--models", nargs="+", metavar="NAME", help="our rungs or models (default: all that double)")
    parser.add_argument("--frames", type=int, default=3, help="frames timed of each method (default: 3)")
    extras.add_json(parser)
    parser.add_argument("--plot", type=Path, metavar="PNG", help="draw quality against cost")


def run(args: argparse.Namespace) -> int:
    """Print cost and quality of everyone, and how many times our CPU time each peer takes for its quality."""
    if args.frames < 1:
        raise UsageError("--frames must be at least 1")
    if args.plot:
        extras.pyplot()  # say at once that it is missing
    cv2.setNumThreads(1)  # as a job does
    folders = sets(args.data, args.only)
    words = args.models or ours.default_words(_SCALE)
    if not words:
        raise UsageError("no model is installed that doubles; name one with --models")
    points = climb(folders, words, args.peers, args.frames)
    where = ", ".join(folder.name for folder in folders)
    if args.json != extras.STDOUT:
        _print(points, where)
    if args.json:
        extras.write_json(
            args.json, {"sets": where, "frame": _SIZE, "terms": _TERMS, "points": [asdict(point) for point in points]}
        )
    if args.plot:
        draw_ladder(points, where, args.plot)
    return 0


def _print(points: Sequence[Point], where: str) -> None:
    print(f"\n1080p to 4K, {_TERMS}")
    print(f"{'PSNR-Y on ' + where:<40}{'kMAC/px':>9}{'CPU ms a frame':>16}{'PSNR-Y dB':>12}")
    for point in sorted(points, key=lambda point: (point.ours, point.cpu_ms)):
        macs = "" if point.macs_per_px is None else f"{point.macs_per_px / 1000:.1f}"
        figures = f"{macs:>9}{point.cpu_ms:16.0f}{point.psnr_y_db:12.2f}"
        print(f"  {point.name:<38}{figures}  {_verdict(point, points)}".rstrip())


def _verdict(point: Point, points: Sequence[Point]) -> str:
    """A peer beside the cheapest of ours that is at least as good."""
    if point.ours or point.name == BICUBIC:
        return ""
    found = rival(point, points)
    if found is not None:
        return f"{point.cpu_ms / found.cpu_ms:.1f} x {found.name}"
    nearest = max((p for p in points if p.ours), key=lambda p: p.psnr_y_db)
    short = point.psnr_y_db - nearest.psnr_y_db
    return f"{point.cpu_ms / nearest.cpu_ms:.1f} x {nearest.name}, which is {short:.2f} dB short of it"
