"""A moving picture made of nothing but arithmetic: the demo clip, and truth for measurements.

Deterministic (one seed), free of rights, and hard where upscalers fail: hair, grass, weave, spokes, text
in two sizes, moving diagonals, saturated edges, a slow pan. Everything is drawn at twice the size and
averaged down, so that edges are smooth and the chroma is sited as video expects.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import cv2
import numpy as np
import numpy.typing as npt

from edge_vsr.capture import figures
from edge_vsr.capture.portrait import paint_portrait
from edge_vsr.capture.scenery import Image, Layer, build_layers, compose
from edge_vsr.capture.source import DecodeReport, SourceInfo
from edge_vsr.color import BT709_LIMITED, Plane, rgb_to_yuv444
from edge_vsr.errors import UsageError
from edge_vsr.frame import ChromaLayout, Frame, VideoFormat, default_siting

_SUPERSAMPLING = 2
_LOOP_FRAMES = 250  # the pan and the sway return to where they began
_HEADLINE = "EDGE VSR    clean, upscale, keep the deadline    "
_TICKER = "every frame in order  *  nothing invented that the source does not support  *  0123456789  ,;:!?&%  *  "


@dataclass(frozen=True, slots=True)
class _Stage:
    """What stays the same from frame to frame, drawn once."""

    layers: list[Layer]
    portrait: tuple[Image, Image]
    pan_px: int


class PatternSource:
    """A Source of ``frame_count`` frames of 8-bit 4:2:0 BT.709; each frame depends on its number and the seed only.

    width_px, height_px: even, at least 64. Raises UsageError otherwise.
    """

    def __init__(
        self, width_px: int, height_px: int, frame_count: int = 125, rate: Fraction = Fraction(25), seed: int = 1
    ) -> None:
        if min(width_px, height_px) < 64 or width_px % 2 or height_px % 2:
            raise UsageError(f"a pattern of {width_px}x{height_px}: sides must be even and at least 64 pixels")
        self._size = (width_px * _SUPERSAMPLING, height_px * _SUPERSAMPLING)
        self._unit = self._size[1] / 720
        self._frame_count = frame_count
        self._seed = seed
        self._stage: _Stage | None = None
        self.report = DecodeReport()
        video = VideoFormat(
            width_px=width_px,
            height_px=height_px,
            bit_depth=8,
            layout=ChromaLayout.YUV420,
            color=BT709_LIMITED,
            siting=default_siting(ChromaLayout.YUV420),
            time_base=1 / rate,
            frame_rate=rate,
            coded=False,
        )
        seconds = float(frame_count / rate)
        self.info = SourceInfo(video, "pattern", "pattern", frame_count, seconds, is_still=False)

    def frames(self) -> Iterator[Frame]:
        """All frames; may be called again and yields the same."""
        for number in range(self._frame_count):
            self.report.frames += 1
            yield self.frame(number)

    def close(self) -> None:
        """Forget what was drawn ahead; may be called twice."""
        self._stage = None

    def frame(self, number: int) -> Frame:
        """Frame ``number`` alone."""
        video = self.info.video
        rgb = np.asarray(
            cv2.resize(self._draw(number), (video.width_px, video.height_px), interpolation=cv2.INTER_AREA), np.uint8
        )
        y, _, _ = rgb_to_yuv444(rgb, video.color, 8, 8)
        _, u, v = rgb_to_yuv444(rgb, video.color, 10, 8)
        planes = (y, _halve_chroma(u), _halve_chroma(v))
        return Frame(planes, 8, video.layout, video.color, video.siting, pts=number, time_base=video.time_base)

    def _draw(self, number: int) -> Image:
        """The canvas (H, W, 3) R'G'B' at twice the size."""
        stage = self._stage or self._build()
        self._stage = stage
        width, height = self._size
        u, turn = self._unit, 2 * np.pi * number / _LOOP_FRAMES
        pan = stage.pan_px * (0.5 - 0.5 * np.cos(turn))
        canvas = compose(stage.layers, width, pan)
        figures.draw_windmill(canvas, 0.335 * width - 0.7 * pan, 0.735 * height, u, 0.35 + 0.055 * number)
        lift = 14 * u * np.sin(3 * turn)
        figures.draw_balloon(canvas, 0.155 * width + 0.35 * pan, 0.285 * height + lift, u)
        side = round(112 * u)
        top = round(0.565 * height)
        figures.draw_weave(canvas, round(0.455 * width - 0.9 * pan), top, side, 4.6 * _SUPERSAMPLING)
        figures.draw_line_fan(canvas, round(0.455 * width - 0.9 * pan + 1.12 * side), top, side, 0.012 * number)
        self._place_portrait(canvas, stage.portrait, number)
        figures.draw_grass(canvas, u, 8 * turn, 1.2 * pan, np.random.default_rng(self._seed + 7))
        self._write(canvas, number)
        return canvas

    def _build(self) -> _Stage:
        width, height = self._size
        rng = np.random.default_rng(self._seed)
        pan_px = round(0.22 * width)
        layers = build_layers(width, height, pan_px, rng)
        return _Stage(layers, paint_portrait(round(0.80 * height), rng), pan_px)

    def _place_portrait(self, canvas: Image, portrait: tuple[Image, Image], number: int) -> None:
        """The head nods a little about its neck, by fractions of a pixel from frame to frame."""
        image, opacity = portrait
        side = image.shape[0]
        width, height = self._size
        turn = 2 * np.pi * number / _LOOP_FRAMES
        matrix = cv2.getRotationMatrix2D((side / 2, side * 0.9), 2.2 * np.sin(5 * turn), 1.0)
        matrix[0, 2] += 5 * self._unit * np.sin(4 * turn)
        moved = cv2.warpAffine(image, matrix, (side, side), flags=cv2.INTER_CUBIC)
        mask = cv2.warpAffine(opacity, matrix, (side, side), flags=cv2.INTER_LINEAR).astype(np.float32)[..., None] / 255
        left, top = max(0, round(0.815 * width - side / 2)), height - side
        target = canvas[top : top + side, left : left + side]
        cut = (slice(None), slice(0, target.shape[1]))
        target[:] = (target + (moved[cut].astype(np.float32) - target) * mask[cut]).astype(np.uint8)

    def _write(self, canvas: Image, number: int) -> None:
        """A large line across the sky and a small one on a dark band below, moving at two speeds."""
        height, u = self._size[1], self._unit
        band = canvas[round(height - 34 * u) :]
        band[:] = (band * np.float32(0.30) + np.array((8, 12, 26), np.float32)).astype(np.uint8)
        _scroll(canvas, _HEADLINE, 60 * u, 30 * u, color=(255, 252, 240), moved_px=number * 3.0 * u, shadow=True)
        _scroll(
            canvas, _TICKER, height - 11 * u, 11 * u, color=(236, 240, 246), moved_px=number * 2.2 * u, shadow=False
        )


def _scroll(
    canvas: Image, text: str, baseline: float, height_px: float, *, color: figures.Color, moved_px: float, shadow: bool
) -> None:
    """Repeat a line of text over the whole width, moved to the left."""
    x = 0.04 * canvas.shape[1] - moved_px
    while x < canvas.shape[1]:
        x += figures.draw_text(canvas, text, x, baseline, height_px, color=color, shadow=shadow)


def _halve_chroma(plane: Plane) -> npt.NDArray[np.uint8]:
    """10-bit 4:4:4 chroma to 8-bit 4:2:0, cosited horizontally (1 2 1) and centred vertically (1 1)."""
    wide = cv2.copyMakeBorder(plane.astype(np.float32), 0, 0, 1, 1, cv2.BORDER_REPLICATE)
    level = (wide[:, :-2:2] + 2 * wide[:, 1:-1:2] + wide[:, 2::2]) / 4
    return np.clip(np.rint((level[0::2] + level[1::2]) / 8), 0, 255).astype(np.uint8)
