"""Everyone who enlarges frames in the video bench: kernels, other people's nets, our models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from edge_vsr.bench import ours
from edge_vsr.bench.peers import load_peers
from edge_vsr.bench.rgb import Rgb, to_frame, to_rgb
from edge_vsr.frame import Frame
from edge_vsr.upscale.engine import Engine
from edge_vsr.upscale.resample import KERNELS, resample_frame

# A frame as decoded → that frame enlarged, in the same layout.
FrameMethod = Callable[[Frame], Frame]

BASELINE = "bicubic"


def frame_methods(models: Sequence[str], peers: Path | None, scale: int) -> dict[str, FrameMethod]:
    """Everything that is compared, by its name in the table; the baseline comes first.

    At scale 1 the baseline is the decoded picture as it is. Raises ModelError, BackendError, SourceError.
    """
    table: dict[str, FrameMethod] = {BASELINE: _kernel("bicubic", scale)}
    if scale > 1:
        table["lanczos3"] = _kernel("lanczos3", scale)
        table.update({name: _peer(run) for name, run in (load_peers(peers, scale) if peers else {}).items()})
    table.update({ours.label(model): _own(model, scale) for model in models})
    return table


def baseline_name(scale: int) -> str:
    """What the baseline is, in words for a table."""
    return BASELINE if scale > 1 else "as decoded"


def _kernel(name: str, scale: int) -> FrameMethod:
    def run(frame: Frame) -> Frame:
        size = (frame.width_px * scale, frame.height_px * scale)
        return resample_frame(frame, *size, KERNELS[name], frame.layout, frame.siting)

    return run


def _peer(enlarge: Callable[[Rgb], Rgb]) -> FrameMethod:
    """Nets that know R'G'B' only: chroma is enlarged for them and reduced after them."""
    return lambda frame: to_frame(enlarge(to_rgb(frame)), frame)


def _own(model: str, scale: int) -> FrameMethod:
    engines: dict[tuple[int, int], Engine] = {}  # an engine keeps the canvas of its first frame

    def run(frame: Frame) -> Frame:
        size = (frame.width_px, frame.height_px)
        if size not in engines:
            engines.clear()
            engines[size] = ours.build_engine(model, ours.video_of(frame), scale, frame.layout)
        return engines[size].process(frame)

    return run
