"""What a frame costs: CPU milliseconds by stage, of all tiles and of those that a stream needs.

CPU time (all threads) is what can be compared on a busy machine; wall time is printed for the start-up
only. Memory and start-up are those of a child process that runs the real job. Ours runs where a job would,
peers on ONNX Runtime's CPU provider; ``bench ladder`` compares on one provider, ``bench live`` keeps a clock.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2

from edge_vsr.bench.cost import peer_costs
from edge_vsr.bench.machine import Child, child, machine
from edge_vsr.bench.roofline import Roofline, roofline
from edge_vsr.bench.sizes import SizeCost, measure_sizes, spread
from edge_vsr.bench.stage_costs import OWN, Costs, EngineCost, decode, make_clip, measure_clip
from edge_vsr.errors import UsageError
from edge_vsr.models.ladder import DEFAULT_RUNG

_PEER_FRAMES = 3


@dataclass(frozen=True)
class Report:
    """All that was found of one clip. first, job: a process up to its first frame, and one that runs the whole job."""

    costs: Costs
    roofline: Roofline | None
    first: Child
    job: Child
    peers_ms: dict[str, float]


def measure(clip: Path, frames: int, target: str, peers: Path | None, scratch: Path) -> Report:
    """Raises EdgeVsrError."""
    costs = measure_clip(clip, frames, target, scratch)
    first = child("edge_vsr.bench.stage_costs:first_frame", str(clip), target)
    job = child("edge_vsr.cli:main", "upscale", str(clip), str(scratch / "job.mp4"), "--to", target, "--quiet")
    if job.told:
        raise RuntimeError(f"the job of {clip} ended with code {job.told}")
    video = costs.video
    size, ratio = (video.width_px, video.height_px), costs.output.width_px / video.width_px
    found = roofline(DEFAULT_RUNG, size, ratio, video.coded, costs.every_tile.stages["infer"])
    others = peer_costs(peers, decode(clip, 1)[0], 2, _PEER_FRAMES) if peers else {}
    return Report(costs, found, first, job, others)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = __doc__
    parser.add_argument("--clip", type=Path, help="a clip to use instead of the project's own 1080p pattern")
    parser.add_argument("--frames", type=int, default=12)
    parser.add_argument("--to", default="4k")
    parser.add_argument("--peers", type=Path, help="folder of ONNX peers named NAME_x2.onnx (rgb -> rgb_up)")
    parser.add_argument("--sizes", action="store_true", help="instead: cost for a megapixel and memory, 720p to 8K")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Print CPU ms per frame by stage, start-up, memory, and the peers' cost beside ours; or the cost by size."""
    if args.frames < 1:
        raise UsageError("--frames must be at least 1")
    cv2.setNumThreads(1)  # as a job does
    if args.sizes:
        sizes = measure_sizes()
        content: dict[str, object] = {"machine": machine(), "sizes": [asdict(size) for size in sizes]}
        print(json.dumps(content, indent=1)) if args.json else _print_sizes(sizes)
        return 0
    with tempfile.TemporaryDirectory(prefix="edge-vsr-bench-") as name:
        clip = args.clip or Path(name) / "source.mkv"
        if args.clip is None:
            make_clip(clip, args.frames)
        report = measure(clip, args.frames, args.to, args.peers, Path(name))
    print(json.dumps(_summary(report), indent=1)) if args.json else _print(report)
    return 0


def _summary(report: Report) -> dict[str, object]:
    costs, own = report.costs, report.costs.every_tile.total_ms
    return {
        "machine": machine(),
        "decode_ms": costs.decode_ms,
        "encode_ms": costs.encode_ms,
        "every_tile": asdict(costs.every_tile),
        "sparse": asdict(costs.sparse),
        "roofline": asdict(report.roofline) if report.roofline else None,
        "import_and_first_frame_s": report.first.wall_s,
        "job_s": report.job.wall_s,
        "job_peak_rss_mb": report.job.peak_mb,
        "peers_cpu_ms": report.peers_ms,
        "peers_to_ours": {peer: cost / own for peer, cost in report.peers_ms.items()},
    }


def _print(report: Report) -> None:
    costs = report.costs
    every, sparse = costs.every_tile, costs.sparse
    print(" · ".join(f"{key} {value}" for key, value in machine().items()))
    print(f"\nCPU ms a frame, mean of {every.frames}{'every tile':>16}{'sparse':>10}")
    for stage in every.stages:
        print(f"  {stage:<25}{every.stages[stage]:16.1f}{sparse.stages[stage]:10.1f}")
    own = [sum(one.stages[stage] for stage in OWN) for one in (every, sparse)]
    print(f"  {'all but the net':<25}{own[0]:16.1f}{own[1]:10.1f}")
    print(f"  {'all':<25}{every.total_ms:16.1f}{sparse.total_ms:10.1f}")
    print(f"  {'decode, encode':<25}{costs.decode_ms:16.1f}{costs.encode_ms:10.1f}")
    print(f"tiles, sparse: {_kinds(sparse)}")
    if report.roofline:
        roof = report.roofline
        print(
            f"INT8, every tile: {roof.used_gmac_s:.0f} GMAC/s a core ({roof.with_halo_gmac_s:.0f} with halos), "
            f"{100 * roof.share:.0f} % of {roof.peak_gmac_s:.0f}, a large product's"
        )
    print(f"import and first frame: {report.first.wall_s:.1f} s")
    print(f"peak memory of a job: {report.job.peak_mb:.0f} MB")
    for peer, cost in report.peers_ms.items():
        print(f"  {peer:<20}{cost:9.1f} ms = {cost / every.total_ms:.1f} x ours with every tile")


def _kinds(cost: EngineCost) -> str:
    total = sum(cost.kinds.values())
    return ", ".join(f"{kind} {100 * count / total:.0f} %" for kind, count in sorted(cost.kinds.items()))


def _print_sizes(sizes: list[SizeCost]) -> None:
    print(" · ".join(f"{key} {value}" for key, value in machine().items()))
    print(f"\n{'CPU ms a megapixel of output':<32}{'every tile':>12}{'sparse':>10}{'peak MB':>10}")
    for one in sizes:
        costs = f"{one.every_tile_ms_per_mpx:12.2f}{one.sparse_ms_per_mpx:10.2f}"
        print(f"  {one.name:<30}{costs}{one.peak_mb:10.0f}")
    spreads = [spread([one.every_tile_ms_per_mpx for one in sizes]), spread([one.sparse_ms_per_mpx for one in sizes])]
    print(f"  {'dearest above cheapest':<30}{100 * spreads[0]:10.0f} %{100 * spreads[1]:8.0f} %")
