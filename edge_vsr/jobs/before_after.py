"""A job's comparison options around the engine: split screen in every frame, and one picture before | after."""

from __future__ import annotations

from edge_vsr.durable import write_atomic, writing
from edge_vsr.frame import ChromaLayout, Frame, default_siting
from edge_vsr.jobs.engines import JobEngine
from edge_vsr.jobs.spec import JobSpec
from edge_vsr.present import images, preview
from edge_vsr.upscale.resample import KERNELS, resample_frame


class BeforeAfter:
    """Runs the engine and keeps what the options ask for.

    The preview shows the middle frame; where the count is unknown or was wrong, the first frame made.
    """

    def __init__(self, spec: JobSpec, engine: JobEngine, frame_count: int | None, resumed_at: int) -> None:
        self._spec, self._engine = spec, engine
        self._next = resumed_at
        self._wanted = max(resumed_at, (frame_count or 0) // 2)
        self._pair: tuple[Frame, Frame] | None = None

    def process(self, frame: Frame) -> Frame:
        """The frame that goes into the output. Raises BackendError."""
        result = self._engine.process(frame)
        keep = self._spec.preview is not None and (self._pair is None or self._next == self._wanted)
        self._next += 1
        if not (keep or self._spec.compare):
            return result
        before = self._engine.base_of(frame)
        if keep:
            self._pair = before, result
        return preview.split(before, result) if self._spec.compare else result

    def save(self) -> None:
        """Write the preview, if one is wanted and a frame was made. Raises SinkError."""
        if self._spec.preview is None or self._pair is None:
            return
        left, right = (_full_chroma(frame) for frame in self._pair)
        with writing(self._spec.preview):
            picture = preview.side_by_side(left, right)
            write_atomic(self._spec.preview, images.encode_rgb(picture, ".png", None))


def _full_chroma(frame: Frame) -> Frame:
    layout = ChromaLayout.YUV444
    return resample_frame(frame, frame.width_px, frame.height_px, KERNELS["bicubic"], layout, default_siting(layout))
