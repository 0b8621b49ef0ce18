"""Real encoders: what each one does to a shot, at which rates, once or twice.

Rates span visually lossless to plainly bad; the middle of x264's is what streaming services and the benchmarks
use (CRF 23, 28, 33). A simulated DCT would be faster, but leaves out what a net must know of film: damage that
motion compensation carries along, deblocking filters, frames of unequal worth, rate control.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext

from edge_vsr.color import Planes
from edge_vsr.errors import SourceError
from edge_vsr.present.encoders import x264_same_bits

FPS = 25
LEAST_DB = (38.0, 27.0)  # luma PSNR that a held bit rate leaves, severity 0 to 1: what constant quality does
_JITTER = 0.1  # of the range of rates: two shots of one severity are not coded alike


@dataclass(frozen=True)
class Encoder:
    """What is drawn for one encoder; ranges run from severity 0 to severity 1.

    share: part of all shots. quality: constant quality (CRF, or qscale of the MPEG family).
    bits_per_px: bit rate per luma pixel and frame, drawn by ratio, for the ``rated`` part of the shots.
    """

    name: str
    decoder: str
    share: float
    quality: tuple[float, float]
    bits_per_px: tuple[float, float]
    rated: float
    presets: tuple[str, ...] = ()
    most_b_frames: int = 0


_X264, _X265 = ("veryfast", "fast", "medium", "medium", "slow"), ("ultrafast", "veryfast", "fast")
ENCODERS = (  # share, quality, bits per pixel, rated, presets, B-frames
    Encoder("libx264", "h264", 0.50, (16, 37), (0.40, 0.05), 0.10, _X264, 3),
    Encoder("mpeg2video", "mpeg2video", 0.20, (2, 14), (0.80, 0.15), 0.40, (), 2),
    Encoder("libvpx-vp9", "vp9", 0.12, (22, 61), (0.15, 0.02), 0.20),
    Encoder("libx265", "hevc", 0.10, (18, 39), (0.30, 0.03), 0.00, _X265, 3),
    Encoder("mpeg4", "mpeg4", 0.08, (2, 14), (0.60, 0.12), 0.30, (), 2),
)
_DECODERS = {e.name: e.decoder for e in ENCODERS}
GOPS = (2, 4, 12, 25, 50)  # pictures between key frames; the last three are longer than a shot
BUFFERS = (3, 4, 6)  # pictures that a decoder's buffer holds at the mean rate: how uneven they may be


def draw_encoder(rng: np.random.Generator) -> Encoder:
    shares = np.array([e.share for e in ENCODERS])
    return ENCODERS[int(rng.choice(len(ENCODERS), p=shares / shares.sum()))]


@dataclass(frozen=True)
class Codec:
    """One encoder setting; ``options`` go to FFmpeg as they are. With ``bits_per_px`` the rate is held, not quality."""

    name: str
    options: dict[str, str]
    bits_per_px: float | None = None
    buffer: int = 4  # pictures at the mean rate
    least_db: float = 0.0  # a held rate must leave that much

    @classmethod
    def draw(cls, severity: float, rng: np.random.Generator, encoder: Encoder | None = None) -> Codec:
        """A setting of ``encoder`` (or one drawn by share) as bad as ``severity`` (0..1) says."""
        encoder = encoder or draw_encoder(rng)
        at = float(np.clip(severity + rng.uniform(-_JITTER, _JITTER), 0, 1))
        quality = encoder.quality[0] + at * (encoder.quality[1] - encoder.quality[0])
        rate = encoder.bits_per_px[0] * (encoder.bits_per_px[1] / encoder.bits_per_px[0]) ** at
        rated = rng.random() < encoder.rated
        gop = int(rng.choice(GOPS))
        preset = str(rng.choice(encoder.presets)) if encoder.presets else ""
        b_frames = int(rng.integers(0, encoder.most_b_frames + 1)) if encoder.most_b_frames else 0
        options = _options(encoder.name, None if rated else quality, gop, preset, b_frames)
        least = LEAST_DB[0] + at * (LEAST_DB[1] - LEAST_DB[0])
        return cls(encoder.name, options, rate if rated else None, int(rng.choice(BUFFERS)), least)

    def round_trip(self, frames: list[Planes]) -> list[Planes]:
        """Encode and decode 8-bit 4:2:0 frames of one even size, in order. Raises SourceError where some are lost."""
        h, w = frames[0][0].shape
        encoder = av.CodecContext.create(self.name, "w")
        assert isinstance(encoder, VideoCodecContext)
        encoder.width, encoder.height, encoder.pix_fmt = w, h, "yuv420p"
        encoder.time_base, encoder.framerate = Fraction(1, FPS), Fraction(FPS)
        encoder.thread_count = 1  # the same bits on every machine, and processes enough
        encoder.options = {**self.options, **self._rate(w * h)}
        packets = [p for pts, planes in enumerate(frames) for p in encoder.encode(_picture_of(planes, pts))]
        packets += encoder.encode(None)
        decoder = av.CodecContext.create(_DECODERS[self.name], "r")
        assert isinstance(decoder, VideoCodecContext)
        decoder.thread_count = 1
        if encoder.extradata:
            decoder.extradata = encoder.extradata
        decoded = [picture for packet in [*packets, None] for picture in decoder.decode(packet)]
        if len(decoded) != len(frames):
            raise SourceError(f"{self.name}: {len(frames)} frames went in, {len(decoded)} came out")
        return [_planes_of(picture) for picture in sorted(decoded, key=lambda picture: picture.pts or 0)]

    def _rate(self, luma_px: int) -> dict[str, str]:
        """The options that hold a bit rate; the buffer keeps a shot of a few pictures from living on credit."""
        if self.bits_per_px is None:
            return {}
        picture = round(self.bits_per_px * luma_px)
        out = {"b": str(picture * FPS), "maxrate": str(picture * FPS), "bufsize": str(picture * self.buffer)}
        if self.name in {"mpeg2video", "mpeg4"}:
            out |= {"bt": str(2 * picture), "rc_init_occupancy": str(picture * self.buffer * 3 // 4)}
        return out


def _options(name: str, quality: float | None, gop: int, preset: str, b_frames: int) -> dict[str, str]:
    """FFmpeg's options of one encoder; without ``quality`` it is left to the bit rate."""
    out = {"g": str(gop)}
    if name == "libx264":
        out |= {"preset": preset, "bf": str(b_frames)}
        out["x264-params"] = ":".join(x264_same_bits())
        return out if quality is None else {**out, "crf": f"{quality:.1f}"}
    if name == "libx265":
        own = f"keyint={gop}:bframes={b_frames}:pools=none:frame-threads=1:log-level=none"
        return {"preset": preset, "x265-params": own if quality is None else f"crf={quality:.1f}:{own}"}
    if name == "libvpx-vp9":
        out |= {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}
        return out if quality is None else {**out, "crf": str(round(quality)), "b": "0"}
    out["bf"] = str(b_frames)
    if quality is not None:
        out |= {"qmin": str(round(quality)), "qmax": str(round(quality))}
    return out


def draw_generations(severity: float, rng: np.random.Generator, twice: float) -> list[Codec]:
    """One codec, or with the chance ``twice`` a lighter one of another encoder before it, as of an edited master."""
    last = Codec.draw(severity, rng)
    if rng.random() >= twice:
        return [last]
    others = [e for e in ENCODERS if e.name != last.name]
    return [Codec.draw(severity * rng.uniform(0.2, 0.8), rng, others[int(rng.integers(len(others)))]), last]


def coded(frames: list[Planes], generations: list[Codec]) -> list[Planes]:
    """The frames after every codec in turn. A rate that leaves too little of them is doubled, as a sender would."""
    for codec in generations:
        received = codec.round_trip(frames)
        while codec.bits_per_px is not None and codec.bits_per_px < 4 and _luma_db(frames, received) < codec.least_db:
            codec = replace(codec, bits_per_px=2 * codec.bits_per_px)  # noqa: PLW2901
            received = codec.round_trip(frames)
        frames = received
    return frames


def _luma_db(sent: list[Planes], received: list[Planes]) -> float:
    """PSNR of luma over the whole shot."""
    error = np.mean([np.square(a[0].astype(np.float32) - b[0]).mean() for a, b in zip(sent, received, strict=True)])
    return float(10 * np.log10(255**2 / max(float(error), 1e-3)))


def _picture_of(planes: Planes, pts: int) -> av.VideoFrame:
    h, w = planes[0].shape
    picture = av.VideoFrame(w, h, "yuv420p")
    for plane, codes in zip(picture.planes, planes, strict=True):
        rows = np.asarray(memoryview(plane)).reshape(-1, plane.line_size)
        rows[: codes.shape[0], : codes.shape[1]] = codes
    picture.pts = pts
    return picture


def _planes_of(picture: av.VideoFrame) -> Planes:
    sizes = [(picture.height, picture.width)] + [(picture.height // 2, picture.width // 2)] * 2
    y, u, v = (
        np.asarray(memoryview(plane)).reshape(-1, plane.line_size)[:h, :w].copy()
        for plane, (h, w) in zip(picture.planes, sizes, strict=True)
    )
    return y, u, v
