"""What a frame costs: CPU milliseconds by stage, each stage run by itself so that all CPU time is its own.

CPU time (all threads) is what can be compared on a busy machine; wall time is printed for the start-up
only. Memory and start-up are those of a child process that runs the real job. Ours runs where a job would,
peers on ONNX Runtime's CPU provider; ``bench ladder`` compares on one provider.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing
from pathlib import Path

import cv2
import onnxruntime as ort

from edge_vsr.bench import ours
from edge_vsr.bench.cost import cpu_ms, peer_costs
from edge_vsr.capture.media_file import open_source
from edge_vsr.capture.pattern import PatternSource
from edge_vsr.frame import ChromaLayout, Frame, VideoFormat
from edge_vsr.models.ladder import DEFAULT_RUNG
from edge_vsr.present import encoders
from edge_vsr.present.media_file import SegmentedSink
from edge_vsr.present.segments import SegmentStore
from edge_vsr.telemetry import Stages
from edge_vsr.upscale.engine import Engine
from edge_vsr.upscale.geometry import Fit, parse_target

OWN = ("analyse", "gather", "base", "scatter")  # all that is neither net nor codec
_WIDTH, _HEIGHT = 1920, 1080
_CHILD_S = 600
_PEER_FRAMES = 3


def make_clip(path: Path, frames: int) -> None:
    """A 1080p H.264 clip of the test pattern."""
    source = PatternSource(_WIDTH, _HEIGHT, frame_count=frames)
    _encode(list(source.frames()), source.info.video, path, quality=20)


def _encode(frames: list[Frame], video: VideoFormat, path: Path, quality: int | None = None) -> None:
    folder = path.with_suffix(".segments")
    folder.mkdir()
    sink = SegmentedSink(SegmentStore(folder), encoders.settings("x264", quality, path), video, len(frames), 0)
    for frame in frames:
        sink.write(frame)
    sink.close()
    (next(iter(SegmentStore(folder).finished())).video).rename(path)


def decode(clip: Path, limit: int) -> list[Frame]:
    with closing(open_source(str(clip), deinterlace="off")) as source:
        return [frame for frame, _ in zip(source.frames(), range(limit), strict=False)]


def _engine(video: VideoFormat, target: str, stages: Stages | None = None) -> Engine:
    """The engine of a film job with the default rung."""
    box, layout = parse_target(target), ChromaLayout.YUV420
    return ours.build_engine(DEFAULT_RUNG, video, box, layout, fit=Fit.LETTERBOX, stages=stages)


def stage_costs(clip: Path, frames: int, target: str, scratch: Path) -> dict[str, float]:
    """CPU ms per frame of each stage, after one frame to warm up.

    The median frame for the engine's stages, the mean for the codecs, which work on many frames at once.
    """
    with closing(open_source(str(clip), deinterlace="off")) as source:
        video = source.info.video
    pictures: list[Frame] = []
    decode_ms = cpu_ms(lambda: pictures.extend(decode(clip, frames)))
    stages = Stages(time.process_time_ns)
    engine = _engine(video, target, stages)
    engine.process(pictures[0])
    large, rows = [], []
    for frame in pictures:
        stages.total_ns.clear()
        large.append(engine.process(frame))
        rows.append({name: stages.total_ns[name] / 1e6 for name in (*OWN, "infer")})
    costs = {"decode": decode_ms / len(pictures)}
    costs.update({name: statistics.median(row[name] for row in rows) for name in (*OWN[:2], "infer", *OWN[2:])})
    costs["encode"] = cpu_ms(lambda: _encode(large, engine.output, scratch / "out.mkv")) / len(pictures)
    return costs


def child(arguments: list[str]) -> tuple[float, float]:
    """(wall seconds, peak RSS in MB) of a Python child process; it must succeed."""
    begin = time.monotonic()
    process = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.DEVNULL)
    deadline = threading.Timer(_CHILD_S, process.kill)
    deadline.start()
    _, status, usage = os.wait4(process.pid, 0)
    deadline.cancel()
    if status:
        raise RuntimeError(f"child failed: {arguments}")
    return time.monotonic() - begin, usage.ru_maxrss / 1024


_FIRST_FRAME = """
import sys
from pathlib import Path
from edge_vsr.bench.speed import first_frame
first_frame(Path(sys.argv[1]), sys.argv[2])
"""


def first_frame(clip: Path, target: str) -> Frame:
    """From nothing to the first finished frame, as a fresh process does it."""
    with closing(open_source(str(clip), deinterlace="off")) as source:
        engine = _engine(source.info.video, target)
        return engine.process(next(iter(source.frames())))


def machine() -> dict[str, str]:
    names = [line.split(":")[1].strip() for line in _cpuinfo() if line.startswith("model name")]
    return {
        "cpu": names[0] if names else platform.processor(),
        "cores": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()),
        "onnxruntime": ort.__version__,
        "opencv": cv2.__version__,
    }


def _cpuinfo() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--clip", type=Path, help="a clip to use instead of the project's own 1080p pattern")
    parser.add_argument("--frames", type=int, default=12)
    parser.add_argument("--to", default="4k")
    parser.add_argument("--peers", type=Path, help="folder of ONNX peers named NAME_x2.onnx (rgb -> rgb_up)")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Print CPU ms per frame by stage, start-up, memory, and the peers' cost beside ours."""
    cv2.setNumThreads(1)  # as a job does
    with tempfile.TemporaryDirectory(prefix="edge-vsr-bench-") as name:
        scratch = Path(name)
        clip = args.clip or scratch / "source.mkv"
        if args.clip is None:
            make_clip(clip, args.frames)
        costs = stage_costs(clip, args.frames, args.to, scratch)
        start_s, _ = child(["-c", _FIRST_FRAME, str(clip), args.to])
        job = ["-m", "edge_vsr", "upscale", str(clip), str(scratch / "job.mp4"), "--to", args.to, "--quiet"]
        job_s, peak_mb = child(job)
        peers = peer_costs(args.peers, decode(clip, 1)[0], 2, _PEER_FRAMES) if args.peers else {}
    own = sum(costs[stage] for stage in (*OWN, "infer"))
    report = {
        "machine": machine(),
        "cpu_ms_per_frame": costs,
        "own_cpu_ms": sum(costs[stage] for stage in OWN),
        "import_and_first_frame_s": start_s,
        "job_s": job_s,
        "job_peak_rss_mb": peak_mb,
        "peers_cpu_ms": peers,
        "peers_to_ours": {peer: cost / own for peer, cost in peers.items()},
    }
    print(json.dumps(report, indent=1)) if args.json else _print(report, args.frames)
    return 0


def _print(report: dict[str, object], frames: int) -> None:
    print(" · ".join(f"{k} {v}" for k, v in report["machine"].items()))  # type: ignore[attr-defined]
    print(f"\nCPU ms per frame, of {frames}")
    for stage, cost in report["cpu_ms_per_frame"].items():  # type: ignore[attr-defined]
        print(f"  {stage:<10}{cost:9.1f}")
    print(f"  neither net nor codec: {report['own_cpu_ms']:.1f}")
    print(f"import and first frame: {report['import_and_first_frame_s']:.1f} s")
    print(f"peak memory of a job: {report['job_peak_rss_mb']:.0f} MB")
    for peer, cost in report["peers_cpu_ms"].items():  # type: ignore[attr-defined]
        print(f"  {peer:<20}{cost:9.1f} ms = {report['peers_to_ours'][peer]:.1f} x ours")  # type: ignore[index]
