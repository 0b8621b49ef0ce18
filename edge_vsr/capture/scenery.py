"""A landscape that nobody photographed: sky, clouds, ridges and meadows out of seeded fractal noise."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]  # (H, W, 3) R'G'B' or (H, W)
Float = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Layer:
    """A strip wider than the picture. pan: share of the camera's pan that it follows (far things less)."""

    image: Image
    mask: Image
    pan: float


def build_layers(width_px: int, height_px: int, pan_px: int, rng: np.random.Generator) -> list[Layer]:
    """The layers from back to front; each is ``width_px + pan_px`` wide, masks are 0 or 255."""
    size = (height_px, width_px + pan_px)
    sky = Layer(_sky(size, rng), np.full(size, 255, np.uint8), 0.12)
    ridges = [
        _ridge(
            size, rng, level=0.45, relief=0.20, dark=(126, 147, 176), light=(176, 188, 204), pan=0.25, roughness=0.10
        ),
        _ridge(
            size, rng, level=0.55, relief=0.13, dark=(78, 112, 116), light=(122, 150, 140), pan=0.45, roughness=0.22
        ),
        _ridge(size, rng, level=0.66, relief=0.08, dark=(54, 96, 48), light=(120, 146, 66), pan=0.70, roughness=0.45),
        _ridge(size, rng, level=0.80, relief=0.04, dark=(70, 124, 40), light=(150, 178, 74), pan=1.00, roughness=0.55),
    ]
    return [sky, *ridges]


def compose(layers: list[Layer], width_px: int, pan_px: float) -> Image:
    """The layers behind one another, shifted by the camera's pan in whole canvas pixels."""
    canvas: Image | None = None
    for layer in layers:
        left = round(layer.pan * pan_px)
        image, mask = layer.image[:, left : left + width_px], layer.mask[:, left : left + width_px]
        canvas = image.copy() if canvas is None else np.asarray(cv2.copyTo(image, mask, canvas), np.uint8)
    assert canvas is not None
    return canvas


def fractal(size: tuple[int, int], coarsest_px: float, octaves: int, rng: np.random.Generator) -> Float:
    """Value noise in 0..1 (H, W): each octave twice as fine and a little over half as strong."""
    total = np.zeros(size, np.float32)
    strength, norm = 1.0, 0.0
    for octave in range(octaves):
        cell = max(1.0, coarsest_px / 2**octave)
        rows, columns = (int(np.ceil(side / cell)) + 3 for side in size)
        grid = rng.random((rows, columns), np.float32)
        whole = cv2.resize(grid, (int(columns * cell), int(rows * cell)), interpolation=cv2.INTER_CUBIC)
        total += strength * whole[: size[0], : size[1]]
        norm += strength
        strength *= 0.55
    return np.asarray(np.clip(total / norm, 0.0, 1.0), np.float32)


def mix(low: tuple[int, int, int], high: tuple[int, int, int], share: Float) -> Float:
    """From one colour to another, by a share in 0..1 for every pixel; (H, W, 3) float in 0..255."""
    a, b = np.array(low, np.float32), np.array(high, np.float32)
    return np.asarray(a + (b - a) * share[..., None], np.float32)


def _sky(size: tuple[int, int], rng: np.random.Generator) -> Image:
    height, width = size
    down = np.linspace(0.0, 1.0, height, dtype=np.float32)[:, None].repeat(width, axis=1)
    sky = mix((58, 118, 196), (246, 214, 172), np.clip(down * 1.75, 0, 1) ** 1.2)
    puff = fractal((height, width), height / 3, 7, rng)
    shade = np.roll(puff, (-max(1, height // 60), -max(1, height // 60)), (0, 1))
    cover = np.clip((puff - 0.50 + 0.10 * (1 - down)) * 6.0, 0, 1) * np.clip(1.5 - 2.6 * down, 0, 1)
    lit = np.clip(0.62 + (puff - shade) * 5.0, 0, 1)
    clouds = mix((158, 166, 186), (255, 250, 242), lit)
    sky += (clouds - sky) * cover[..., None]
    return np.asarray(np.clip(sky, 0, 255), np.uint8)


def _ridge(
    size: tuple[int, int],
    rng: np.random.Generator,
    *,
    level: float,
    relief: float,
    dark: tuple[int, int, int],
    light: tuple[int, int, int],
    pan: float,
    roughness: float,
) -> Layer:
    """Hills from ``level`` (share of the height) down, ``relief`` high, shaded by a slope map of noise."""
    height, width = size
    outline = fractal((8, width), height * 0.9, 9, rng)[3]
    top = height * (level + relief * (0.5 - outline) * 2)
    rows = np.arange(height, dtype=np.float32)[:, None]
    ground = fractal(size, height / 5, 8, rng)
    slope = np.gradient(ground, axis=1) * height * 0.16 + np.gradient(ground, axis=0) * height * 0.10
    depth = np.clip((rows - top[None, :]) / (height * 0.35), 0, 1)
    share = np.clip(0.55 + roughness * slope + 0.5 * (ground - 0.5) - 0.45 * depth, 0, 1)
    grain = rng.normal(0.0, 9.0 * roughness, size).astype(np.float32)
    colors = mix(dark, light, share) + cv2.GaussianBlur(grain, (0, 0), 0.9)[..., None] * 2
    mask = (rows > top[None, :]).astype(np.uint8) * 255
    return Layer(np.asarray(np.clip(colors, 0, 255), np.uint8), mask, pan)
