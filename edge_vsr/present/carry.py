"""What travels from the original file into the new one without being touched: sound, subtitles, fonts, titles.

Packets are copied bit by bit. Whether a container takes a stream is not looked up but tried: a header is
written to memory. What cannot travel is named in one sentence, with the container that would take it.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction

import av
from av.container import InputContainer, OutputContainer
from av.stream import AttachmentStream, Disposition, Stream

FOREIGN_ERRORS = (av.FFmpegError, ValueError, OSError, RuntimeError, LookupError)
_CONTAINER_TAGS = {"major_brand", "minor_version", "compatible_brands", "encoder"}
_STREAM_TAGS = {"encoder", "vendor_id"}
# Statistics that mkvmerge and ffmpeg write per stream: they describe the old file.
_STATISTICS = ("BPS", "DURATION", "NUMBER_OF_FRAMES", "NUMBER_OF_BYTES", "_STATISTICS")
_HOMES = {"matroska": ".mkv", "mp4": ".mp4"}
_JUMP_S = 1


@dataclass(frozen=True, slots=True)
class Window:
    """The part of the source that was taken, in seconds of the source's own clock.

    origin: the source time that becomes zero in the output (0: times are kept).
    begin, end: packets outside are left behind; ``None`` keeps everything on that side.
    """

    origin: Fraction = Fraction(0)
    begin: Fraction | None = None
    end: Fraction | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """Which streams of the original travel; ``notes``: one sentence for each that cannot."""

    copied: tuple[Stream, ...]
    attachments: tuple[AttachmentStream, ...]
    notes: tuple[str, ...]


def plan(original: InputContainer, video: Stream, container_format: str) -> Plan:
    """Decide what of ``original`` beside its ``video`` stream goes into a file of ``container_format``."""
    copied: list[Stream] = []
    attachments: list[AttachmentStream] = []
    notes: list[str] = []
    for stream in original.streams:
        if stream.index == video.index:
            continue
        if isinstance(stream, AttachmentStream):
            if container_format == "matroska":
                attachments.append(stream)
            else:
                notes.append(f"Attachment {stream.name or stream.index} is left out: only .mkv holds attachments.")
        elif stream.type in ("audio", "subtitle"):
            if takes(container_format, stream):
                copied.append(stream)
            else:
                notes.append(_refusal(stream, container_format))
        elif stream.type == "video":
            what = (
                "The cover picture" if stream.disposition & Disposition.attached_pic else f"Video stream {stream.index}"
            )
            notes.append(f"{what} is left out: one picture track is upscaled.")
        elif not original.chapters():  # an MP4's chapter titles are a data track too
            notes.append(f"Data stream {stream.index} ({stream.name or 'unknown kind'}) is left out.")
    return Plan(tuple(copied), tuple(attachments), tuple(notes))


def takes(container_format: str, stream: Stream) -> bool:
    """Whether that container holds that stream, found out by writing a header to memory."""
    if getattr(stream, "codec_context", None) is None:
        return False
    trial = av.open(io.BytesIO(), "w", format=container_format)
    try:
        trial.add_stream_from_template(stream)
        trial.start_encoding()
    except FOREIGN_ERRORS:
        return False
    finally:
        # an empty trailer may be refused; nothing depends on it
        with suppress(*FOREIGN_ERRORS):
            trial.close()
    return True


def add_streams(output: OutputContainer, chosen: Plan) -> dict[int, Stream]:
    """Create the copied streams in ``output``: original stream index → new stream."""
    streams: dict[int, Stream] = {}
    for stream in chosen.copied:
        new = output.add_stream_from_template(stream)
        new.metadata.update(stream_tags(stream))
        new.disposition = stream.disposition
        streams[stream.index] = new
    for attachment in chosen.attachments:
        mimetype = attachment.mimetype or "application/octet-stream"
        output.add_attachment(attachment.name or f"attachment-{attachment.index}", mimetype, attachment.data)
    return streams


def stream_tags(stream: Stream) -> dict[str, str]:
    """A stream's title, language and the like, without what only described the old file."""
    return {
        key: value
        for key, value in stream.metadata.items()
        if key.lower() not in _STREAM_TAGS and not key.upper().startswith(_STATISTICS)
    }


def container_tags(original: InputContainer) -> dict[str, str]:
    """The file's title, date and the like."""
    return {key: value for key, value in original.metadata.items() if key.lower() not in _CONTAINER_TAGS}


def copy_chapters(original: InputContainer, output: OutputContainer, window: Window) -> int:
    """Carry the chapters over, shifted and cut to the window; how many there are."""
    kept = []
    for chapter in original.chapters():
        base = chapter["time_base"] or Fraction(1, 1000)
        begin, end = chapter["start"] * base, chapter["end"] * base
        begin = max(begin, window.begin) if window.begin is not None else begin
        end = min(end, window.end) if window.end is not None else end
        if begin < end:
            chapter["start"], chapter["end"] = (
                round((begin - window.origin) / base),
                round((end - window.origin) / base),
            )
            kept.append(chapter)
    output.set_chapters(kept)
    return len(kept)


def packets(
    original: InputContainer, streams: dict[int, Stream], window: Window, notes: list[str]
) -> Iterator[tuple[Fraction, av.Packet]]:  # type: ignore[type-arg]
    """The packets to copy with their decode time in seconds, ready to be muxed, in the order of the file.

    Where the source breaks off, so does the copy; a sentence is added to ``notes``.
    """
    clocks = {index: _Clock() for index in streams}
    open_streams = set(streams)
    demuxed = _until_damage(original.demux([original.streams[index] for index in streams]) if streams else (), notes)
    for packet in demuxed:
        index = packet.stream_index
        if index not in open_streams or (packet.dts is None and packet.pts is None):
            continue  # without any time: the demuxer's end-of-stream mark
        pts, dts = clocks[index].settle(packet)
        begin = pts * packet.time_base
        if window.begin is not None and begin < window.begin:
            continue
        if window.end is not None and begin >= window.end:
            open_streams.discard(index)
            if not open_streams:
                return
            continue
        shift = round(window.origin / packet.time_base)
        packet.pts, packet.dts = pts - shift, dts - shift
        packet.stream = streams[index]
        yield packet.dts * packet.time_base, packet


def _until_damage(demuxed: Iterable[av.Packet], notes: list[str]) -> Iterator[av.Packet]:  # type: ignore[type-arg]
    try:
        yield from demuxed
    except av.FFmpegError as error:
        notes.append(f"The source breaks off ({error.strerror}): sound and subtitles are copied up to there.")


class _Clock:
    """Keeps one stream's decode times increasing, as muxers demand; times that do are never touched."""

    def __init__(self) -> None:
        self._last: int | None = None
        self._end = 0
        self._shift = 0

    def settle(self, packet: av.Packet) -> tuple[int, int]:  # type: ignore[type-arg]
        """The pts and dts of the next packet, in its own time base."""
        pts = packet.pts if packet.pts is not None else packet.dts
        dts = packet.dts if packet.dts is not None else packet.pts
        assert pts is not None
        assert dts is not None
        pts, dts = pts + self._shift, dts + self._shift
        if self._last is not None and dts <= self._last:
            if (self._last - dts) * packet.time_base >= _JUMP_S:
                jump = self._end - dts  # streams joined end to end: go on where it was
                self._shift += jump
                pts, dts = pts + jump, dts + jump
            elif packet.stream.type != "subtitle":  # two subtitles may well begin together
                pts, dts = max(pts, self._last + 1), self._last + 1
        self._last = dts
        self._end = dts + max(1, packet.duration or 0)
        return pts, dts


def _refusal(stream: Stream, container_format: str) -> str:
    codec = getattr(getattr(stream, "codec_context", None), "name", None) or "unknown codec"
    language = stream.language
    what = f"{stream.type.capitalize()} stream {stream.index} ({codec}{f', {language}' if language else ''})"
    home = _first_home(stream, container_format)
    return f"{what} is left out: this container cannot hold it{f'; name the output {home} to keep it' if home else ''}."


def _first_home(stream: Stream, container_format: str) -> str | None:
    others: Iterable[str] = (name for name in _HOMES if name != container_format)
    return next((_HOMES[name] for name in others if takes(name, stream)), None)
