"""CPU milliseconds of a frame by stage, as a job has them; of all tiles, and of those that are computed.

Each thread's own CPU time is summed by stage, so that no thread is charged for another.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from edge_vsr.bench import ours
from edge_vsr.bench.cost import cpu_ms
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

ENGINE = ("analyse", "gather", "base", "reuse", "infer", "guard", "scatter")
OWN = tuple(stage for stage in ENGINE if stage != "infer")  # all that is neither net nor codec
_WIDTH, _HEIGHT = 1920, 1080


@dataclass(frozen=True)
class EngineCost:
    """What an engine took for frames of one stream. stages: mean CPU ms a frame; kinds: tiles by what became of them.

    frames: that were counted. The first one, of which nothing can be reused, is not, unless it is the only one.
    """

    stages: dict[str, float]
    kinds: dict[str, int]
    frames: int

    @property
    def total_ms(self) -> float:
        return sum(self.stages.values())


@dataclass(frozen=True)
class Costs:
    """Of a clip. decode_ms, encode_ms: means a frame; codecs work on many at once."""

    video: VideoFormat
    output: VideoFormat
    decode_ms: float
    encode_ms: float
    every_tile: EngineCost
    sparse: EngineCost


def make_clip(path: Path, frames: int) -> None:
    """A 1080p H.264 clip of the test pattern."""
    source = PatternSource(_WIDTH, _HEIGHT, frame_count=frames)
    _encode(list(source.frames()), source.info.video, path, quality=20)


def decode(clip: Path, limit: int) -> list[Frame]:
    """The first frames. Raises SourceError."""
    with closing(open_source(str(clip), deinterlace="off")) as source:
        return [frame for frame, _ in zip(source.frames(), range(limit), strict=False)]


def measure_clip(clip: Path, frames: int, target: str, scratch: Path) -> Costs:
    """A clip through decoder, engine and encoder, one after the other. Raises EdgeVsrError."""
    with closing(open_source(str(clip), deinterlace="off")) as source:
        video = source.info.video
    pictures: list[Frame] = []
    decode_ms = cpu_ms(lambda: pictures.extend(decode(clip, frames))) / len(pictures)
    large: list[Frame] = []
    every_tile = measure_engine(video, target, pictures, 0.0, large)
    sparse = measure_engine(video, target, pictures, ours.SPARSE)
    output = _engine(video, target, 0.0).output
    encode_ms = cpu_ms(lambda: _encode(large, output, scratch / "out.mkv")) / len(large)
    return Costs(video, output, decode_ms, encode_ms, every_tile, sparse)


def measure_engine(
    video: VideoFormat, target: str, pictures: Sequence[Frame], sparsity: float, out: list[Frame] | None = None
) -> EngineCost:
    """The engine of a film job over frames in order; ``out`` collects what it makes. Raises EdgeVsrError."""
    stages = Stages(time.thread_time_ns)
    engine = _engine(video, target, sparsity, stages)
    engine.process(pictures[0])  # providers prepare for shapes they have not met
    engine.reset()
    for index, frame in enumerate(pictures):
        if index <= 1:  # the first frame counts only until there is a second
            stages.total_ns.clear()
            before = engine.tally
        large = engine.process(frame)
        if out is not None:
            out.append(large)
    counted = max(1, len(pictures) - 1)
    spent = {name: stages.total_ns[name] / 1e6 / counted for name in ENGINE}
    return EngineCost(spent, dict(engine.tally.kinds - before.kinds), counted)


def first_frame(arguments: list[str]) -> None:
    """From nothing to the first finished frame of a clip, as a process of its own does it; arguments: clip, target.

    Raises EdgeVsrError.
    """
    clip, target = arguments
    with closing(open_source(clip, deinterlace="off")) as source:
        engine = _engine(source.info.video, target, ours.SPARSE)
        engine.process(next(iter(source.frames())))


def _engine(video: VideoFormat, target: str, sparsity: float, stages: Stages | None = None) -> Engine:
    """The engine of a film job with the default rung."""
    box, layout = parse_target(target), ChromaLayout.YUV420
    return ours.build_engine(DEFAULT_RUNG, video, box, layout, fit=Fit.LETTERBOX, stages=stages, sparsity=sparsity)


def _encode(frames: list[Frame], video: VideoFormat, path: Path, quality: int | None = None) -> None:
    folder = path.with_suffix(".segments")
    folder.mkdir()
    sink = SegmentedSink(SegmentStore(folder), encoders.settings("x264", quality, path), video, len(frames), 0)
    for frame in frames:
        sink.write(frame)
    sink.close()
    (next(iter(SegmentStore(folder).finished())).video).rename(path)
