"""How the engine keeps pace on this machine: 1080p to 4K by the clock, and what a budget buys.

Each clip is mirrored out to the screen's size, so a smaller one keeps its detail, noise and motion per pixel; it is
shrunk by two, coded by x264 at CRF 23, decoded beforehand, and played forth and back so that it never cuts.
Wall time is what a deadline is about, so nothing else should run here meanwhile.
"""

from __future__ import annotations

import argparse
import re
import statistics
import sys
from fractions import Fraction
from pathlib import Path

import cv2

from edge_vsr.bench import extras, ours, vmaf
from edge_vsr.bench.clips import Clip, find_clips
from edge_vsr.bench.live_content import SCALE, SETTING, Content, load
from edge_vsr.bench.live_curve import COUNTED_FRAMES, WARM_FRAMES, Judge, curve
from edge_vsr.bench.live_pace import SHARE, pace
from edge_vsr.bench.live_report import Report, print_report, summary
from edge_vsr.bench.live_stretch import measure_stretch
from edge_vsr.bench.machine import machine
from edge_vsr.bench.peers import load_peers
from edge_vsr.bench.plots import draw_budgets
from edge_vsr.errors import SourceError, UsageError

_BUDGETS_MS = (12, 16, 20, 24, 28, 33, 42, 60)
_SIDE_STEP = 4  # chroma of the small picture needs whole samples
_LEAST_SIDE_PX, _MOST_SIDE_PX = 64, 8192


def measure_clip(content: Content, args: argparse.Namespace) -> Report:
    """One clip through curve, pace and stretch. Raises EdgeVsrError."""
    engine, full = (
        ours.build_engine(args.rung, content.video, SCALE, content.video.layout, sparsity=sparsity)
        for sparsity in (ours.SPARSE, 0.0)
    )
    judge = Judge(content, full)
    print(f"{content.name}: budgets", file=sys.stderr)
    rows = list(curve(content, engine, judge, [*args.budgets, None]))
    known = [judge.of_clip(index) for index in sorted(judge.known)]
    print(f"{content.name}: pace, {float(args.frames / args.fps):.0f} s", file=sys.stderr)
    paced = pace(engine, content.seen, args.fps, args.frames)
    gain = judge.gain(paced.samples)
    shown = measure_stretch(content, engine, full, judge, round(paced.budget_ms * 1e6), args.peers)
    return Report(
        content.name,
        content.own_px,
        (content.video.width_px, content.video.height_px),
        len(content.seen),
        engine.rung,
        statistics.mean(base for base, _ in known),
        statistics.mean(best for _, best in known),
        rows,
        paced,
        gain,
        shown,
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = __doc__
    parser.add_argument("--clips", type=Path, required=True, help="folder of films and of folders of numbered frames")
    parser.add_argument("--only", nargs="*", default=[], metavar="CLIP", help="names of the clips to play")
    parser.add_argument("--rung", default="light", help="a rung or model, or several, as in fast+light")
    parser.add_argument("--fps", type=_rate, default=Fraction(30), help="frames a second, as 30 or 60000/1001")
    parser.add_argument("--frames", type=int, default=1000, help="frames of the pace run (default: 1000)")
    parser.add_argument("--clip-frames", type=int, default=48, help="frames of each clip (default: 48)")
    parser.add_argument("--budgets", type=float, nargs="*", default=_BUDGETS_MS, metavar="MS", help="to try one by one")
    parser.add_argument("--peers", type=Path, help="folder of ONNX peers named NAME_x2.onnx (rgb -> rgb_up)")
    parser.add_argument("--to-size", type=_size, default=(3840, 2160), metavar="WxH", help="the screen")
    extras.add_json(parser)
    parser.add_argument("--plot", type=Path, metavar="PNG", help="draw the share of the gain against the budget")


def _rate(text: str) -> Fraction:
    try:
        rate = Fraction(text)
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if rate <= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no frame rate, like 30 or 60000/1001")
    return rate


def _size(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text)
    sides = (int(found[1]), int(found[2])) if found else (0, 0)
    if any(side % _SIDE_STEP or not _LEAST_SIDE_PX <= side <= _MOST_SIDE_PX for side in sides):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no size like 3840x2160, sides multiples of {_SIDE_STEP} "
            f"from {_LEAST_SIDE_PX} to {_MOST_SIDE_PX}"
        )
    return sides


def run(args: argparse.Namespace) -> int:
    """Print a few tables for each clip, as soon as it is measured."""
    _check(args)
    cv2.setNumThreads(1)  # as a job does
    if args.json != extras.STDOUT:
        print(" · ".join(f"{key} {value}" for key, value in machine().items()))
    reports = []
    for clip in _clips(args):
        print(f"{clip.name}: making {args.to_size[0]}x{args.to_size[1]}", file=sys.stderr)
        report = measure_clip(load(clip, args.clip_frames, args.to_size), args)
        if args.json != extras.STDOUT:
            print_report(report)
        reports.append(report)
    if args.json:
        terms = {"setting": SETTING.name, "budget_share": SHARE, "warm_frames": WARM_FRAMES, "counted": COUNTED_FRAMES}
        found = [summary(report) for report in reports]
        extras.write_json(args.json, {"machine": machine(), "fps": str(args.fps), **terms, "clips": found})
    if args.plot:
        draw_budgets({report.clip: report.points for report in reports}, args.plot)
    return 0


def _check(args: argparse.Namespace) -> None:
    """Say at once what cannot work. Raises UsageError, ModelError, SourceError."""
    for name in ("frames", "clip_frames"):
        if getattr(args, name) < 1:
            raise UsageError(f"--{name.replace('_', '-')} must be at least 1")
    if any(not 0 < budget < float("inf") for budget in args.budgets):
        raise UsageError("--budgets are milliseconds above 0")
    if args.plot:
        extras.pyplot()
    ours.plans(args.rung, SCALE, coded=True)
    if args.peers:
        load_peers(args.peers, SCALE)
        if vmaf.find_ffmpeg() is None:
            extras.left_out("VMAF", vmaf.HOW_TO_GET)


def _clips(args: argparse.Namespace) -> list[Clip]:
    clips = find_clips(args.clips)
    chosen = [clip for clip in clips if not args.only or clip.name in args.only]
    if not chosen:
        raise SourceError(f"{args.clips}: holds no clip named {' or '.join(args.only)}")
    return chosen
