"""From a good picture to the one a viewer gets: scaling, camera noise, real codecs.

Ranges: blur up to sigma 1.2 source pixels and noise up to sigma 12 code values cover consumer video (the
BSRGAN and Real-ESRGAN papers go further, for photos); codec rates span visually lossless to plainly bad.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import av
import cv2
import numpy as np
import numpy.typing as npt
from av.video.codeccontext import VideoCodecContext

from edge_vsr.color import Matrix, Planes, Range, code_affine
from edge_vsr.frame import ChromaLayout, default_siting
from edge_vsr.upscale.resample import KERNELS, axis, resample_float, resample_image

Rgb = npt.NDArray[np.uint8]
_SITING = default_siting(ChromaLayout.YUV420)


def downscale(rgb: npt.NDArray[np.float32], factor: int, kernel: str = "bicubic") -> npt.NDArray[np.float32]:
    """MATLAB-style antialiased reduction of (H, W, 3) by a whole factor; values unclipped."""
    h, w = (side // factor for side in rgb.shape[:2])
    return resample_image(rgb, w, h, KERNELS[kernel])


def to_yuv420(rgb: npt.NDArray[np.float32], matrix: Matrix, range_: Range) -> Planes:
    """R'G'B' 0..255 (H, W, 3), even sides, to 8-bit 4:2:0 with MPEG chroma siting, rounded once."""
    gain, offset = code_affine(matrix, range_, 8)
    yuv = rgb @ (gain.T / 255.0).astype(np.float32) + offset.astype(np.float32)
    h, w = rgb.shape[:2]
    ax_x = axis(w, w // 2, w, w, (1, 2), (0.0, _SITING.x))
    ax_y = axis(h, h // 2, h, h, (1, 2), (0.0, _SITING.y))
    y = yuv[..., 0]
    u, v = (resample_float(np.ascontiguousarray(yuv[..., i]), ax_x, ax_y, KERNELS["bicubic"]) for i in (1, 2))
    y8, u8, v8 = (np.clip(np.rint(p), 0, 255).astype(np.uint8) for p in (y, u, v))
    return y8, u8, v8


@dataclass(frozen=True)
class Camera:
    """What happens before the encoder: optics blur, then shot and read noise."""

    blur_sigma: float
    read_sigma: float  # code values
    shot_gain: float  # variance per code value of signal

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Camera:
        blur = float(rng.uniform(0.2, 1.2)) if rng.random() < 0.4 else 0.0
        noisy = rng.random() < 0.5
        return cls(blur, float(rng.gamma(1.5, 2.0)) * noisy, float(rng.uniform(0, 0.15)) * noisy)

    def apply(self, rgb: npt.NDArray[np.float32], rng: np.random.Generator) -> npt.NDArray[np.float32]:
        """(H, W, 3) 0..255 in, the same out, clipped."""
        if self.blur_sigma:
            rgb = np.asarray(cv2.GaussianBlur(rgb, (0, 0), self.blur_sigma), np.float32)
        if self.read_sigma or self.shot_gain:
            sigma = np.sqrt(min(self.read_sigma, 12.0) ** 2 + self.shot_gain * np.clip(rgb, 0, 255))
            rgb = rgb + sigma * rng.standard_normal(rgb.shape, dtype=np.float32)
        return np.clip(rgb, 0, 255)


@dataclass(frozen=True)
class Codec:
    """One encoder setting; ``options`` go to ffmpeg as they are."""

    name: str
    options: dict[str, str]

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Codec:
        pick = rng.random()
        gop = str(rng.choice([6, 12, 25]))
        if pick < 0.55:
            crf = str(rng.integers(16, 37))
            preset = str(rng.choice(["veryfast", "medium"]))
            return cls("libx264", {"crf": crf, "preset": preset, "g": gop, "bf": str(rng.integers(0, 4))})
        if pick < 0.65:
            crf = str(rng.integers(18, 36))
            return cls("libx265", {"preset": "veryfast", "x265-params": f"crf={crf}:log-level=none:keyint={gop}"})
        if pick < 0.85:
            q = str(rng.integers(2, 14))
            return cls("mpeg2video", {"qmin": q, "qmax": q, "g": gop, "bf": "2"})
        q = str(rng.integers(2, 14))
        return cls("mpeg4", {"qmin": q, "qmax": q, "g": gop})

    def round_trip(self, frames: list[Planes]) -> list[Planes]:
        """Encode and decode 8-bit 4:2:0 frames of one even size, in order."""
        h, w = frames[0][0].shape
        encoder = av.CodecContext.create(self.name, "w")
        assert isinstance(encoder, VideoCodecContext)
        encoder.width, encoder.height, encoder.pix_fmt = w, h, "yuv420p"
        encoder.time_base, encoder.framerate = Fraction(1, 25), Fraction(25)
        encoder.options = self.options
        packets = []
        for pts, planes in enumerate(frames):
            picture = av.VideoFrame(w, h, "yuv420p")
            for plane, codes in zip(picture.planes, planes, strict=True):
                rows = np.asarray(memoryview(plane)).reshape(-1, plane.line_size)
                rows[: codes.shape[0], : codes.shape[1]] = codes
            picture.pts = pts
            packets += encoder.encode(picture)
        packets += encoder.encode(None)
        decoder = av.CodecContext.create({"libx264": "h264", "libx265": "hevc"}.get(self.name, self.name), "r")
        assert isinstance(decoder, VideoCodecContext)
        if encoder.extradata:
            decoder.extradata = encoder.extradata
        decoded = [picture for packet in [*packets, None] for picture in decoder.decode(packet)]
        return [_planes_of(picture) for picture in sorted(decoded, key=lambda picture: picture.pts or 0)]


def _planes_of(picture: av.VideoFrame) -> Planes:
    sizes = [(picture.height, picture.width)] + [(picture.height // 2, picture.width // 2)] * 2
    y, u, v = (
        np.asarray(memoryview(plane)).reshape(-1, plane.line_size)[:h, :w].copy()
        for plane, (h, w) in zip(picture.planes, sizes, strict=True)
    )
    return y, u, v
