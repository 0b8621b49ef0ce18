"""Frames into coded video, segment by segment.

``SegmentedSink`` only makes the pieces; ``mux`` puts them into the file the user asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path

import av
from av.container import OutputContainer
from av.video.stream import VideoStream

from edge_vsr.durable import writing
from edge_vsr.errors import SinkError
from edge_vsr.frame import Frame, VideoFormat
from edge_vsr.present import encoders
from edge_vsr.present.av_frames import to_av
from edge_vsr.present.segments import TICK, Segment, SegmentStore, Times

NOMINAL_RATE = Fraction(25)  # told to encoders where the source does not know its frame rate


class _OpenSegment:
    """One encoder and the temporary file it fills."""

    def __init__(self, path: Path, chosen: encoders.Settings, video: VideoFormat, gop: int) -> None:
        self.path = path
        self._pixel_format = encoders.pixel_format(chosen, video.layout, video.bit_depth)
        self._rate = video.frame_rate or NOMINAL_RATE
        self._order: list[int] = []
        self.pts: list[int] = []
        encoders.quiet_libraries()
        self._container: OutputContainer = av.open(str(path), "w", format="matroska")
        try:
            self._stream = self._add_stream(chosen, video, gop)
            self._start(chosen.encoder.codec, video)
        except BaseException:
            self.discard()
            raise

    def _add_stream(self, chosen: encoders.Settings, video: VideoFormat, gop: int) -> VideoStream:
        stream = self._container.add_stream(
            chosen.encoder.codec,
            rate=self._rate,
            options=encoders.options(chosen, video, gop),
            width=video.width_px,
            height=video.height_px,
            time_base=1 / self._rate,
        )
        assert isinstance(stream, VideoStream)
        context = stream.codec_context
        context.pix_fmt = self._pixel_format
        context.sample_aspect_ratio = Fraction(1)
        context.thread_count = chosen.encoder.threads
        for name, value in encoders.color_tags(video).items():
            setattr(context, name, value)
        return stream

    def _start(self, codec: str, video: VideoFormat) -> None:
        try:
            self._stream.codec_context.open()
        except av.FFmpegError as error:  # a missing GPU looks like a forbidden file here
            size = f"{video.width_px}x{video.height_px}, {video.bit_depth} bit"
            raise SinkError(f"encoder {codec} cannot be started for {size} on this machine; use another one") from error

    def add(self, frame: Frame, pts: int) -> None:
        picture = to_av(frame, self._pixel_format, len(self.pts), 1 / self._rate)
        self.pts.append(pts)
        self._mux(self._stream.encode(picture))

    def finish(self) -> Times:
        """Flush the encoder and close the file."""
        self._mux(self._stream.encode(None))
        self._container.close()
        if sorted(self._order) != list(range(len(self.pts))):
            raise SinkError(f"{self.path}: the encoder returned {len(self._order)} of {len(self.pts)} frames")
        return Times(self.pts, self._order)

    def discard(self) -> None:
        # it is thrown away: what the muxer has to say about it does not matter
        with suppress(av.FFmpegError, ValueError):
            self._container.close()
        self.path.unlink(missing_ok=True)

    def _mux(self, packets: list[av.Packet]) -> None:  # type: ignore[type-arg]
        for packet in packets:
            assert packet.pts is not None
            self._order.append(packet.pts)
            packet.time_base = TICK
            self._container.mux_one(packet)


class SegmentedSink:
    """Writes frames into numbered segments of ``segment_frames`` frames each; the last may be shorter.

    first_segment: how many segments are finished already. Frames carry pts in ``video.time_base``.
    """

    def __init__(
        self,
        store: SegmentStore,
        chosen: encoders.Settings,
        video: VideoFormat,
        segment_frames: int,
        first_segment: int,
    ) -> None:
        self._store, self._chosen, self._video = store, chosen, video
        self._segment_frames = segment_frames
        self._number = first_segment
        self._open: _OpenSegment | None = None

    def write(self, frame: Frame) -> None:
        """Encode one frame; every ``segment_frames`` frames one segment becomes durable. Raises SinkError."""
        assert frame.pts is not None
        with self._translated():
            if self._open is None:
                path = self._store.temporary(self._number)
                self._open = _OpenSegment(path, self._chosen, self._video, self._segment_frames)
            self._open.add(frame, frame.pts)
            if len(self._open.pts) == self._segment_frames:
                self._finish_open()

    def close(self) -> None:
        """The last frame has been written: finish the open segment, however short."""
        with self._translated():
            if self._open is not None:
                self._finish_open()

    def close_early(self) -> Segment | None:
        """Stop before the end: finish the open segment for a preview of the file, but do not count it."""
        with self._translated():
            if self._open is None:
                return None
            opened, self._open = self._open, None
            try:
                return Segment(opened.path, opened.finish())
            except BaseException:
                opened.discard()
                raise

    def abort(self) -> None:
        """Throw the open segment away; finished ones stay."""
        if self._open is not None:
            self._open.discard()
            self._open = None

    def _finish_open(self) -> None:
        assert self._open is not None
        opened, self._open = self._open, None
        try:
            times = opened.finish()
            self._store.add(self._number, opened.path, times)
        except BaseException:
            opened.discard()
            raise
        self._number += 1

    @contextmanager
    def _translated(self) -> Iterator[None]:
        with writing(self._store.directory):
            try:
                yield
            except av.FFmpegError as error:
                if isinstance(error, OSError) and error.errno:
                    raise  # the disk's trouble: ``writing`` words it
                raise SinkError(f"{self._chosen.encoder.codec} cannot encode this video: {error.strerror}") from error
