"""How close to the truth on real video: clips shrunk, coded by real encoders, decoded, enlarged by everyone.

Truth is 8-bit 4:2:0. Each of its planes is shrunk by the papers' antialiased bicubic kernel, chroma heeding its
siting (MPEG-2's), and coded. At ``--scale 1`` the truth itself is coded and cleaned at its own size.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import cv2

from edge_vsr.bench import extras, lpips, ours, vmaf
from edge_vsr.bench.clips import Clip, find_clips
from edge_vsr.bench.coded import SETTINGS, Setting, round_trip
from edge_vsr.bench.contenders import FrameMethod, baseline_name, frame_methods
from edge_vsr.bench.extras import write_json
from edge_vsr.bench.plots import rate_curves
from edge_vsr.bench.video_report import Row, print_tables, summary
from edge_vsr.bench.video_score import Tools, measure
from edge_vsr.errors import SourceError, UsageError
from edge_vsr.frame import Frame
from edge_vsr.upscale.resample import KERNELS, resample_frame


def measure_clips(
    clips: Sequence[Clip],
    table: dict[str, FrameMethod],
    scale: int,
    frames: int,
    tools: Tools,
    settings: Sequence[Setting] = SETTINGS,
) -> Iterator[Row]:
    """Every clip at every setting by every method, one clip in memory at a time. Raises EdgeVsrError."""
    for clip in clips:
        truth = clip.frames(frames, 2 * scale)
        small = [shrunk(frame, scale) for frame in truth]
        for setting in settings:
            coded = round_trip(small, setting, clip.rate)
            bit_s = float(coded.bits * clip.rate / Fraction(len(small)))
            print(f"{clip.name}: {len(truth)} frames, {setting.name}, {bit_s / 1000:.0f} kbit/s", file=sys.stderr)
            with tempfile.TemporaryDirectory(prefix="edge-vsr-bench-") as scratch:
                found = measure(truth, coded.frames, table, tools, Path(scratch))
            for method, measures in found.items():
                yield Row(clip.name, setting.name, bit_s, method, measures)


def shrunk(frame: Frame, scale: int) -> Frame:
    """The frame as it is sent to the encoder, plane by plane."""
    size = (frame.width_px // scale, frame.height_px // scale)
    return resample_frame(frame, *size, KERNELS["bicubic"], frame.layout, frame.siting)


def tools_here(want_lpips: bool = True, want_vmaf: bool = True) -> Tools:
    """The measures that are installed; one line on standard error for each that is not. Raises ModelError."""
    network = lpips.load() if want_lpips else None
    ffmpeg = vmaf.find_ffmpeg() if want_vmaf else None
    if want_lpips and network is None:
        extras.left_out("LPIPS", lpips.HOW_TO_GET)
    if want_vmaf and ffmpeg is None:
        extras.left_out("VMAF", vmaf.HOW_TO_GET)
    return Tools(network, ffmpeg)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = __doc__
    parser.add_argument("--clips", type=Path, required=True, help="folder of films and of folders of numbered frames")
    parser.add_argument("--only", nargs="*", default=[], metavar="CLIP", help="names of the clips to measure")
    parser.add_argument("--pan", action="store_true", help="let a window drift over stills of 1280x720 and more")
    parser.add_argument("--frames", type=int, default=16, help="frames of each clip (default: 16)")
    parser.add_argument("--models", nargs="*", metavar="NAME", help="our models (default: all of that scale)")
    parser.add_argument("--peers", type=Path, help="folder of ONNX peers named NAME_xSCALE.onnx (rgb -> rgb_up)")
    parser.add_argument("--scale", type=int, default=2, choices=(1, 2, 3, 4))
    extras.add_json(parser)
    parser.add_argument("--plot", type=Path, metavar="PNG", help="draw rate against PSNR-Y and VMAF-NEG")


def run(args: argparse.Namespace) -> int:
    """Print a table for each encoder setting, and the gain over the baseline with its interval."""
    if args.frames < 1:
        raise UsageError("--frames must be at least 1")
    if args.plot:
        extras.pyplot()  # say at once that it is missing
    cv2.setNumThreads(1)
    clips = find_clips(args.clips, args.pan)
    if args.only:
        clips = [clip for clip in clips if clip.name in args.only]
        if not clips:
            raise SourceError(f"{args.clips}: holds no clip named {' or '.join(args.only)}")
    models = ours.default_words(args.scale) if args.models is None else args.models
    table = frame_methods(models, args.peers, args.scale)
    rows = list(measure_clips(clips, table, args.scale, args.frames, tools_here()))
    if args.json != extras.STDOUT:
        print_tables(rows, args.scale, baseline_name(args.scale))
    if args.json:
        write_json(args.json, summary(rows, args.scale, args.frames))
    if args.plot:
        rate_curves(rows, args.plot)
    return 0
