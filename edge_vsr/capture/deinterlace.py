"""From fields to whole frames with ffmpeg's bwdif and fieldmatch. What is interlaced is decided elsewhere.

Times are not left to the filters: which input frames an output frame stands for is known, so its pts is
computed here, exactly.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

import av
import av.filter

from edge_vsr.frame import FieldOrder


class Deinterlace(Enum):
    """What is done to the fields of a stream."""

    OFF = "off"
    FIELD = "field"
    FRAME = "frame"
    TELECINE = "telecine"


@dataclass(frozen=True, slots=True)
class Timed:
    """A decoded or filtered frame, its pts in the time base that ``output_time_base`` names, its pixels' shape."""

    frame: av.VideoFrame
    pts: int
    sar: Fraction = Fraction(1)


def output_time_base(how: Deinterlace, time_base: Fraction) -> Fraction:
    """Field rate needs half ticks, film out of telecine quarter ticks (four frames in five frame times)."""
    return time_base / {Deinterlace.FIELD: 2, Deinterlace.TELECINE: 4}.get(how, 1)


def deinterlace(frames: Iterable[Timed], how: Deinterlace, order: FieldOrder, step: int) -> Iterator[Timed]:
    """Filter a stream. order: PROGRESSIVE leaves the field order to the flags of each frame.

    step: nominal duration of a frame in ticks, for a stream of a single frame. A change of size or pixel
    format drains the filter and starts a new one; no frame is lost.
    """
    if how is Deinterlace.OFF:
        yield from frames
        return
    stage: _Stage | None = None
    key: tuple[int, int, str] | None = None
    for timed in frames:
        frame = timed.frame
        if (frame.width, frame.height, frame.format.name) != key:
            if stage is not None:
                yield from stage.drain(following=timed.pts)
            key = (frame.width, frame.height, frame.format.name)
            stage = _Film(frame, order, step) if how is Deinterlace.TELECINE else _Bwdif(frame, how, order, step)
        assert stage is not None
        yield from stage.push(timed)
    if stage is not None:
        yield from stage.drain()


class _Stage(ABC):
    """One configured filter graph for one size and pixel format."""

    def __init__(self, first: av.VideoFrame, step: int, *filters: tuple[str, str]) -> None:
        self._graph = av.filter.Graph()
        nodes = [self._graph.add("buffer", _buffer_arguments(first))]
        nodes += [self._graph.add(name, arguments) for name, arguments in filters]
        nodes += [self._graph.add("format", first.format.name), self._graph.add("buffersink")]
        self._graph.link_nodes(*nodes).configure()
        self._step = step
        self._sources: list[tuple[int, Fraction]] = []
        self._count = 0
        self._following: int | None = None

    def push(self, timed: Timed) -> Iterator[Timed]:
        """Feed one frame; yields what has become ready."""
        # Even steps whatever the true times: decimate must not take a pause for a scene of its own.
        timed.frame.pts = len(self._sources)
        timed.frame.time_base = Fraction(1)
        self._sources.append((timed.pts, timed.sar))
        self._graph.vpush(timed.frame)
        yield from self._ready()

    def drain(self, following: int | None = None) -> Iterator[Timed]:
        """Everything that is left; the stage is finished afterwards. following: pts of the frame after, if any."""
        self._following = following
        self._graph.vpush(None)
        yield from self._ready()

    def _ready(self) -> Iterator[Timed]:
        while True:
            try:
                frame = self._graph.vpull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return
            yield self._stamp(frame)

    @abstractmethod
    def _stamp(self, frame: av.VideoFrame) -> Timed:
        """The output frame with the time and shape of the input it stands for."""

    def _pts_at(self, index: int) -> int:
        """The pts of input frame ``index``, extrapolated beyond the last one."""
        last = len(self._sources) - 1
        if index <= last:
            return self._sources[index][0]
        if index == last + 1 and self._following is not None:
            return self._following
        step = self._sources[last][0] - self._sources[last - 1][0] if last > 0 else self._step
        return self._sources[last][0] + (index - last) * step


class _Bwdif(_Stage):
    """Motion-adaptive deinterlacing of every frame, to one or two frames each."""

    def __init__(self, first: av.VideoFrame, how: Deinterlace, order: FieldOrder, step: int) -> None:
        parity = {FieldOrder.TOP_FIRST: "tff", FieldOrder.BOTTOM_FIRST: "bff"}.get(order, "auto")
        self._field_rate = how is Deinterlace.FIELD
        mode = "send_field" if self._field_rate else "send_frame"
        super().__init__(first, step, ("bwdif", f"mode={mode}:parity={parity}:deint=all"))

    def _stamp(self, frame: av.VideoFrame) -> Timed:
        index, second = divmod(self._count, 2) if self._field_rate else (self._count, 0)
        self._count += 1
        pts = self._pts_at(index)
        if self._field_rate:
            pts += self._pts_at(index + second)
        return Timed(frame, pts, self._sources[index][1])


class _Film(_Stage):
    """Inverse telecine: re-weave the fields that belong together, drop one frame in five."""

    def __init__(self, first: av.VideoFrame, order: FieldOrder, step: int) -> None:
        parity = {FieldOrder.TOP_FIRST: "tff", FieldOrder.BOTTOM_FIRST: "bff"}.get(order, "auto")
        super().__init__(
            first,
            step,
            ("fieldmatch", f"order={parity}:combmatch=full"),
            ("bwdif", "mode=send_frame:deint=interlaced"),  # only what fieldmatch found no partner for
            ("decimate", "cycle=5"),
        )

    def _stamp(self, frame: av.VideoFrame) -> Timed:
        cycle, position = divmod(self._count, 4)
        self._count += 1
        start = self._pts_at(5 * cycle)
        pts = 4 * start + position * (self._pts_at(5 * cycle + 5) - start)
        return Timed(frame, pts, self._sources[min(5 * cycle + position, len(self._sources) - 1)][1])


def _buffer_arguments(first: av.VideoFrame) -> str:
    return (
        f"video_size={first.width}x{first.height}:pix_fmt={first.format.name}:time_base=1/1:frame_rate=1/1"
        f":pixel_aspect=1/1:colorspace={int(first.colorspace)}:range={int(first.color_range)}"
    )
