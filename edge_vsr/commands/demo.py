"""``edge-vsr demo``: make a clip, upscale it with and without the net, measure both, show the difference."""

from __future__ import annotations

import argparse
import time
from contextlib import closing
from pathlib import Path

from edge_vsr import job
from edge_vsr.bench.rgb import Rgb
from edge_vsr.commands import display
from edge_vsr.commands.stopping import Stop
from edge_vsr.demo import poster
from edge_vsr.demo.clip import CRF, RATE, SCALE, SIZE, make_clip
from edge_vsr.demo.score import Score, frame_at, score
from edge_vsr.durable import write_atomic, writing
from edge_vsr.errors import UsageError
from edge_vsr.jobs.engines import NO_MODEL
from edge_vsr.jobs.spec import JobSpec
from edge_vsr.models.ladder import DEFAULT_RUNG
from edge_vsr.present.images import encode_rgb
from edge_vsr.upscale.geometry import Target

_POSTER_FRAME = 12
_LONGEST_S = 60.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See Command."""
    parser.description = (
        "Draws a short film as the truth, makes a small noisy H.264 film of it, upscales that with the net and by "
        "bicubic resampling alone, measures both against the truth, and paints a before/after picture."
    )
    parser.add_argument(
        "--out", type=Path, default=Path("demo_out"), metavar="DIR", help="where to write (default: %(default)s)"
    )
    parser.add_argument(
        "--seconds", type=float, default=2.0, metavar="N", help="length of the film (default: %(default)s)"
    )
    parser.add_argument(
        "--model", default=DEFAULT_RUNG, metavar="NAME", help="the rung or net to show (default: %(default)s)"
    )


def run(args: argparse.Namespace) -> int:
    """See Command."""
    if not 1 / RATE <= args.seconds <= _LONGEST_S:
        raise UsageError(f"--seconds {args.seconds:g}: the demo lasts up to {_LONGEST_S:g} seconds")
    began = time.monotonic()
    with writing(args.out):
        args.out.mkdir(parents=True, exist_ok=True)
    truth, source, plain, ours = (args.out / n for n in ("truth.mkv", "source.mp4", "bicubic.mp4", "upscaled.mp4"))
    frames = max(1, round(args.seconds * RATE))
    width, height = SIZE
    print(f"drawing {frames} frames of {width}x{height}, and a small film of them ...", flush=True)
    make_clip(truth, source, frames)
    _upscale(source, plain, NO_MODEL)
    _upscale(source, ours, args.model)
    print("measuring ...", flush=True)
    scores = {"bicubic": score(plain, truth), "edge-vsr": score(ours, truth)}
    picture = _paint(truth, plain, ours, min(_POSTER_FRAME, frames - 1), scores)
    path = args.out / "before_after.png"
    with writing(path):
        write_atomic(path, encode_rgb(picture, ".png", None))
    _print_table(scores)
    print(f"\nlook at {path}, play {ours}   ({time.monotonic() - began:.0f} s)")
    return 0


def _upscale(source: Path, output: Path, model: str) -> None:
    spec = JobSpec(str(source), output, Target(factor=SCALE), model=model, overwrite=True)
    shown = display.choose(as_json=False, quiet=False)
    with closing(shown), Stop() as should_stop:
        report = job.run(spec, shown.progress, should_stop)
    shown.done(report)


def _paint(truth: Path, plain: Path, ours: Path, number: int, scores: dict[str, Score]) -> Rgb:
    width, height = SIZE
    small = f"{width // SCALE}x{height // SCALE}"
    return poster.paint(
        f"{small} H.264, crf {CRF}  ->  {width}x{height}",
        poster.Entry("source, bicubic", _says(scores["bicubic"]), frame_at(plain, number)),
        poster.Entry("edge-vsr", _says(scores["edge-vsr"]), frame_at(ours, number)),
        poster.Entry("truth", "", frame_at(truth, number)),
    )


def _says(found: Score) -> str:
    return f"{found.psnr_y_db:.2f} dB, SSIM {found.ssim_y:.4f}"


def _print_table(scores: dict[str, Score]) -> None:
    print(f"\n{'against the truth':<20}{'PSNR-Y':>10}{'SSIM-Y':>10}")
    for name, found in scores.items():
        print(f"{name:<20}{found.psnr_y_db:>7.2f} dB{found.ssim_y:>10.4f}")
    gain = scores["edge-vsr"].psnr_y_db - scores["bicubic"].psnr_y_db
    print(f"{'difference':<20}{gain:>+7.2f} dB{scores['edge-vsr'].ssim_y - scores['bicubic'].ssim_y:>+10.4f}")
