"""Video files, network streams, stills and picture sequences as a Source, read by ffmpeg through PyAV.

    TimedReader (Decoder, Timeline, window) -> deinterlace -> read_picture -> turn -> Frame

ffmpeg's errors are translated in this room; none leaves it as it came.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import chain, islice

import av

from edge_vsr.capture.deinterlace import Deinterlace, Timed, deinterlace, output_time_base
from edge_vsr.capture.frame_info import siting_of
from edge_vsr.capture.hdr import hdr_of
from edge_vsr.capture.interlace import Verdict, decide, lookahead_frames
from edge_vsr.capture.opening import FOREIGN_ERRORS, Opened, open_container, plain_reason, shown
from edge_vsr.capture.orient import orientation_of, turn
from edge_vsr.capture.pixels import Picture, RgbTarget, read_picture
from edge_vsr.capture.source import DecodeReport, Source, SourceInfo
from edge_vsr.capture.timed_reader import TimedReader, Window, to_seconds
from edge_vsr.color import HdrMetadata
from edge_vsr.errors import SourceError, UsageError
from edge_vsr.frame import Frame, Siting, VideoFormat


def open_source(
    location: str,
    *,
    deinterlace: str = "auto",
    start_s: float = 0.0,
    duration_s: float | None = None,
    rgb_as: RgbTarget | None = None,
) -> Source:
    """Open a path, a URL or a picture pattern such as ``frames/%05d.png`` and decode its first frames.

    deinterlace: auto, off, field, frame or telecine. start_s, duration_s: the window of the stream to
    deliver, counted from its start. rgb_as: what R'G'B' sources become (default: BT.709, limited range,
    depth of the source, 10 bit at most). Raises SourceError if not one frame can be decoded, UsageError
    for parameters that make no sense.
    """
    if deinterlace != "auto" and deinterlace not in {mode.value for mode in Deinterlace}:
        raise UsageError(f"unknown deinterlace mode {deinterlace!r}: use auto, off, field, frame or telecine")
    if start_s < 0 or (duration_s is not None and duration_s <= 0):
        raise UsageError("the start must not be negative and the duration must be positive")
    window = Window(to_seconds(start_s), None if duration_s is None else to_seconds(duration_s))
    opened = open_container(location)
    try:
        return MediaFileSource(opened, deinterlace, window, rgb_as or RgbTarget())
    except FOREIGN_ERRORS as error:
        opened.container.close()
        raise SourceError(f"{shown(location)}: cannot be read ({plain_reason(error)})") from error
    except BaseException:
        opened.container.close()
        raise


class MediaFileSource:
    """A Source over one opened container. Built by ``open_source``; its frames can be read once."""

    def __init__(self, opened: Opened, mode: str, window: Window, rgb: RgbTarget) -> None:
        self.report = DecodeReport()
        self._reader = TimedReader(opened, self.report)
        self._rgb = rgb
        self._siting: tuple[tuple[int, int, str], Siting] | None = None
        self._notes: list[str] = []
        timed = self._reader.frames(window)
        head = list(islice(timed, 1))
        if not head:
            raise SourceError(f"{shown(opened.location)}: {self._reader.why_nothing(window)}")
        hdr = hdr_of(head[0].frame)
        self._orientation = orientation_of(head[0].frame)
        self._note(self._orientation.describe() if self._orientation else None)
        verdict = self._judge(head, timed, mode)
        self._note(verdict.note)
        self._how = verdict.how
        filtered = deinterlace(chain(head, timed), verdict.how, verdict.order, self._reader.nominal_step)
        delivered = self._delivered(filtered)
        first = next(delivered)
        self._frames = chain([first], delivered)
        self.info = self._describe(first, window, hdr)

    def frames(self) -> Iterator[Frame]:
        """Every frame in presentation order. Raises SourceError where the stream leaves what is supported."""
        try:
            for frame in self._frames:
                self.report.frames += 1
                yield frame
        except FOREIGN_ERRORS as error:
            raise SourceError(f"{shown(self._reader.opened.location)}: {plain_reason(error)}") from error

    def close(self) -> None:
        """Release the file or connection; may be called twice."""
        self._reader.opened.container.close()

    def _judge(self, head: list[Timed], rest: Iterator[Timed], mode: str) -> Verdict:
        """Decide what happens to the fields; frames looked at are appended to ``head``."""
        opened = self._reader.opened
        if mode == Deinterlace.OFF.value or opened.is_still or opened.sequence is not None:
            return Verdict(Deinterlace.OFF)
        head += islice(rest, lookahead_frames(head[0].frame) - 1)
        return decide([timed.frame for timed in head], mode, self._reader.frame_rate)

    def _delivered(self, filtered: Iterator[Timed]) -> Iterator[Frame]:
        time_base = output_time_base(self._how, self._reader.time_base)
        for timed in filtered:
            picture = read_picture(timed.frame, self._rgb)
            self._note(picture.note)
            frame = Frame(
                planes=picture.planes,
                bit_depth=picture.bit_depth,
                layout=picture.layout,
                color=picture.color,
                siting=self._siting_of(timed.frame, picture),
                pts=None if self._reader.opened.is_still else timed.pts,
                time_base=time_base,
                sar=timed.sar,
            )
            yield turn(frame, self._orientation)

    def _siting_of(self, frame: av.VideoFrame, picture: Picture) -> Siting:
        """Asked once per size and format: it costs a filter graph."""
        key = (frame.width, frame.height, frame.format.name)
        if self._siting is None or self._siting[0] != key:
            self._siting = (key, siting_of(frame, picture.layout, self._reader.codec))
        return self._siting[1]

    def _note(self, sentence: str | None) -> None:
        if sentence and sentence not in self._notes:
            self._notes.append(sentence)

    def _describe(self, first: Frame, window: Window, hdr: HdrMetadata | None) -> SourceInfo:
        opened = self._reader.opened
        rate = None if opened.is_still else self._reader.frame_rate
        seconds = None if opened.is_still else self._reader.duration_s(window)
        factor = {Deinterlace.FIELD: Fraction(2), Deinterlace.TELECINE: Fraction(4, 5)}.get(self._how, Fraction(1))
        count = 1 if opened.is_still else self._reader.frame_count(window)
        video = VideoFormat(
            width_px=first.width_px,
            height_px=first.height_px,
            bit_depth=first.bit_depth,
            layout=first.layout,
            color=first.color,
            siting=first.siting,
            time_base=first.time_base,
            frame_rate=rate * factor if rate else None,
            sar=first.sar,
            hdr=hdr,
            coded=self._reader.lossy,
        )
        return SourceInfo(
            video=video,
            codec=self._reader.codec,
            container=opened.container.format.name,
            frame_count=round(count * factor) if count is not None else None,
            duration_s=seconds,
            is_still=opened.is_still,
            notes=tuple(self._notes),
        )
