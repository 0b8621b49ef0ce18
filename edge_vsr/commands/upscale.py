"""``edge-vsr upscale IN OUT``: options to a JobSpec, the job to its end, progress to whoever looks."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path

from edge_vsr import job
from edge_vsr.commands import display
from edge_vsr.commands.options import add_picture_options, seconds
from edge_vsr.commands.stopping import Stop
from edge_vsr.jobs.spec import JobSpec
from edge_vsr.upscale.geometry import Fit, parse_target

_DESCRIPTION = """Cleans and enlarges IN and writes OUT; the name of OUT decides what it becomes:
a film (.mp4 .m4v .mov .mkv .webm), a picture (.png .jpg .webp .tif) or a
picture sequence (frames/%05d.png). Sound, subtitles, chapters and HDR data travel along.

A job that was stopped, or killed, goes on where it was: give the same command again."""

_EPILOG = """examples:
  edge-vsr upscale film.mkv film_4k.mkv
  edge-vsr upscale dvd.vob dvd_1080p.mp4 --to 1080p --encoder x265
  edge-vsr upscale clip.mp4 look.mp4 --start 10:00 --duration 20 --compare
  edge-vsr upscale photo.jpg photo_x2.png --to x2
  edge-vsr upscale 'scan/%05d.png' big-%05d.png --to x2
  ssh camera cat night.ts | edge-vsr upscale - night_4k.mp4
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See Command."""
    parser.description, parser.epilog = _DESCRIPTION, _EPILOG
    parser.add_argument("source", metavar="IN", help="a file, a URL, frames/%%05d.png, or - for standard input")
    parser.add_argument("output", metavar="OUT", type=Path, help="what to write")
    add_picture_options(parser)
    parser.add_argument(
        "--sparsity",
        type=float,
        default=1.0,
        metavar="X",
        help="how much the net may leave out: 0 nothing, 1 what cannot be seen, as where nothing changed or nothing is "
        "to gain; more is faster (default: %(default)g)",
    )
    parser.add_argument(
        "--backend",
        default="auto",
        metavar="NAME",
        help="what computes the net: auto picks the fastest that computes it right; tensorrt, cuda, openvino, cpu, "
        "litert, reference (default: %(default)s)",
    )
    parser.add_argument(
        "--encoder", default="x264", metavar="NAME", help="x264, x265, svtav1, nvenc or ffv1 (default: %(default)s)"
    )
    parser.add_argument(
        "--quality",
        type=int,
        metavar="N",
        help="the encoder's own scale, small is good: 18 for x264, 20 for x265 and nvenc, 28 for svtav1 are the "
        "defaults; for .jpg and .webp 1 to 100, large is good",
    )
    parser.add_argument("--start", type=str, default="0", metavar="TIME", help="begin there: seconds or HH:MM:SS")
    parser.add_argument("--duration", type=str, metavar="TIME", help="only that much: seconds or HH:MM:SS")
    parser.add_argument(
        "--compare", action="store_true", help="split screen: plain resampling on the left, the net's work on the right"
    )
    parser.add_argument(
        "--preview", type=Path, metavar="PNG", help="also write one frame of the middle, before | after"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace OUT, and drop unfinished work on it")
    parser.add_argument("--json", action="store_true", help="progress and report as JSON lines on standard output")
    parser.add_argument("--quiet", action="store_true", help="say nothing unless something goes wrong")


def spec_of(args: argparse.Namespace) -> JobSpec:
    """The job that the options ask for. Raises UsageError."""
    return JobSpec(
        source=args.source,
        output=args.output,
        target=parse_target(args.to),
        fit=Fit(args.fit),
        model=args.model,
        sparsity=args.sparsity,
        backend=args.backend,
        encoder=args.encoder,
        quality=args.quality,
        deinterlace=args.deinterlace,
        start_s=seconds(args.start),
        duration_s=None if args.duration is None else seconds(args.duration),
        compare=args.compare,
        preview=args.preview,
        overwrite=args.overwrite,
    )


def run(args: argparse.Namespace) -> int:
    """See Command."""
    spec = spec_of(args)
    shown = display.choose(as_json=args.json, quiet=args.quiet)
    with closing(shown), Stop() as should_stop:
        report = job.run(spec, shown.progress, should_stop)
    shown.done(report)
    return 0
