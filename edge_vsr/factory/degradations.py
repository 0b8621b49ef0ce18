"""From a good picture to the one a viewer gets: lens, reduction, sensor, chroma, one or two real codecs.

The chain of a shot is drawn once (``Damage.draw``) and applied to every frame of it. Most shots have none but a
textbook reduction and a codec: that is what films are. The order, and what each stage stands for, follows BSRGAN
(Zhang et al. 2021) and Real-ESRGAN (Wang et al. 2021), with lighter ranges: those aim at photos beyond repair.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from edge_vsr.color import Matrix, Planes, Range, code_affine
from edge_vsr.factory.camera import Lens, Sensor
from edge_vsr.factory.codecs import Codec, coded, draw_generations
from edge_vsr.factory.shots import Shot
from edge_vsr.frame import ChromaLayout, Siting, default_siting
from edge_vsr.upscale.resample import KERNELS, Kernel, axis, resample_float, resample_image

T = TypeVar("T")
LEFT = default_siting(ChromaLayout.YUV420)
CAMERA_SHARE = 0.4  # of shots; the others are reduced and coded, nothing else
TWICE = {True: 0.3, False: 0.05}  # chance of a second generation, with and without a camera
REDUCTIONS = (  # share of camera shots, kernel
    (0.6, KERNELS["bicubic"]),
    (0.15, KERNELS["lanczos3"]),
    (0.15, Kernel("area", 0.5, lambda t: (np.abs(t) < 0.5).astype(np.float64))),
    (0.1, Kernel("bilinear", 1.0, lambda t: np.maximum(1 - np.abs(t), 0.0))),
)
SITINGS = ((0.85, LEFT), (0.1, Siting(0.5, 0.5)), (0.05, Siting(0.0, 0.0)))  # share: as told, MPEG-1's, BT.2020's


def downscale(
    rgb: npt.NDArray[np.float32], factor: int, kernel: Kernel = KERNELS["bicubic"]
) -> npt.NDArray[np.float32]:
    """MATLAB-style antialiased reduction of (H, W, 3) by a whole factor; values unclipped."""
    h, w = (side // factor for side in rgb.shape[:2])
    return resample_image(rgb, w, h, kernel)


def to_yuv420(rgb: npt.NDArray[np.float32], matrix: Matrix, range_: Range, siting: Siting = LEFT) -> Planes:
    """R'G'B' 0..255 (H, W, 3), even sides, to 8-bit 4:2:0 with that chroma siting, rounded once."""
    gain, offset = code_affine(matrix, range_, 8)
    yuv = cv2.transform(rgb, np.hstack([gain / 255.0, offset[:, None]]))
    h, w = rgb.shape[:2]
    ax_x = axis(w, w // 2, w, w, (1, 2), (0.0, siting.x))
    ax_y = axis(h, h // 2, h, h, (1, 2), (0.0, siting.y))
    y = yuv[..., 0]
    u, v = (resample_float(np.ascontiguousarray(yuv[..., i]), ax_x, ax_y, KERNELS["bicubic"]) for i in (1, 2))
    y8, u8, v8 = (np.clip(np.rint(p), 0, 255).astype(np.uint8) for p in (y, u, v))
    return y8, u8, v8


@dataclass(frozen=True)
class Damage:
    """What one shot goes through. ``lens`` and ``sensor`` without strength do nothing."""

    lens: Lens
    kernel: Kernel
    sensor: Sensor
    siting: Siting
    generations: list[Codec]

    @classmethod
    def draw(cls, severity: float, rng: np.random.Generator) -> Damage:
        """``severity`` 0 (as good as none) .. 1 scales the range of every stage."""
        camera = bool(rng.random() < CAMERA_SHARE)
        codecs = draw_generations(severity, rng, TWICE[camera])
        if not camera:
            return cls(Lens(), KERNELS["bicubic"], Sensor(), LEFT, codecs)
        kernel, siting = _pick(REDUCTIONS, rng), _pick(SITINGS, rng)
        return cls(Lens.draw(severity, rng), kernel, Sensor.draw(severity, rng), siting, codecs)

    def received(self, shot: Shot, scale: int, color: tuple[Matrix, Range], rng: np.random.Generator) -> list[Planes]:
        """The shot's frames as they arrive, 8-bit 4:2:0 at 1/scale."""
        h, w = (side // scale for side in shot.frames[0].shape[:2])
        fixed = self.sensor.fixed_pattern(h, w, rng)
        low = []
        for frame in shot.frames:
            small = downscale(self._through_lens(frame, shot, scale), scale, self.kernel)
            seen = self.sensor.seen(small, fixed, rng) if self.sensor != Sensor() else np.clip(small, 0, 255)
            low.append(to_yuv420(np.rint(seen), *color, self.siting))
        return coded(low, self.generations)

    def _through_lens(self, frame: npt.NDArray[np.uint8], shot: Shot, scale: int) -> npt.NDArray[np.float32]:
        out = frame.astype(np.float32)
        if self.lens == Lens():
            return out
        down, across = shot.drift_px.shape[:2]
        rows, columns = frame.shape[0] // down, frame.shape[1] // across
        for j, i in np.ndindex(down, across):
            cell = np.s_[j * rows : (j + 1) * rows, i * columns : (i + 1) * columns]
            dx, dy = shot.drift_px[j, i]
            out[cell] = self.lens.blurred(out[cell], scale, (float(dx), float(dy)))
        return out


def _pick(table: tuple[tuple[float, T], ...], rng: np.random.Generator) -> T:
    shares = np.array([share for share, _ in table])
    return table[int(rng.choice(len(table), p=shares / shares.sum()))][1]
