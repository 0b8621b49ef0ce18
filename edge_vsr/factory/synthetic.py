"""Drawn pictures to learn from: text, line art and user interfaces, which photos hardly hold and nets smear.

Everything is drawn four times as fine as it is kept and averaged down, so that edges are antialiased and strokes
have widths between whole pixels. Fonts are Hershey's, the ones OpenCV carries.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from edge_vsr.bench.rgb import Rgb

Color = tuple[float, float, float]
_FINE = 4
_FONTS = (
    cv2.FONT_HERSHEY_SIMPLEX,
    cv2.FONT_HERSHEY_DUPLEX,
    cv2.FONT_HERSHEY_COMPLEX,
    cv2.FONT_HERSHEY_TRIPLEX,
    cv2.FONT_HERSHEY_SIMPLEX | cv2.FONT_ITALIC,
    cv2.FONT_HERSHEY_TRIPLEX | cv2.FONT_ITALIC,
    cv2.FONT_HERSHEY_SCRIPT_COMPLEX,
)
_CAPITAL_PX = 21  # height of a Hershey capital at scale 1
_LETTERS = np.array(list("etaoinshrdlucmfwypvbgkjqxz" * 3 + "ETAOINSHRDLUCMFWYPVBGK0123456789.,:;-!?()/%&"))


def _color(rgb: npt.NDArray[np.float64]) -> Color:
    return float(rgb[0]), float(rgb[1]), float(rgb[2])


def words(count: int, rng: np.random.Generator) -> str:
    """Letters in groups, no sense."""
    return " ".join("".join(rng.choice(_LETTERS, int(rng.integers(1, 10)))) for _ in range(count))


def ink_and_paper(rng: np.random.Generator) -> tuple[Color, Color]:
    """Two colours at least 70 code values of luma apart, often black and white, either way round."""
    while True:
        pair = rng.uniform(0, 255, (2, 3))
        for i in range(2):
            if rng.random() < 0.4:
                pair[i] = float(rng.choice([0, 16, 32, 235, 255]))
        luma = pair @ [0.299, 0.587, 0.114]
        if abs(luma[0] - luma[1]) >= 70:
            return _color(pair[0]), _color(pair[1])


def _sheet(side_px: int, paper: Color, rng: np.random.Generator, shade: float = 0.0) -> Rgb:
    """A fine canvas of one colour, or one that darkens across by ``shade`` code values."""
    side = side_px * _FINE
    ramp = np.clip(np.asarray(paper) - np.linspace(0, shade, side)[:, None], 0, 255).astype(np.uint8)
    line = ramp[:, None] if rng.random() < 0.5 else ramp[None]
    return np.ascontiguousarray(np.broadcast_to(line, (side, side, 3)))


def _averaged(fine: Rgb) -> Rgb:
    h, w = (side // _FINE for side in fine.shape[:2])
    return np.asarray(cv2.resize(fine, (w, h), interpolation=cv2.INTER_AREA), np.uint8)


def write(
    fine: Rgb, text: str, at_px: tuple[float, float], capital_px: float, ink: Color, weight: float, font: int
) -> None:
    """Text on a fine canvas; ``at_px``: left end of its base line; ``weight``: stroke over capital height."""
    stroke = max(1, round(weight * capital_px * _FINE))
    origin = round(at_px[0] * _FINE), round(at_px[1] * _FINE)
    cv2.putText(fine, text, origin, font, capital_px * _FINE / _CAPITAL_PX, ink, stroke, cv2.LINE_AA)


def _font(rng: np.random.Generator) -> tuple[int, float]:
    """A font and a weight: hair lines to bold."""
    return int(_FONTS[int(rng.integers(len(_FONTS)))]), float(rng.choice([0.05, 0.08, 0.12, 0.18]))


def text_page(side_px: int, unit: float, rng: np.random.Generator) -> Rgb:
    """Paragraphs in sizes of 6 to 40 units (capitals), headings among them."""
    ink, paper = ink_and_paper(rng)
    fine = _sheet(side_px, paper, rng, float(rng.choice([0, 0, 30])))
    y = float(rng.uniform(0, 10))
    while y < side_px + 20:
        font, weight = _font(rng)
        capital = unit * float(np.exp(rng.uniform(np.log(6), np.log(40))))
        left = float(rng.uniform(-10, 20))
        for _ in range(int(rng.integers(1, max(2, round(60 / capital))))):
            y += capital * 1.7
            write(fine, words(14, rng), (left, y), capital, ink, weight, font)
        y += capital * rng.uniform(0, 1)
    return _averaged(fine)


def _curve(side: int, rng: np.random.Generator) -> npt.NDArray[np.int32]:
    """A smooth closed or open curve through the canvas: a few harmonics, (points, 2)."""
    t = np.linspace(0, 2 * np.pi * rng.uniform(0.3, 1), 200)
    orders = np.arange(1, 5)
    waves = [rng.normal(0, 1, 4) / orders @ np.sin(orders[:, None] * t + rng.uniform(0, 6.3, (4, 1))) for _ in "xy"]
    middle = rng.uniform(0, side, 2)
    return np.stack([m + w * side * 0.25 for m, w in zip(middle, waves, strict=True)], axis=-1).astype(np.int32)


def _hatch(fine: Rgb, pitch: float, stroke: int, ink: Color, rng: np.random.Generator) -> None:
    """Parallel lines inside a random box."""
    side = fine.shape[0]
    x0, y0 = (int(v) for v in rng.integers(0, side * 2 // 3, 2))
    box = fine[y0 : y0 + side // 3, x0 : x0 + side // 3]
    h, w = box.shape[:2]
    slope = float(np.tan(rng.uniform(-1.2, 1.2)))
    for at in np.arange(-h * abs(slope), w + h * abs(slope), pitch):
        cv2.line(box, (round(at), 0), (round(at + slope * h), h), ink, stroke, cv2.LINE_AA)


def line_art(side_px: int, unit: float, rng: np.random.Generator) -> Rgb:
    """Curves, hatching, circles within circles and rays, in strokes of a half to three units."""
    ink, paper = ink_and_paper(rng)
    fine = _sheet(side_px, paper, rng)
    side = fine.shape[0]
    for _ in range(int(rng.integers(8, 20))):
        stroke = max(1, round(unit * _FINE * rng.uniform(0.5, 3)))
        color = ink if rng.random() < 0.7 else _color(rng.uniform(0, 255, 3))
        middle = tuple(int(v) for v in rng.integers(0, side, 2))
        kind = rng.integers(5)
        if kind == 0:
            cv2.polylines(fine, [_curve(side, rng)], bool(rng.random() < 0.5), color, stroke, cv2.LINE_AA)
        elif kind == 1:
            cv2.fillPoly(fine, [_curve(side, rng)], color, cv2.LINE_AA)
        elif kind == 2:
            _hatch(fine, stroke * rng.uniform(1.8, 5), stroke, color, rng)
        elif kind == 3:
            for radius in np.arange(stroke, rng.uniform(0.05, 0.3) * side, stroke * rng.uniform(2, 5)):
                cv2.circle(fine, middle, round(radius), color, stroke, cv2.LINE_AA)
        else:
            rays, reach = int(rng.integers(8, 60)), rng.uniform(0.05, 0.3) * side
            for angle in np.arange(rays) * 2 * np.pi / rays:
                end = round(middle[0] + reach * np.cos(angle)), round(middle[1] + reach * np.sin(angle))
                cv2.line(fine, middle, end, color, stroke, cv2.LINE_AA)
    return _averaged(fine)


def _box(fine: Rgb, x: int, y: int, w: int, h: int, face: Color, edge: Color, px: int = 1) -> None:
    """A box on whole pixels with an edge of ``px`` pixels."""
    x, y, w, h, px = (v * _FINE for v in (x, y, w, h, px))
    cv2.rectangle(fine, (x, y), (x + w - 1, y + h - 1), edge, -1)
    cv2.rectangle(fine, (x + px, y + px), (x + w - 1 - px, y + h - 1 - px), face, -1)


def _icon(fine: Rgb, x: int, y: int, size: int, ink: Color, rng: np.random.Generator) -> None:
    """A small sign: disc, ring, triangle, cross or three bars."""
    cx, cy, r = (round(v * _FINE) for v in (x + size / 2, y + size / 2, size * 0.4))
    stroke = max(1, round(size * 0.1 * _FINE))
    kind = rng.integers(5)
    if kind < 2:
        cv2.circle(fine, (cx, cy), r, ink, -1 if kind else stroke, cv2.LINE_AA)
    elif kind == 2:
        turn = rng.integers(4) * np.pi / 2 + np.arange(3) * 2 * np.pi / 3
        corners = np.stack([cx + r * np.cos(turn), cy + r * np.sin(turn)], axis=-1)
        cv2.fillPoly(fine, [corners.astype(np.int32)], ink, cv2.LINE_AA)
    elif kind == 3:
        cv2.line(fine, (cx - r, cy - r), (cx + r, cy + r), ink, stroke, cv2.LINE_AA)
        cv2.line(fine, (cx - r, cy + r), (cx + r, cy - r), ink, stroke, cv2.LINE_AA)
    else:
        for dy in (-r, 0, r):
            cv2.line(fine, (cx - r, cy + dy), (cx + r, cy + dy), ink, stroke, cv2.LINE_AA)


def _panel(fine: Rgb, x: int, y: int, w: int, h: int, unit: float, rng: np.random.Generator) -> None:
    """A window: title bar, rows with an icon, a label and a rule, or a table of thin lines."""
    ink, face = ink_and_paper(rng)
    edge = _color((np.asarray(ink) + face) / 2)
    _box(fine, x, y, w, h, face, edge)
    font, weight = _font(rng)
    row = round(unit * rng.integers(12, 30))
    _box(fine, x, y, w, row, edge, ink)
    write(fine, words(2, rng), (x + 4, y + row * 0.75), row * 0.5, face, weight, font)
    for top in range(y + row, y + h - row, row):
        if rng.random() < 0.7:
            _icon(fine, x + 3, top + 1, row - 2, ink, rng)
        room = fine[: (y + h) * _FINE, : (x + w - 2) * _FINE]
        write(room, words(4, rng), (x + row + 4, top + row * 0.72), row * rng.uniform(0.35, 0.55), ink, weight, font)
        _box(fine, x + 2, top + row - 1, w - 4, 1, edge, edge, 0)
    if rng.random() < 0.4:
        for column in range(x, x + w - 1, round(row * rng.uniform(1, 4))):
            _box(fine, column, y + row, 1, h - row, edge, edge, 0)


def screen(side_px: int, unit: float, rng: np.random.Generator) -> Rgb:
    """A user interface: a shaded desktop, windows on it, buttons; edges lie on whole pixels."""
    fine = _sheet(side_px, ink_and_paper(rng)[1], rng, float(rng.choice([0, 60, 150])))
    for _ in range(int(rng.integers(2, 5))):
        w, h = (int(v) for v in rng.integers(side_px // 4, side_px, 2))
        x, y = (int(v) for v in rng.integers(0, side_px * 2 // 3, 2))
        _panel(fine, x, y, w, h, unit, rng)
    for _ in range(int(rng.integers(2, 8))):
        ink, face = ink_and_paper(rng)
        w, h = round(unit * rng.integers(24, 70)), round(unit * rng.integers(10, 24))
        x, y = (int(v) for v in rng.integers(0, side_px * 3 // 4, 2))
        _box(fine, x, y, w, h, face, ink, int(rng.integers(1, 3)))
        write(fine, words(1, rng), (x + 4, y + h * 0.7), h * 0.45, ink, *_font(rng)[::-1])
    return _averaged(fine)


PAGES: tuple[Callable[[int, float, np.random.Generator], Rgb], ...] = (text_page, text_page, line_art, screen)


def page(side_px: int, scale: int, rng: np.random.Generator) -> Rgb:
    """One drawn picture of ``side_px``, (side, side, 3); what is small in it grows with the reduction to come."""
    return PAGES[int(rng.integers(len(PAGES)))](side_px, max(1.0, scale / 2), rng)


def caption(side_px: int, scale: int, rng: np.random.Generator) -> tuple[npt.NDArray[np.float32], Color]:
    """A subtitle or a logo: its opacity (side, side, 1) 0..1 and its colour, to lie still on a moving picture."""
    fine = np.zeros((side_px * _FINE, side_px * _FINE, 3), np.uint8)
    font, weight = _font(rng)
    capital = max(1.0, scale / 2) * float(rng.uniform(8, 24))
    y = float(rng.uniform(capital * 1.2, side_px))
    write(
        fine,
        words(int(rng.integers(1, 5)), rng),
        (float(rng.uniform(0, side_px / 3)), y),
        capital,
        (255,) * 3,
        weight,
        font,
    )
    opacity = _averaged(fine)[..., :1].astype(np.float32) / np.float32(255)
    return opacity, ink_and_paper(rng)[0]


def with_cursor(rgb: Rgb, x_px: float, y_px: float, size_px: float) -> Rgb:
    """The picture with an arrow on it, white with a black edge."""
    shape = np.array([(0, 0), (0, 16), (4, 12), (7, 19), (10, 18), (7, 11), (12, 11)]) * size_px / 19
    corners = np.rint((shape + np.array([x_px, y_px])) * 16).astype(np.int32)
    out = np.ascontiguousarray(rgb)
    cv2.fillPoly(out, [corners], (255, 255, 255), cv2.LINE_AA, 4)
    cv2.polylines(out, [corners], True, (0, 0, 0), 1, cv2.LINE_AA, 4)
    return out
