"""A short stretch of the clip as everyone makes it: cost, closeness to the truth, calm.

Ours runs as at its pace (that budget for each frame) and with every tile computed; peers are fp32 nets on the whole
R'G'B' frame, and only the net is timed.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from edge_vsr.bench import temporal, vmaf
from edge_vsr.bench.cost import cpu_ms
from edge_vsr.bench.live_content import SCALE, Content, ping_pong
from edge_vsr.bench.live_curve import WARM_FRAMES, Judge, LiveEngine
from edge_vsr.bench.peers import load_peers
from edge_vsr.bench.rgb import to_frame, to_rgb
from edge_vsr.frame import Frame

FRAMES = 6  # peers take seconds for each
BICUBIC, LIVE, FULL = "bicubic", "live", "every tile"
_REACH_PX = 16  # further than any net of ours sees
_LEAST_SHARE = 0.01  # of the picture: a smaller part says nothing
_FLOW_PX = (960, 540)  # of the middle, so that motion does not take longer to measure than all else

# A frame as decoded → (that frame enlarged, CPU ms of it).
Made = tuple[Frame, float]


@dataclass(frozen=True, slots=True)
class Shown:
    """What one method made of the stretch. cpu_ms: of a frame, the median.

    still, identical: mean change from frame to frame, in code values, where the source stands still: within its noise
    (see ``temporal.static_part``), and bit for bit. tof_px: error of motion. None: the stretch does not tell, or there
    is no VMAF here.
    """

    cpu_ms: float
    psnr_y_db: float
    vmaf_neg: float | None
    still: float | None
    identical: float | None
    tof_px: float | None


@dataclass(frozen=True)
class _Told:
    """What is known of the stretch before anyone enlarges it, for each frame but the first where it is of two."""

    indices: list[int]
    still: list[npt.NDArray[np.bool_] | None]
    identical: list[npt.NDArray[np.bool_] | None]
    flows: list[temporal.Flow]
    ffmpeg: Path | None


def measure_stretch(
    content: Content, live: LiveEngine, full: LiveEngine, judge: Judge, budget_ns: int, peers: Path | None
) -> dict[str, Shown]:
    """Everyone by name: the baseline, ours live, ours with every tile, peers. Raises BackendError, SourceError.

    VMAF is measured where there are peers to compare with: at this size it takes longer than all else.
    """
    live.reset()
    for step in range(WARM_FRAMES):
        live.process(content.seen[ping_pong(step, len(content.seen))], budget_ns)
    table: dict[str, Callable[[Frame], Made]] = {
        BICUBIC: _timed(full.base_of),
        LIVE: _timed(lambda frame: live.process(frame, budget_ns)),
        FULL: _timed(full.process),
    }
    table.update({name: _peer(run) for name, run in (load_peers(peers, SCALE) if peers else {}).items()})
    told = _told(content, vmaf.find_ffmpeg() if peers else None)
    found = {}
    for name, method in table.items():
        print(f"{content.name}: {name}", file=sys.stderr)
        found[name] = _measure([method(content.seen[index]) for index in told.indices], content, judge, told)
    return found


def _timed(enlarge: Callable[[Frame], Frame]) -> Callable[[Frame], Made]:
    def run(frame: Frame) -> Made:
        out: list[Frame] = []
        took_ms = cpu_ms(lambda: out.append(enlarge(frame)))
        return out[0], took_ms

    return run


def _peer(enlarge: Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.uint8]]) -> Callable[[Frame], Made]:
    def run(frame: Frame) -> Made:
        rgb, out = to_rgb(frame), list[npt.NDArray[np.uint8]]()
        took_ms = cpu_ms(lambda: out.append(enlarge(rgb)))
        return to_frame(out[0], frame), took_ms

    return run


def _told(content: Content, ffmpeg: Path | None) -> _Told:
    indices = [ping_pong(step, len(content.seen)) for step in range(WARM_FRAMES, WARM_FRAMES + FRAMES)]
    seen = [_luma(content.seen[index]) for index in indices]
    pairs = list(pairwise(seen))
    still = [temporal.static_part(*pair) for pair in pairs]
    alike = [_identical(*pair) for pair in pairs]
    return _Told(
        indices,
        [None if part is None else _enlarged(part) for part in still],
        [None if part is None else _enlarged(part) for part in alike],
        _flows([content.truth[index] for index in indices]),
        ffmpeg,
    )


def _measure(made: list[Made], content: Content, judge: Judge, told: _Told) -> Shown:
    frames = [frame for frame, _ in made]
    lumas = [_luma(frame) for frame in frames]
    pairs = list(pairwise(lumas))
    flows = _flows(frames)
    errors = [temporal.flow_error(ours, truth) for ours, truth in zip(flows, told.flows, strict=True)]
    return Shown(
        statistics.median(took_ms for _, took_ms in made),
        statistics.mean(judge.psnr_y(index, frame) for index, frame in zip(told.indices, frames, strict=True)),
        _vmaf_neg(frames, [content.truth[index] for index in told.indices], told.ffmpeg),
        _restless(pairs, told.still),
        _restless(pairs, told.identical),
        statistics.mean(errors),
    )


def _restless(
    pairs: list[tuple[temporal.Luma, temporal.Luma]], where: list[npt.NDArray[np.bool_] | None]
) -> float | None:
    found = [temporal.restlessness(*pair, part) for pair, part in zip(pairs, where, strict=True) if part is not None]
    return statistics.mean(found) if found else None


def _vmaf_neg(frames: list[Frame], truth: list[Frame], ffmpeg: Path | None) -> float | None:
    size = truth[0].width_px, truth[0].height_px
    if ffmpeg is None or min(size) < vmaf.LEAST_PX:
        return None
    with _raw(frames) as result, _raw(truth) as original:
        return vmaf.measure(ffmpeg, result, original, size, len(frames)).neg


@contextmanager
def _raw(frames: list[Frame]) -> Iterator[Path]:
    """Frames as a file of raw samples."""
    with tempfile.TemporaryDirectory(prefix="edge-vsr-bench-") as folder:
        path = Path(folder) / "frames.yuv"
        with path.open("wb") as file:
            for frame in frames:
                for plane in frame.planes:
                    file.write(np.ascontiguousarray(plane).data)
        yield path


def _identical(before: temporal.Luma, after: temporal.Luma) -> npt.NDArray[np.bool_] | None:
    """Where nothing has changed as far as a net sees; None where that is next to nowhere."""
    side = 2 * _REACH_PX + 1
    change = cv2.dilate(cv2.absdiff(before, after), np.ones((side, side), np.uint8))
    same = np.asarray(change == 0, np.bool_)
    return same if same.mean() >= _LEAST_SHARE else None


def _enlarged(part: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    return part.repeat(SCALE, axis=0).repeat(SCALE, axis=1)


def _flows(frames: list[Frame]) -> list[temporal.Flow]:
    """Motion in the middle of the picture, from frame to frame."""
    middles = []
    for frame in frames:
        wide, tall = min(_FLOW_PX[0], frame.width_px), min(_FLOW_PX[1], frame.height_px)
        left, top = (frame.width_px - wide) // 2, (frame.height_px - tall) // 2
        middles.append(np.ascontiguousarray(_luma(frame)[top : top + tall, left : left + wide]))
    return [temporal.flow(*pair) for pair in pairwise(middles)]


def _luma(frame: Frame) -> temporal.Luma:
    return np.asarray(frame.planes[0], np.uint8)
