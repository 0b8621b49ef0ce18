"""What is drawn into the landscape: a face of no one, a windmill, a balloon, grass, woven signs, text.

Every figure is hard for an upscaler in its own way: hair and grass are finer than a source pixel, the
weave and the fan of lines alias, sails are moving diagonals, the balloon is saturated colour edge to edge.
All sizes follow ``unit``: 1/720 of the canvas height.
"""

from __future__ import annotations

import cv2
import numpy as np

from edge_vsr.capture.scenery import Float, Image, fractal, mix

_SHIFT = 4  # cv2 draws with 1/16 pixel, so slow motion does not step
Color = tuple[int, int, int]


def fixed(*points: tuple[float, float]) -> np.ndarray[tuple[int, ...], np.dtype[np.int32]]:
    """Points as cv2 wants them with ``shift``."""
    return np.rint(np.array(points, np.float64) * (1 << _SHIFT)).astype(np.int32)


def fill(canvas: Image, points: list[tuple[float, float]], color: Color) -> None:
    """A filled polygon with smooth edges."""
    cv2.fillPoly(canvas, [fixed(*points)], color, cv2.LINE_AA, _SHIFT)


def stroke(canvas: Image, points: list[tuple[float, float]], color: Color, width: float) -> None:
    """An open line through points, ``width`` canvas pixels wide, at least one."""
    cv2.polylines(canvas, [fixed(*points)], False, color, max(1, round(width)), cv2.LINE_AA, _SHIFT)


def draw_windmill(canvas: Image, x: float, base: float, unit: float, angle: float) -> None:
    """A white tower with four latticed sails, turned by ``angle`` radians."""
    u = unit
    fill(canvas, [(x - 34 * u, base), (x - 20 * u, base - 150 * u), (x, base - 150 * u), (x, base)], (236, 230, 218))
    fill(canvas, [(x, base), (x, base - 150 * u), (x + 20 * u, base - 150 * u), (x + 34 * u, base)], (190, 182, 176))
    fill(canvas, [(x - 25 * u, base - 148 * u), (x, base - 190 * u), (x + 25 * u, base - 148 * u)], (150, 52, 40))
    fill(
        canvas,
        [(x - 9 * u, base), (x - 9 * u, base - 34 * u), (x + 9 * u, base - 34 * u), (x + 9 * u, base)],
        (84, 58, 44),
    )
    hub = (x, base - 152 * u)
    for quarter in range(4):
        direction = angle + quarter * np.pi / 2
        along = np.array([np.cos(direction), np.sin(direction)])
        across = np.array([-along[1], along[0]])
        _draw_sail(canvas, np.array(hub), along, across, u)
    cv2.circle(canvas, tuple(int(v) for v in fixed(hub)[0]), round(7 * u * 16), (64, 44, 36), -1, cv2.LINE_AA, _SHIFT)


def _draw_sail(canvas: Image, hub: Float, along: Float, across: Float, u: float) -> None:
    def at(far: float, aside: float) -> tuple[float, float]:
        point = hub + along * far * u + across * aside * u
        return float(point[0]), float(point[1])

    fill(canvas, [at(26, 3), at(118, 3), at(118, 25), at(26, 25)], (246, 240, 226))
    for rung in range(26, 119, 8):
        stroke(canvas, [at(rung, 2), at(rung, 26)], (96, 70, 52), 1.6 * u)
    for aside in (3, 10, 17.5, 25):
        stroke(canvas, [at(26, aside), at(118, aside)], (96, 70, 52), 1.6 * u)
    stroke(canvas, [at(0, 0), at(122, 0)], (72, 50, 38), 4.5 * u)


def draw_balloon(canvas: Image, x: float, y: float, unit: float) -> None:
    """A hot-air balloon in saturated stripes, its centre at (x, y)."""
    colors: list[Color] = [(226, 24, 36), (250, 206, 20), (18, 84, 214), (22, 158, 62), (232, 40, 160), (250, 120, 10)]
    u, half = unit, 62 * unit
    turns = np.linspace(0.0, np.pi, 49)
    for gore in range(12):
        edges = [np.cos(np.pi * (gore + side) / 12) for side in (0, 1)]
        outline = [(x + half * e * np.sin(t) ** 0.8, y - half * 1.1 * np.cos(t)) for e in edges[:1] for t in turns]
        outline += [(x + half * edges[1] * np.sin(t) ** 0.8, y - half * 1.1 * np.cos(t)) for t in turns[::-1]]
        base = np.array(colors[gore % 6]) * (0.78 + 0.22 * np.sin(np.pi * (gore + 0.5) / 12))
        fill(canvas, outline, (int(base[0]), int(base[1]), int(base[2])))
    basket = y + half * 1.1 + 34 * u
    for side in (-1, 1):
        stroke(canvas, [(x + side * 13 * u, y + half * 1.08), (x + side * 9 * u, basket)], (60, 44, 34), 1.4 * u)
    fill(
        canvas,
        [(x - 11 * u, basket), (x + 11 * u, basket), (x + 9 * u, basket + 15 * u), (x - 9 * u, basket + 15 * u)],
        (126, 82, 44),
    )


def draw_grass(canvas: Image, unit: float, sway: float, pan_px: float, rng: np.random.Generator) -> None:
    """A band of blades along the lower edge, bent by ``sway``; the same blades for the same ``rng``."""
    height, width = canvas.shape[:2]
    for _ in range(int(1.4 * width / unit)):
        x = rng.uniform(-0.1, 1.6) * width - pan_px
        long, lean, green = rng.uniform(18, 62) * unit, rng.normal(0.0, 9.0) * unit, rng.uniform(0.0, 1.0)
        phase = rng.uniform(0.0, 6.28)
        if not -40 * unit < x < width + 40 * unit:
            continue
        tip = lean + 7 * unit * np.sin(sway + phase + x / (90 * unit))
        color = (int(46 + 110 * green), int(96 + 96 * green), int(22 + 40 * green))
        bend = [(x + tip * t * t, height - long * t) for t in (0.0, 0.35, 0.7, 1.0)]
        stroke(canvas, bend, color, rng.uniform(0.7, 2.2) * unit)


def draw_weave(canvas: Image, x: int, y: int, side: int, period_px: float) -> None:
    """A framed square of basket weave, ``period_px`` canvas pixels from thread to thread."""
    rows, columns = np.mgrid[0:side, 0:side].astype(np.float32)
    warp = np.sin(2 * np.pi * columns / period_px)
    weft = np.sin(2 * np.pi * rows / period_px)
    over = (np.floor(columns / period_px * 2) + np.floor(rows / period_px * 2)) % 2
    share = np.clip(0.5 + 0.42 * np.where(over > 0, np.abs(warp), -np.abs(weft)), 0, 1).astype(np.float32)
    _paste(canvas, x, y, np.asarray(mix((64, 48, 40), (232, 214, 178), share), np.uint8))
    cv2.rectangle(canvas, (x, y), (x + side, y + side), (54, 40, 34), max(2, side // 32), cv2.LINE_AA)


def draw_line_fan(canvas: Image, x: int, y: int, side: int, turn: float) -> None:
    """A framed disc of ever finer spokes, slowly turning: every frequency and direction at once."""
    rows, columns = np.mgrid[0:side, 0:side].astype(np.float32) - (side - 1) / 2
    angle, radius = np.arctan2(rows, columns) + turn, np.hypot(rows, columns) / (side / 2)
    share = np.clip(0.5 + 0.75 * np.sin(36 * angle) * np.clip(radius * 6, 0, 1), 0, 1).astype(np.float32)
    share[radius > 0.94] = 1.0
    _paste(canvas, x, y, np.asarray(mix((28, 34, 46), (244, 240, 230), share), np.uint8))
    cv2.rectangle(canvas, (x, y), (x + side, y + side), (54, 40, 34), max(2, side // 32), cv2.LINE_AA)


def _paste(canvas: Image, x: int, y: int, image: Image) -> None:
    target = canvas[y : y + image.shape[0], x : x + image.shape[1]]
    target[:] = image[: target.shape[0], : target.shape[1]]


def draw_text(
    canvas: Image, text: str, x: float, baseline: float, height_px: float, *, color: Color, shadow: bool
) -> float:
    """One line of text with capitals ``height_px`` high; returns its width. Hershey letters: no font file."""
    scale = height_px / 21.0
    thick = max(1, round(height_px / 8))
    (width, _), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_DUPLEX, scale, thick)
    if x < canvas.shape[1] and x + width > 0:
        spot = (round(x), round(baseline))
        if shadow:
            off = max(1, round(height_px / 12))
            shifted = (spot[0] + off, spot[1] + off)
            cv2.putText(canvas, text, shifted, cv2.FONT_HERSHEY_DUPLEX, scale, (20, 24, 40), thick + 1, cv2.LINE_AA)
        cv2.putText(canvas, text, spot, cv2.FONT_HERSHEY_DUPLEX, scale, color, thick, cv2.LINE_AA)
    return float(width)


def skin_texture(side: int, rng: np.random.Generator) -> Float:
    """Faint unevenness in -1..1, so that skin is neither flat nor noisy."""
    return (fractal((side, side), side / 12, 6, rng) - 0.5) * 2
