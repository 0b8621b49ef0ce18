"""The face of no one: drawn from ellipses and soft light, with hair finer than a source pixel."""

from __future__ import annotations

import cv2
import numpy as np

from edge_vsr.capture.figures import fill, skin_texture, stroke
from edge_vsr.capture.scenery import Float, Image, mix

_SKIN_DARK, _SKIN_LIGHT = (178, 108, 82), (255, 214, 180)


def paint_portrait(side: int, rng: np.random.Generator) -> tuple[Image, Image]:
    """A head and shoulders on a square of ``side`` pixels: colours (side, side, 3) and opacity (side, side)."""
    image = np.zeros((side, side, 3), np.uint8)
    opacity = np.zeros((side, side), np.uint8)
    _hair_back(image, opacity, side, rng)
    _shoulders(image, opacity, side)
    _neck_and_head(image, opacity, side, rng)
    _eyes(image, side)
    _nose_and_mouth(image, side)
    _freckles(image, side, rng)
    _hair_front(image, opacity, side, rng)
    return image, opacity


def _blob(side: int, x: float, y: float, rx: float, ry: float, *, soft: float = 0.0) -> Float:
    """An ellipse as a mask in 0..1, places and radii as shares of the side; ``soft`` blurs its edge."""
    mask = np.zeros((side, side), np.float32)
    box = [round(v * side * 16) for v in (x, y, rx, ry)]
    cv2.ellipse(mask, (box[0], box[1]), (box[2], box[3]), 0, 0, 360, 1.0, -1, cv2.LINE_8, 4)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), max(0.7, soft * side)), np.float32)


def _tint(image: Image, mask: Float, color: tuple[int, int, int] | Float) -> None:
    blended = image + (np.asarray(color, np.float32) - image) * mask[..., None]
    image[:] = np.clip(blended, 0, 255).astype(np.uint8)


def _cover(image: Image, opacity: Image, mask: Float, color: tuple[int, int, int] | Float) -> None:
    _tint(image, mask, color)
    opacity[:] = np.maximum(opacity, (mask * 255).astype(np.uint8))


def _shoulders(image: Image, opacity: Image, side: int) -> None:
    rows, columns = np.mgrid[0:side, 0:side].astype(np.float32) / side
    cloth = mix((18, 60, 128), (64, 138, 214), np.clip(1.25 - columns - 0.4 * (rows - 0.8), 0, 1))
    knit = 0.90 + 0.10 * np.sin(columns * 420) * np.sin(rows * 420 + 2 * np.sin(columns * 40))
    _cover(image, opacity, _blob(side, 0.5, 1.08, 0.40, 0.26), cloth * knit[..., None])


def _neck_and_head(image: Image, opacity: Image, side: int, rng: np.random.Generator) -> None:
    rows, columns = np.mgrid[0:side, 0:side].astype(np.float32) / side
    light = 0.86 - 1.5 * np.hypot(columns - 0.43, (rows - 0.42) * 0.8) ** 1.35 + 0.03 * skin_texture(side, rng)
    skin = mix(_SKIN_DARK, _SKIN_LIGHT, np.clip(light, 0, 1).astype(np.float32))
    _cover(image, opacity, _blob(side, 0.5, 0.80, 0.105, 0.14), skin * 0.86)
    for ear in (0.262, 0.738):
        _cover(image, opacity, _blob(side, ear, 0.52, 0.035, 0.06), skin * 0.94)
    _cover(image, opacity, _blob(side, 0.5, 0.50, 0.235, 0.285), skin)
    _tint(image, 0.30 * _blob(side, 0.5, 0.755, 0.15, 0.03, soft=0.02), (120, 62, 50))
    for cheek in (0.36, 0.64):
        _tint(image, 0.34 * _blob(side, cheek, 0.60, 0.055, 0.04, soft=0.022), (232, 104, 96))


def _eyes(image: Image, side: int) -> None:
    for x in (0.405, 0.595):
        _tint(image, 0.35 * _blob(side, x, 0.485, 0.062, 0.045, soft=0.012), (150, 84, 66))
        white = _blob(side, x, 0.493, 0.047, 0.025)
        _tint(image, white, (250, 248, 244))
        _tint(image, white * _blob(side, x, 0.489, 0.027, 0.028), (42, 112, 92))
        _tint(image, white * _blob(side, x, 0.489, 0.013, 0.0135), (14, 16, 20))
        _tint(image, _blob(side, x - 0.009, 0.483, 0.006, 0.006), (255, 255, 255))
        s = float(side)
        lid = [((x + 0.052 * np.cos(t)) * s, (0.494 - 0.029 * np.sin(t)) * s) for t in np.linspace(0.05, 3.09, 24)]
        stroke(image, lid, (58, 34, 30), 0.008 * s)
        for t in np.linspace(0.25, 2.9, 21):
            root = ((x + 0.052 * np.cos(t)) * s, (0.494 - 0.029 * np.sin(t)) * s)
            tip = ((x + 0.064 * np.cos(t)) * s, (0.491 - 0.045 * np.sin(t)) * s)
            stroke(image, [root, tip], (44, 26, 24), 0.0026 * s)
        for hair in range(26):
            share = hair / 25
            root = ((x - 0.062 + 0.118 * share) * s, (0.432 - 0.020 * np.sin(3.14 * share)) * s)
            stroke(image, [root, (root[0] + 0.020 * s, root[1] - 0.011 * s)], (92, 50, 30), 0.0034 * s)


def _nose_and_mouth(image: Image, side: int) -> None:
    s = float(side)
    _tint(image, 0.30 * _blob(side, 0.522, 0.555, 0.016, 0.06, soft=0.012), (150, 82, 62))
    _tint(image, 0.55 * _blob(side, 0.490, 0.575, 0.014, 0.022, soft=0.010), (255, 232, 208))
    for x in (0.481, 0.519):
        _tint(image, 0.75 * _blob(side, x, 0.612, 0.009, 0.006, soft=0.003), (116, 54, 46))
    smile = [(0.5 + dx, 0.672 + 0.030 * (1 - (dx / 0.085) ** 2)) for dx in np.linspace(-0.085, 0.085, 21)]
    upper = [(0.5 + dx, 0.667 + 0.013 * (1 - (dx / 0.085) ** 2)) for dx in np.linspace(0.085, -0.085, 21)]
    fill(image, [(x * s, y * s) for x, y in smile + upper], (250, 244, 238))
    lower = [(x, y + 0.014 * (1 - ((x - 0.5) / 0.085) ** 2)) for x, y in smile[::-1]]
    fill(image, [(x * s, y * s) for x, y in smile + lower], (204, 70, 74))
    stroke(image, [(x * s, y * s) for x, y in smile], (120, 40, 44), 0.004 * s)
    stroke(image, [(x * s, y * s) for x, y in upper], (166, 56, 58), 0.008 * s)


def _freckles(image: Image, side: int, rng: np.random.Generator) -> None:
    for _ in range(46):
        x, y = rng.choice((0.385, 0.615)) + rng.normal(0, 0.034), 0.575 + rng.normal(0, 0.018)
        _spot(image, x * side, y * side, rng.uniform(0.0016, 0.0034) * side)


def _spot(image: Image, x: float, y: float, radius: float) -> None:
    half = max(2, int(3 * radius))
    left, top = int(x) - half, int(y) - half
    patch = image[top : top + 2 * half + 1, left : left + 2 * half + 1]
    rows, columns = np.mgrid[0 : patch.shape[0], 0 : patch.shape[1]].astype(np.float32)
    mask = 0.5 * np.exp(-((columns - (x - left)) ** 2 + (rows - (y - top)) ** 2) / (2 * radius * radius))
    patch[:] = (patch + (np.array((148, 78, 50), np.float32) - patch) * mask[..., None]).astype(np.uint8)


def _hair_back(image: Image, opacity: Image, side: int, rng: np.random.Generator) -> None:
    _cover(image, opacity, _blob(side, 0.5, 0.44, 0.285, 0.315), (84, 40, 20))
    _cover(image, opacity, _blob(side, 0.5, 0.62, 0.275, 0.24), (74, 34, 18))
    _strands(image, opacity, side, rng, count=520, front=False)


def _hair_front(image: Image, opacity: Image, side: int, rng: np.random.Generator) -> None:
    _strands(image, opacity, side, rng, count=900, front=True)


def _strands(image: Image, opacity: Image, side: int, rng: np.random.Generator, *, count: int, front: bool) -> None:
    """Curved hairs: in front they part above the forehead and fall beside the face, behind they hang down."""
    s = float(side)
    for _ in range(count):
        glow, hand, share = rng.random(), rng.choice((-1.0, 1.0)), rng.random()
        color = (int(86 + 150 * glow**2), int(38 + 104 * glow**2), int(18 + 52 * glow**2))
        if front:
            start = (0.5 + hand * 0.02 * share, 0.130 + 0.095 * share)
            knee = (0.5 + hand * (0.285 - 0.065 * share + 0.05 * rng.random()), 0.10 + 0.23 * share)
            end = (0.5 + hand * (0.248 + 0.035 * rng.random()), 0.46 + 0.34 * rng.random())
        else:
            start = (0.5 + hand * 0.22 * share, 0.16 + 0.16 * share)
            knee = (0.5 + hand * (0.27 + 0.05 * rng.random()), 0.45)
            end = (0.5 + hand * (0.22 + 0.11 * rng.random()), 0.74 + 0.16 * rng.random())
        ts = np.linspace(0.0, 1.0, 18)
        curve = [
            (
                s * ((1 - t) ** 2 * start[0] + 2 * t * (1 - t) * knee[0] + t * t * end[0]),
                s * ((1 - t) ** 2 * start[1] + 2 * t * (1 - t) * knee[1] + t * t * end[1]),
            )
            for t in ts
        ]
        width = rng.uniform(0.0015, 0.0042) * s
        stroke(image, curve, color, width)
        stroke(opacity, curve, (255, 255, 255), width)
