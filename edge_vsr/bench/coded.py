"""What real encoders make of a clip: settings, the way there and back, and how many bits it took.

H.264 is coded at constant quality. MPEG-2 is coded at the rates of a DVD: 4 and 8 Mbit/s at 720x576 and 25 frames
a second are 0.39 and 0.77 bits a pixel. Its rate control needs seconds to settle, a clip has less; so the finest
constant quantiser that keeps the rate is searched. That does not depend on time, and MPEG-2 knows a few frame rates
only: it is always told 25.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any, cast

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext

from edge_vsr.color import Plane, Planes
from edge_vsr.errors import SourceError
from edge_vsr.frame import Frame
from edge_vsr.present.av_frames import to_av
from edge_vsr.present.encoders import x264_same_bits

if TYPE_CHECKING:
    _Packet = av.Packet[Any]

_FINEST, _COARSEST = 2, 31
_MPEG2_RATE = Fraction(25)
_THREADS = 4  # fixed: the number of threads changes what an encoder writes


@dataclass(frozen=True)
class Setting:
    """One encoder setting. bits_per_px: the rate that a constant quantiser is searched for, or None."""

    name: str
    encoder: str
    decoder: str
    options: dict[str, str] = field(default_factory=dict)
    bits_per_px: float | None = None


def _x264(crf: int) -> Setting:
    return Setting(f"x264 crf {crf}", "libx264", "h264", {"preset": "medium", "crf": str(crf)})


def _mpeg2(mbit_s: int) -> Setting:
    rate = mbit_s * 1e6 / (720 * 576 * 25)
    return Setting(f"mpeg2 {rate:.2f} bit/px", "mpeg2video", "mpeg2video", {"g": "12", "bf": "2"}, rate)


SETTINGS = (_x264(23), _x264(28), _x264(33), _mpeg2(8), _mpeg2(4))


@dataclass(frozen=True)
class Coded:
    """A clip after the round trip; ``bits``: of all its packets."""

    frames: list[Frame]
    bits: int


def round_trip(frames: list[Frame], setting: Setting, rate: Fraction) -> Coded:
    """Encode and decode 8-bit 4:2:0 frames of one even size, in order. Raises SourceError."""
    options = setting.options
    if setting.bits_per_px is not None:
        limit = setting.bits_per_px * frames[0].width_px * frames[0].height_px * len(frames)
        options = _finest(frames, setting, rate, limit)
    packets, extradata = _encode(frames, setting, options, rate)
    pictures = list(_decode(packets, extradata, setting))
    if len(pictures) != len(frames):
        raise SourceError(f"{setting.name}: {len(frames)} frames went in, {len(pictures)} came out")
    decoded = [frame.with_(planes=planes) for frame, planes in zip(frames, pictures, strict=True)]
    return Coded(decoded, _bits(packets))


def _finest(frames: list[Frame], setting: Setting, rate: Fraction, limit: float) -> dict[str, str]:
    """The options with the smallest quantiser whose clip takes ``limit`` bits at most, by bisection."""

    def options(quantiser: int) -> dict[str, str]:
        return {**setting.options, "qmin": str(quantiser), "qmax": str(quantiser)}

    low, high = _FINEST, _COARSEST
    while low < high:
        middle = (low + high) // 2
        fits = _bits(_encode(frames, setting, options(middle), rate)[0]) <= limit
        low, high = (low, middle) if fits else (middle + 1, high)
    return options(low)


def _bits(packets: list[_Packet]) -> int:
    return 8 * sum(packet.size for packet in packets)


def _encode(
    frames: list[Frame], setting: Setting, options: dict[str, str], rate: Fraction
) -> tuple[list[_Packet], bytes | None]:
    try:
        encoder = cast(VideoCodecContext, av.CodecContext.create(setting.encoder, "w"))
        encoder.width, encoder.height, encoder.pix_fmt = frames[0].width_px, frames[0].height_px, "yuv420p"
        if setting.encoder == "mpeg2video":
            rate = _MPEG2_RATE
        encoder.time_base, encoder.framerate = 1 / rate, rate
        encoder.thread_count = _THREADS
        if setting.encoder == "libx264":
            options = {**options, "x264-params": ":".join(x264_same_bits())}
        encoder.options = options
        packets: list[_Packet] = []
        for index, frame in enumerate(frames):
            packets += encoder.encode(to_av(frame, "yuv420p", index, 1 / rate))
        packets += encoder.encode(None)
    except (av.FFmpegError, ValueError) as error:
        size = f"{frames[0].width_px}x{frames[0].height_px}"
        raise SourceError(f"{setting.name}: the encoder refused a clip of {size} ({error})") from error
    return packets, encoder.extradata


def _decode(packets: list[_Packet], extradata: bytes | None, setting: Setting) -> Iterator[Planes]:
    decoder = cast(VideoCodecContext, av.CodecContext.create(setting.decoder, "r"))
    if extradata:
        decoder.extradata = extradata
    pictures = [picture for packet in [*packets, None] for picture in decoder.decode(packet)]
    for picture in sorted(pictures, key=lambda picture: picture.pts or 0):
        yield cast(Planes, tuple(_samples(picture, index) for index in range(3)))


def _samples(picture: av.VideoFrame, index: int) -> Plane:
    plane = picture.planes[index]
    rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)  # type: ignore[call-overload]
    samples: Plane = rows[: plane.height, : plane.width].copy()
    return samples
