"""The final file: the segments' pictures and everything carried from the original, in one container.

Pictures are stream copies of the segments; decode times are computed anew over the whole film, since each
segment's encoder began its own. The file is built under a temporary name; the caller puts it in place.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.container import Flags, InputContainer, OutputContainer
from av.stream import Stream

from edge_vsr.durable import writing
from edge_vsr.errors import SinkError
from edge_vsr.frame import VideoFormat
from edge_vsr.present import carry
from edge_vsr.present.encoders import CONTAINERS
from edge_vsr.present.segments import Segment

_MAX_TIMESCALE = 2**31 - 1
Timed = tuple[Fraction, av.Packet]  # type: ignore[type-arg]  # decode time in seconds, packet
_APPLE_HEVC_TAG = "hvc1"  # what QuickTime and iOS insist on; every other player takes it too


@dataclass(frozen=True, slots=True)
class Original:
    """The source, opened a second time for what is copied from it."""

    container: InputContainer
    video: Stream


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything a film is made of. original: ``None`` where nothing is copied beside the pictures."""

    segments: list[Segment]
    video: VideoFormat
    original: Original | None
    window: carry.Window

    @property
    def pts(self) -> list[int]:
        """Of every frame in display order, shifted to where the output begins."""
        offset = round(self.window.origin / self.video.time_base)
        return [value - offset for segment in self.segments for value in segment.times.pts]


def assemble(path: Path, parts: Parts) -> list[str]:
    """Write the whole file to ``path``; what was left out or rounded, one sentence each. Raises SinkError."""
    if not parts.segments:
        raise SinkError(f"{path}: there is not a single frame to write")
    container_format = CONTAINERS[path.suffix.lower()][0]
    original = parts.original
    chosen = carry.plan(original.container, original.video, container_format) if original else carry.Plan((), (), ())
    notes = [*chosen.notes, *_rounding_note(container_format, parts.pts, parts.video.time_base)]
    with writing(path):
        try:
            _write(path, container_format, parts, chosen, notes)
        except av.FFmpegError as error:
            path.unlink(missing_ok=True)
            if isinstance(error, OSError) and error.errno:
                raise
            raise SinkError(f"{path}: the file cannot be put together ({error.strerror})") from error
        except BaseException:
            path.unlink(missing_ok=True)
            raise
    return notes


def _write(path: Path, container_format: str, parts: Parts, chosen: carry.Plan, notes: list[str]) -> None:
    scale, pts = parts.video.time_base.denominator, parts.pts
    options = _options(container_format, scale, _movie_scale(scale, pts, chosen, parts.window))
    with (
        av.open(str(parts.segments[0].video)) as first,
        av.open(str(path), "w", format=container_format, container_options=options) as output,
    ):
        # Without this flag Matroska invents random identities: two equal jobs must give equal files.
        output.flags |= Flags.bitexact.value
        stream = _add_video(output, first, container_format, scale)
        sound: Iterator[Timed] = iter(())
        if parts.original:
            copied = _carry(output, stream, parts.original, chosen, parts.window)
            sound = carry.packets(parts.original.container, copied, parts.window, notes)
        pictures = _pictures(parts, pts, stream)
        for _, packet in heapq.merge(pictures, sound, key=lambda item: item[0]):
            output.mux_one(packet)


def _carry(
    output: OutputContainer, stream: Stream, original: Original, chosen: carry.Plan, window: carry.Window
) -> dict[int, Stream]:
    stream.metadata.update(carry.stream_tags(original.video))
    stream.disposition = original.video.disposition
    output.metadata.update(carry.container_tags(original.container))
    copied = carry.add_streams(output, chosen)
    carry.copy_chapters(original.container, output, window)
    return copied


def _add_video(output: OutputContainer, first: InputContainer, container_format: str, scale: int) -> Stream:
    template = first.streams.video[0]
    stream = output.add_stream_from_template(template, opaque=True)
    if template.codec_context.name == "hevc" and container_format in ("mp4", "mov"):
        stream.codec_context.codec_tag = _APPLE_HEVC_TAG
    stream.time_base = Fraction(1, scale)
    return stream


def _pictures(parts: Parts, pts: list[int], stream: Stream) -> Iterator[Timed]:
    """The coded pictures in decode order, with their decode time in seconds."""
    # A picture decoded d places before it is shown needs a decode time d frames back (H.264 annex C):
    # dts of packet i is the pts of display rank i - d, which is increasing and never after its own pts.
    segments, video = parts.segments, parts.video
    delay = max((i - rank for s in segments for i, rank in enumerate(s.times.order)), default=0)
    unit = Fraction(1, video.time_base.denominator)
    step = video.time_base.numerator
    last = _last_duration(pts, video)
    lead = pts[1] - pts[0] if len(pts) > 1 else last
    done = 0
    for segment in segments:
        for i, packet in enumerate(segment.packets()):
            rank = done + segment.times.order[i]
            early = done + i - delay
            dts = pts[early] if early >= 0 else pts[0] + early * lead
            packet.stream = stream
            packet.time_base = unit
            packet.pts, packet.dts = pts[rank] * step, dts * step
            packet.duration = (pts[rank + 1] - pts[rank] if rank + 1 < len(pts) else last) * step
            yield dts * video.time_base, packet
        done += len(segment.times.pts)


def _last_duration(pts: list[int], video: VideoFormat) -> int:
    """How long the last frame stays: as long as the one before, or one frame of the average rate."""
    if video.frame_rate:
        return max(1, round(1 / (video.frame_rate * video.time_base)))
    return pts[-1] - pts[-2] if len(pts) > 1 else max(1, round(Fraction(1, 25) / video.time_base))


def _options(container_format: str, scale: int, movie_scale: int | None) -> dict[str, str]:
    if container_format not in ("mp4", "mov"):
        # Packets of sound before time zero (encoder delay) must not push the pictures.
        return {"avoid_negative_ts": "disabled"} if container_format == "matroska" else {}
    options = {"movflags": "+faststart", "video_track_timescale": str(scale)}
    if movie_scale:
        options["movie_timescale"] = str(movie_scale)
    return options


def _movie_scale(scale: int, pts: list[int], chosen: carry.Plan, window: carry.Window) -> int | None:
    """Ticks per second for start offsets, which MP4 counts in the film's clock (a millisecond by default)."""
    bases = [Fraction(1, scale)]
    starts = [pts[0]]
    for stream in chosen.copied:
        if stream.time_base and stream.start_time is not None:
            bases.append(stream.time_base)
            starts.append(stream.start_time)
    if not any(starts) and not window.origin:
        return None
    common = math.lcm(*(b.denominator for b in bases))
    return common if common <= _MAX_TIMESCALE else scale


def _rounding_note(container_format: str, pts: list[int], time_base: Fraction) -> list[str]:
    if container_format not in ("matroska", "webm"):
        return []
    if all((value * time_base * 1000).denominator == 1 for value in pts):
        return []
    return ["Frame times are rounded to whole milliseconds: Matroska keeps no finer ones (.mp4 does)."]
