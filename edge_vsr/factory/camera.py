"""What happens to light before there is a video: lens, shutter, sensor, and the camera's own sharpening.

Every stage is drawn by severity: its strength is ``most * severity * uniform(0.3, 1)`` for the ``share`` of shots
that have it. All are kept light: a net that learns to undo strong blur invents. The scene's geometry (rolling
shutter) is no damage, the truth has it too; see ``shots``.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.float32]  # (H, W, 3) R'G'B' 0..255
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_NOISE_CEILING = 12.0  # standard deviation in code values, after sharpening too


@dataclass(frozen=True)
class Stage:
    """share: part of camera shots that have it. most: strength at severity 1."""

    share: float
    most: float

    def draw(self, severity: float, rng: np.random.Generator) -> float:
        """Its strength in one shot; 0 where the shot goes without."""
        strength = self.most * severity * float(rng.uniform(0.3, 1.0))
        return strength if rng.random() < self.share else 0.0


STAGES = {  # unit of ``most``; source
    "optics": Stage(
        0.5, 1.2
    ),  # sigma in received pixels; shapes of BSRGAN (Zhang 2021) and of Goodman's Fourier optics
    "shutter": Stage(0.3, 0.5),  # open part of the frame time: film's 180 degrees
    "read": Stage(0.6, 6.0),  # sigma in code values; Poissonian-Gaussian noise (Foi 2008)
    "shot": Stage(0.6, 0.25),  # variance per code value of luma (Foi 2008)
    "offset": Stage(0.2, 1.5),  # fixed pattern, sigma in code values: EMVA 1288's DSNU
    "gain": Stage(0.2, 0.015),  # fixed pattern, relative sigma: EMVA 1288's PRNU
    "row": Stage(0.2, 1.5),  # sigma of a row's offset in code values, fresh per frame (Wei 2020, ELD)
    "sharpen": Stage(0.3, 0.8),  # amount of the unsharp mask: what cameras call detail
}
SHAPES = ("round", "round", "oval", "disc", "airy")
LONGEST_BLUR = 1.5  # motion blur in received pixels


def _grid(radius: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1].astype(np.float64)
    return x, y


def _airy(radius_px: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(2 J1(z) / z)^2, J1 by Bessel's integral; ``radius_px`` is scaled so that the core has sigma 1."""
    z = np.maximum(radius_px * 1.32, 1e-6)  # 0.42 wavelengths per aperture: the Gaussian nearest to the core
    angle = (np.arange(64) + 0.5) * np.pi / 64
    j1 = np.cos(angle - z[..., None] * np.sin(angle)).mean(axis=-1)
    return np.asarray(np.square(2 * j1 / z))


def optics_kernel(shape: str, sigma_px: float, ratio: float = 1.0, angle: float = 0.0) -> npt.NDArray[np.float32]:
    """The point spread of a lens: (k, k) float32, k odd, sums to 1, its centroid in the middle.

    round, oval: Gaussian, the oval's second axis ``ratio`` times the first, turned by ``angle`` (radians).
    disc: defocus, a circle of radius 2 sigma, which has the Gaussian's spread. airy: diffraction, core of sigma.
    """
    radius = int(np.ceil(3 * sigma_px)) + 1
    if shape == "disc":
        fine = 8  # rays per pixel and axis
        side = 2 * radius + 1
        steps = (np.arange(side * fine) + 0.5) / fine - side / 2
        inside = (np.hypot(*np.meshgrid(steps, steps)) <= max(2 * sigma_px, 0.5)).astype(np.float64)
        kernel = inside.reshape(side, fine, side, fine).mean(axis=(1, 3))
    else:
        x, y = _grid(radius)
        along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
        if shape == "airy":
            kernel = _airy(np.hypot(x, y) / sigma_px)
        else:
            second = sigma_px * (ratio if shape == "oval" else 1.0)
            kernel = np.exp(-0.5 * (np.square(along / sigma_px) + np.square(across / second)))
    return np.asarray(kernel / kernel.sum(), np.float32)


def motion_kernel(dx_px: float, dy_px: float) -> npt.NDArray[np.float32]:
    """An even smear along (dx, dy), centred on the frame's own time: (k, k) float32, k odd, sums to 1."""
    radius = int(np.ceil(max(abs(dx_px), abs(dy_px)) / 2)) + 1
    kernel = np.zeros((2 * radius + 1, 2 * radius + 1))
    for at in (np.arange(33) - 16) / 32:
        x, y = radius + dx_px * at, radius + dy_px * at
        col, row = int(np.floor(x)), int(np.floor(y))
        fx, fy = x - col, y - row
        kernel[row : row + 2, col : col + 2] += np.outer([1 - fy, fy], [1 - fx, fx])
    return np.asarray(kernel / kernel.sum(), np.float32)


def sharpened(rgb: Picture, amount: float, radius_px: float) -> Picture:
    """An unsharp mask: edges overshoot by ``amount`` of what a blur of ``radius_px`` takes; flat areas stay."""
    if not amount:
        return rgb
    soft = cv2.GaussianBlur(rgb, (0, 0), radius_px)
    return np.asarray(rgb + np.float32(amount) * (rgb - soft), np.float32)


@dataclass(frozen=True)
class Lens:
    """Blur before the picture is sampled. sigma_px: received pixels; shutter: open part of the frame time."""

    sigma_px: float = 0.0
    shape: str = "round"
    ratio: float = 1.0
    angle: float = 0.0
    shutter: float = 0.0

    @classmethod
    def draw(cls, severity: float, rng: np.random.Generator) -> Lens:
        sigma, shutter = STAGES["optics"].draw(severity, rng), STAGES["shutter"].draw(severity, rng)
        shape = SHAPES[int(rng.integers(len(SHAPES)))]
        return cls(sigma, shape, float(rng.uniform(0.4, 1.0)), float(rng.uniform(0, np.pi)), shutter)

    def blurred(self, rgb: Picture, scale: int, drift_px: tuple[float, float] = (0.0, 0.0)) -> Picture:
        """A true picture that moves by ``drift_px`` (of its own pixels) per frame, as the lens shows it."""
        if self.sigma_px * scale > 0.2:
            kernel = optics_kernel(self.shape, self.sigma_px * scale, self.ratio, self.angle)
            rgb = np.asarray(cv2.filter2D(rgb, -1, kernel, borderType=cv2.BORDER_REPLICATE), np.float32)
        path = np.hypot(*drift_px) * self.shutter
        if path > 0.2:
            shorter = self.shutter * min(1.0, LONGEST_BLUR * scale / path)
            kernel = motion_kernel(drift_px[0] * shorter, drift_px[1] * shorter)
            rgb = np.asarray(cv2.filter2D(rgb, -1, kernel, borderType=cv2.BORDER_REPLICATE), np.float32)
        return rgb


@dataclass(frozen=True)
class Sensor:
    """Noise of the sampled picture, in code values, and the sharpening that comes after it.

    read_sigma, shot_gain: temporal noise of variance ``read^2 + gain * luma``. grain_px: how far neighbours share
    it (demosaicing, film). shared: part of its variance that R', G' and B' have in common. offset_sigma,
    gain_sigma: fixed pattern. row_sigma: offsets of rows. amount, radius_px: unsharp mask.
    """

    read_sigma: float = 0.0
    shot_gain: float = 0.0
    grain_px: float = 0.0
    shared: float = 0.0
    offset_sigma: float = 0.0
    gain_sigma: float = 0.0
    row_sigma: float = 0.0
    amount: float = 0.0
    radius_px: float = 1.0

    @classmethod
    def draw(cls, severity: float, rng: np.random.Generator) -> Sensor:
        read, shot, offset, gain, row, amount = (
            STAGES[name].draw(severity, rng) for name in ("read", "shot", "offset", "gain", "row", "sharpen")
        )
        grain = float(rng.uniform(0.3, 0.7)) if rng.random() < 0.4 else 0.0
        shared, radius = float(rng.uniform(0, 1)), float(rng.uniform(0.6, 2.0))
        return cls(read, shot, grain, shared, offset, gain, row, amount, radius)

    def fixed_pattern(self, h: int, w: int, rng: np.random.Generator) -> tuple[Picture, Picture]:
        """Offset (code values) and relative gain of every pixel, (H, W, 1): drawn once for a shot."""
        offset = self.offset_sigma * rng.standard_normal((h, w, 1), dtype=np.float32)
        return offset, 1 + self.gain_sigma * rng.standard_normal((h, w, 1), dtype=np.float32)

    def noise(self, rgb: Picture, rng: np.random.Generator) -> Picture:
        """Temporal noise for one frame of that content, (H, W, 3); its sigma stays below 12 once sharpened."""
        luma = np.clip(rgb @ _LUMA, 0, 255)[..., None]
        ceiling = _NOISE_CEILING / (1 + self.amount)
        sigma = np.minimum(np.sqrt(self.read_sigma**2 + self.shot_gain * luma), ceiling)
        own, common = (rng.standard_normal((*rgb.shape[:2], n), dtype=np.float32) for n in (3, 1))
        unit = np.sqrt(1 - self.shared) * own + np.sqrt(self.shared) * common
        if self.grain_px:
            spread = cv2.getGaussianKernel(7, self.grain_px)
            unit = cv2.sepFilter2D(unit, -1, spread, spread) / np.square(spread).sum()
        rows = self.row_sigma * rng.standard_normal((rgb.shape[0], 1, 1), dtype=np.float32)
        return np.asarray(sigma * unit + rows, np.float32)

    def seen(self, rgb: Picture, fixed: tuple[Picture, Picture], rng: np.random.Generator) -> Picture:
        """One sampled frame with everything on it, clipped to 0..255."""
        offset, gain = fixed
        noisy = rgb * gain + offset + self.noise(rgb, rng)
        return np.clip(sharpened(noisy, self.amount, self.radius_px), 0, 255)
