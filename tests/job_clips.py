"""Small generated clips with everything a film can carry, and ways to look into the result."""

from __future__ import annotations

import hashlib
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

SIZE = (64, 48)


def picture(index: int, pixel_format: str = "yuv420p", size: tuple[int, int] = SIZE) -> av.VideoFrame:
    """A moving gradient with a little fixed noise."""
    width, height = size
    y, x = np.mgrid[0:height, 0:width]
    noise = np.random.default_rng(7).integers(0, 20, (height, width))
    rgb = np.stack([(x * 3 + index * 5) % 256, (y * 4 + index * 3) % 256, (x + y + noise) % 256], -1)
    return av.VideoFrame.from_ndarray(rgb.astype(np.uint8), format="rgb24").reformat(format=pixel_format)


def make_clip(
    path: Path,
    *,
    frames: int = 40,
    pts: list[int] | None = None,
    time_base: Fraction = Fraction(1, 24),
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    size: tuple[int, int] = SIZE,
    options: dict[str, str] | None = None,
    tags: dict[str, int] | None = None,
    audio: str | None = None,
    audio_offset_s: Fraction = Fraction(0),
    subtitles: bool = False,
    chapters: bool = False,
    attachment: bool = False,
    b_frames: bool = False,
) -> Path:
    """Write a clip; ``pts`` in ``time_base`` (default: one tick a frame)."""
    pts = pts if pts is not None else list(range(frames))
    with av.open(str(path), "w") as out:
        video = out.add_stream(codec, rate=24, width=size[0], height=size[1], options=options or {})
        video.codec_context.time_base = time_base
        video.time_base = time_base
        video.pix_fmt = pixel_format
        video.codec_context.max_b_frames = 3 if b_frames else 0
        for name, value in (tags or {}).items():
            setattr(video.codec_context, name, value)
        video.metadata["title"] = "the pictures"
        out.metadata["title"] = "A film"
        sound = _add_audio(out, audio) if audio else None
        text = _add_subtitles(out) if subtitles else None
        if chapters:
            base = Fraction(1, 1000)
            out.set_chapters(
                [
                    {"id": 1, "start": 0, "end": 800, "time_base": base, "metadata": {"title": "One"}},
                    {"id": 2, "start": 800, "end": 1600, "time_base": base, "metadata": {"title": "Two"}},
                ]
            )
        if attachment:
            out.add_attachment("font.ttf", "font/ttf", b"not really a font")
        for index, stamp in enumerate(pts):
            frame = picture(index, pixel_format, size)
            frame.pts, frame.time_base = stamp, time_base
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        if sound:
            _write_audio(out, sound, 2, audio_offset_s)
        if text:
            _write_subtitles(out, text)
    return path


def _add_audio(out: av.container.OutputContainer, codec: str) -> av.AudioStream:
    stream = out.add_stream(codec, rate=48000)
    stream.codec_context.layout = "stereo"
    stream.metadata["language"] = "fra"
    stream.metadata["title"] = "commentaire"
    return stream


def _write_audio(out: av.container.OutputContainer, stream: av.AudioStream, seconds: int, offset_s: Fraction) -> None:
    context = stream.codec_context
    context.open(strict=False)
    step = context.frame_size or 1024
    for begin in range(0, 48000 * seconds, step):
        wave = np.sin(np.arange(begin, begin + step) * 0.05) * 8000
        samples = np.repeat(wave.astype(np.int16)[None, :], 2, axis=0)
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(samples.T.reshape(1, -1)), format="s16", layout="stereo"
        )
        frame.sample_rate, frame.pts, frame.time_base = 48000, begin + round(offset_s * 48000), Fraction(1, 48000)
        for converted in av.AudioResampler(context.format, context.layout, 48000).resample(frame):
            converted.pts = frame.pts
            out.mux(stream.encode(converted))
    out.mux(stream.encode(None))


def _add_subtitles(out: av.container.OutputContainer) -> av.stream.Stream:
    stream = out.add_mux_stream("subrip")
    stream.time_base = Fraction(1, 1000)
    stream.metadata["language"] = "deu"
    return stream


def _write_subtitles(out: av.container.OutputContainer, stream: av.stream.Stream) -> None:
    for begin, text in ((100, b"Guten Tag"), (900, b"Auf Wiedersehen")):
        packet = av.Packet(text)
        packet.stream, packet.time_base = stream, Fraction(1, 1000)
        packet.pts = packet.dts = begin
        packet.duration = 500
        out.mux(packet)


def times(path: Path) -> list[Fraction]:
    """Presentation times in seconds of all frames, as decoded."""
    with av.open(str(path)) as film:
        return [frame.pts * frame.time_base for frame in film.decode(video=0)]


def pictures_hash(path: Path) -> str:
    """One hash over every decoded sample and its time."""
    digest = hashlib.sha256()
    with av.open(str(path)) as film:
        for frame in film.decode(video=0):
            digest.update(str(frame.pts * frame.time_base).encode())
            digest.update(frame.to_ndarray().tobytes())
    return digest.hexdigest()


def packets(path: Path, kind: str, index: int = 0) -> list[tuple[float, bytes]]:
    """(time in seconds, bytes) of every packet of the ``index``-th stream of that kind."""
    with av.open(str(path)) as film:
        stream = [s for s in film.streams if s.type == kind][index]
        return [(float(p.pts * p.time_base), bytes(p)) for p in film.demux(stream) if p.size]
