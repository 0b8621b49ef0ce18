"""The demo's clip: a drawn scene as truth, and the poor small film that is made of it.

The small one is what an upscaler gets in life: shrunk, a little noisy, squeezed by x264, with sound.
The same bytes come out on every run.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np

from edge_vsr.capture.pattern import PatternSource
from edge_vsr.color import Plane, Planes
from edge_vsr.durable import writing
from edge_vsr.frame import Frame, VideoFormat
from edge_vsr.present import encoders
from edge_vsr.present.av_frames import to_av
from edge_vsr.upscale.resample import KERNELS, resample_frame

SIZE = (1280, 720)
SCALE = 2
RATE = Fraction(25)
CRF = 30
_NOISE_CODES = 1.5
_SOUND_HZ = 48000
_CHORD_HZ = ((220.0, 330.0), (277.2, 440.0))  # left, right


def make_clip(truth: Path, source: Path, frames: int) -> None:
    """Write the truth, lossless, and the small film beside it. Raises SinkError."""
    pattern = PatternSource(*SIZE, frame_count=frames, rate=RATE)
    with (
        _Film(truth, pattern.info.video, encoders.settings("ffv1", None, truth)) as large,
        _Film(source, pattern.info.video, encoders.settings("x264", CRF, source), sound=True) as small,
    ):
        for frame in pattern.frames():
            large.write(frame)
            small.write(spoil(frame))


def spoil(frame: Frame) -> Frame:
    """The frame at half the size, antialiased, with noise that depends on its number only."""
    width, height = frame.width_px // SCALE, frame.height_px // SCALE
    small = resample_frame(frame, width, height, KERNELS["bicubic"], frame.layout, frame.siting)
    rng = np.random.default_rng([11, frame.pts or 0])
    return small.with_(planes=cast(Planes, tuple(_noisy(plane, rng) for plane in small.planes)))


def _noisy(plane: Plane, rng: np.random.Generator) -> Plane:
    grain = rng.standard_normal(plane.shape, np.float32) * np.float32(_NOISE_CODES)
    noisy: Plane = np.clip(np.rint(plane + grain), 0, 255).astype(np.uint8)
    return noisy


class _Film:
    """One film file being written; its size is that of its first frame. A context: left in order, it is complete."""

    def __init__(self, path: Path, video: VideoFormat, chosen: encoders.Settings, *, sound: bool = False) -> None:
        self._path, self._video, self._chosen, self._sound = path, video, chosen, sound
        self._stream: av.VideoStream | None = None
        self._count = 0

    def __enter__(self) -> _Film:
        with writing(self._path):
            self._out = av.open(str(self._path), "w")
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        with writing(self._path):
            if kind is None and self._stream is not None:
                self._out.mux(self._stream.encode(None))
                if self._sound:
                    self._add_sound(float(self._count / RATE))
            self._out.close()

    def write(self, frame: Frame) -> None:
        """Append one frame. Raises SinkError."""
        with writing(self._path):
            if self._stream is None:
                self._stream = self._open(frame)
            form = encoders.pixel_format(self._chosen, frame.layout, frame.bit_depth)
            self._out.mux(self._stream.encode(to_av(frame, form, self._count, 1 / RATE)))
            self._count += 1

    def _open(self, frame: Frame) -> av.VideoStream:
        options = encoders.options(self._chosen, self._video, gop=50)
        stream = self._out.add_stream(self._chosen.encoder.codec, rate=RATE, options=options)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = frame.width_px, frame.height_px
        stream.pix_fmt = encoders.pixel_format(self._chosen, frame.layout, frame.bit_depth)
        stream.codec_context.thread_count = self._chosen.encoder.threads
        for name, value in encoders.color_tags(self._video).items():
            setattr(stream.codec_context, name, value)
        if self._sound:
            self._voice = self._out.add_stream("aac", rate=_SOUND_HZ)
            self._voice.codec_context.layout = "stereo"
        return stream

    def _add_sound(self, seconds: float) -> None:
        """A quiet chord, one half in each ear, that swells and fades."""
        count = round(seconds * _SOUND_HZ)
        t = np.arange(count) / _SOUND_HZ
        swell = 0.12 * np.sin(np.pi * np.arange(count) / count) ** 2
        ears = [swell * sum(np.sin(2 * np.pi * hz * t) for hz in chord) for chord in _CHORD_HZ]
        samples = np.ascontiguousarray(np.stack(ears).astype(np.float32))
        step = self._voice.codec_context.frame_size or 1024
        for begin in range(0, count, step):
            piece = np.ascontiguousarray(samples[:, begin : begin + step])
            frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout="stereo")
            frame.sample_rate, frame.pts, frame.time_base = _SOUND_HZ, begin, Fraction(1, _SOUND_HZ)
            self._out.mux(self._voice.encode(frame))
        self._out.mux(self._voice.encode(None))
