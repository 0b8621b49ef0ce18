"""Opening a file or stream with ffmpeg: what is refused, and in which words. No decoding here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import av
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from edge_vsr.capture.images import STILL_SUFFIXES, Sequence, find_sequence, is_sequence
from edge_vsr.errors import SourceError

MIN_SIDE_PX = 8
MAX_SIDE_PX = 8192
OPEN_TIMEOUT_S = 20.0
READ_TIMEOUT_S = 15.0

_LONGEST_SHOWN = 200
_CREDENTIALS = re.compile(r"^([a-z][a-z0-9+.-]*://)[^/@]*@", re.IGNORECASE)
_URL = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)
_PROTOCOLS = frozenset({"http", "https", "rtsp", "rtsps", "rtmp", "rtmps", "srt", "udp", "rtp", "tcp"})
# Demuxers that draw text files as pictures of a terminal.
_TEXT_ART = frozenset({"tty", "bin", "xbin", "adf", "idf", "ansi"})
_ENCRYPTED_TAGS = frozenset({"encv", "drmi"})

# PyAV raises its own tree, which derives from Exception only, and plain ValueError (unknown codec or
# pixel format), OSError and RuntimeError beside it.
FOREIGN_ERRORS = (av.FFmpegError, ValueError, OSError, RuntimeError, LookupError)


@dataclass(frozen=True, slots=True)
class Opened:
    """An open container with the video stream that will be read. path is None for network streams."""

    container: InputContainer
    stream: VideoStream
    location: str
    path: Path | None
    sequence: Sequence | None
    is_still: bool


def open_container(location: str) -> Opened:
    """Open a path, URL or picture pattern and choose its video stream. Raises SourceError."""
    url = _URL.match(location)
    path, sequence = None, None
    if url is None:
        path = Path(location)
        if is_sequence(path):
            sequence = find_sequence(path)
        else:
            _refuse_path(path)
    elif url[1].lower() not in _PROTOCOLS:
        raise SourceError(f"{shown(location)}: {url[1]} addresses are not supported")
    try:
        container = _open(location, path, sequence)
    except FOREIGN_ERRORS as error:
        raise SourceError(f"{shown(location)}: {_why_not_opened(error, path)}") from error
    try:
        stream = _choose_stream(container, location)
        is_still = sequence is None and path is not None and _is_still(container, path)
        return Opened(container, stream, location, path, sequence, is_still)
    except BaseException:
        container.close()
        raise


def check_size(location: str, width_px: int, height_px: int) -> None:
    """Refuse pictures too small to hold anything and larger than the engine is built for."""
    if min(width_px, height_px) < MIN_SIDE_PX:
        raise SourceError(
            f"{shown(location)}: pictures of {width_px}x{height_px} are too small (at least {MIN_SIDE_PX} pixels)"
        )
    if max(width_px, height_px) > MAX_SIDE_PX:
        raise SourceError(
            f"{shown(location)}: pictures of {width_px}x{height_px} are too large (at most {MAX_SIDE_PX} pixels)"
        )


def plain_reason(error: BaseException) -> str:
    """ffmpeg's words for what went wrong, without its error numbers."""
    if isinstance(error, av.error.ExitError):
        return "no answer in time"
    return str(getattr(error, "strerror", None) or error or type(error).__name__)


def shown(location: str) -> str:
    """A location as messages may show it: on one line, not endless, without a password."""
    public = _CREDENTIALS.sub(r"\1", location)
    printable = "".join(c if c.isprintable() else "?" for c in public)
    return printable if len(printable) <= _LONGEST_SHOWN else printable[:_LONGEST_SHOWN] + "..."


def _refuse_path(path: Path) -> None:
    try:
        if path.is_dir():
            raise SourceError(
                f"{shown(str(path))}: is a folder (for a picture sequence give a pattern such as {path}/%05d.png)"
            )
        if path.is_char_device() or path.is_block_device():
            raise SourceError(f"{shown(str(path))}: is a device, not a file")
        if not path.exists():
            raise SourceError(f"{shown(str(path))}: no such file")
        if path.is_fifo():
            return
        if path.stat().st_size == 0:
            raise SourceError(f"{shown(str(path))}: the file is empty")
        with path.open("rb"):
            pass
    except OSError as error:
        raise SourceError(f"{shown(str(path))}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise SourceError(f"{shown(str(path))}: is not a file name") from error


def _open(location: str, path: Path | None, sequence: Sequence | None) -> InputContainer:
    name, form, timeout = location, None, None
    options: dict[str, str] = {}
    if sequence is not None:
        name, form, options = str(sequence.pattern), "image2", sequence.options()
    elif path is not None:
        # An absolute path cannot be mistaken for a protocol; "none": % in a name is just a character.
        name = str(path.absolute())
        options = {"pattern_type": "none"} if path.suffix.lower() in STILL_SUFFIXES else {}
    else:
        timeout = (OPEN_TIMEOUT_S, READ_TIMEOUT_S)
        options = {"rtsp_transport": "tcp"} if location.lower().startswith("rtsp") else {}
    return av.open(name, "r", format=form, options=options, timeout=timeout, metadata_errors="replace")


def _choose_stream(container: InputContainer, location: str) -> VideoStream:
    if container.format.name in _TEXT_ART:
        raise SourceError(f"{shown(location)}: is a text file, not a video")
    videos = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not videos:
        raise SourceError(f"{shown(location)}: {_why_no_video(container)}")
    best = container.streams.best("video")
    stream = best if isinstance(best, VideoStream) and best in videos else max(videos, key=_area)
    context = getattr(stream, "codec_context", None)
    if context is None:
        raise SourceError(f"{shown(location)}: no decoder for this kind of video")
    if context.codec_tag in _ENCRYPTED_TAGS:
        raise SourceError(f"{shown(location)}: the video is encrypted (copy protection), it cannot be read")
    if context.width and context.height:
        check_size(location, context.width, context.height)
    return stream


def _area(stream: VideoStream) -> int:
    return stream.width * stream.height if getattr(stream, "codec_context", None) else -1


def _is_still(container: InputContainer, path: Path) -> bool:
    """APNG and animated pictures under a still's name have demuxers of their own and stay videos."""
    name = container.format.name
    return path.suffix.lower() in STILL_SUFFIXES and (name.endswith("_pipe") or name == "image2")


def _why_no_video(container: InputContainer) -> str:
    if container.streams.video:
        return "holds sound and a cover picture, but no video"
    if container.streams.audio:
        return "holds sound, but no video"
    if container.streams.subtitles:
        return "holds subtitles, but no video"
    return "holds no video"


def _why_not_opened(error: BaseException, path: Path | None) -> str:
    reason = plain_reason(error)
    if path is None:
        return f"cannot be opened ({reason})"
    if not isinstance(error, av.error.InvalidDataError | av.error.EOFError):
        return f"cannot be read ({reason})"
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError:
        head = b""
    if head[4:8] in (b"ftyp", b"mdat", b"wide"):
        return "its index is missing (moov): the recording was cut off before it was finished"
    if head and _is_text(head):
        return "is a text file, not a video"
    return "is not a video that can be read, or its beginning is damaged"


def _is_text(head: bytes) -> bool:
    try:
        text = head.decode("utf-8", errors="strict") if len(head) < 4096 else head[:4000].decode("utf-8", "ignore")
    except UnicodeDecodeError:
        return False
    return all(c.isprintable() or c in "\r\n\t\f\ufeff" for c in text)
