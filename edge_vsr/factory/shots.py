"""Where true pictures come from: photos, drawn pages, shots panned over them, shots out of clips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt

from edge_vsr.bench.rgb import Rgb
from edge_vsr.factory.synthetic import caption, page, with_cursor

FRAMES = 7
CLIPS, DRAWN = 0.28, 0.12  # shares of shots; the others pan over photos
CAPTIONED = 0.12  # share of photos in pans that carry a caption
FASTEST_PX = 5.0  # of a pan, true pixels per frame; at x3 and x4 as much more as the reduction takes away
SKEWED, WHOLE, STILL = 0.3, 0.5, 0.15  # share of pans with a rolling shutter, of whole pixels, without motion
LARGEST = 640  # a clip's window, true pixels a side: the encoders' time is better spent on more shots


@dataclass(frozen=True)
class Shot:
    """True frames, all of one size, and how they move.

    drift_px: (rows, columns, 2), x and y per frame, of each cell of the picture; zero where motion is not known.
    grid_px: samples may begin at multiples of this.
    """

    frames: list[Rgb]
    drift_px: npt.NDArray[np.float64]
    grid_px: int


def turned(rgb: Rgb, rng: np.random.Generator) -> Rgb:
    """One of the eight turns and mirrorings; done before chroma is sited, which has a left and a right."""
    rgb = np.rot90(rgb, int(rng.integers(4)))
    return np.ascontiguousarray(rgb[:, ::-1] if rng.random() < 0.5 else rgb)


def read_photos(folder: Path, side: int) -> list[Rgb]:
    """Every photo of ``folder`` cut into squares of ``side`` pixels, by name, row by row; what is smaller is left."""
    photos: list[Rgb] = []
    for path in sorted(p for p in folder.iterdir() if p.suffix.lower() in {".webp", ".png", ".jpg"}):
        image = cv2.imread(str(path))
        if image is not None and min(image.shape[:2]) >= side:
            photos += [
                np.ascontiguousarray(image[y : y + side, x : x + side, ::-1], np.uint8)
                for y in range(0, image.shape[0] - side + 1, side)
                for x in range(0, image.shape[1] - side + 1, side)
            ]
    return photos


def shifted(photo: Rgb, dx: float, dy: float, skew: tuple[float, float] = (0.0, 0.0)) -> Rgb:
    """The picture moved by (dx, dy) pixels, edges mirrored; whole pixels are exact.

    skew: how much further (x, y) the last row has moved than the first, the middle one keeps (dx, dy): a rolling
    shutter reads rows one after another while the scene moves (Liang, Chang, Chen 2008).
    """
    h, w = photo.shape[:2]
    if skew == (0.0, 0.0) and float(dx).is_integer() and float(dy).is_integer():
        reach = round(max(abs(dx), abs(dy)))
        wide = cv2.copyMakeBorder(photo, reach, reach, reach, reach, cv2.BORDER_REFLECT)
        y0, x0 = reach - round(dy), reach - round(dx)
        return np.asarray(wide[y0 : y0 + h, x0 : x0 + w], np.uint8)
    late = np.arange(h, dtype=np.float32)[:, None] / (h - 1) - 0.5
    x = np.arange(w, dtype=np.float32)[None] - dx - late * skew[0]
    y = np.arange(h, dtype=np.float32)[:, None] - dy - late * skew[1] + np.zeros((1, w), np.float32)
    moved = cv2.remap(
        photo, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REFLECT
    )
    return np.asarray(moved, np.uint8)


def _wall(cells: list[list[Rgb]]) -> list[Rgb]:
    """Four moving pictures as one, two by two."""
    return [
        np.vstack([np.hstack([a, b]), np.hstack([c, d])]).astype(np.uint8) for a, b, c, d in zip(*cells, strict=True)
    ]


def _moving(picture: Rgb, drift: npt.NDArray[np.float64], readout: float, frames: int) -> list[Rgb]:
    """A picture seen through a window that drifts, at its own place in the middle of the shot."""
    skew = float(drift[0] * readout), float(drift[1] * readout)
    return [shifted(picture, drift[0] * at, drift[1] * at, skew) for at in np.arange(frames) - frames // 2]


def _captioned(frames: list[Rgb], scale: int, rng: np.random.Generator) -> list[Rgb]:
    opacity, color = caption(frames[0].shape[0], scale, rng)
    ink = np.asarray(color, np.float32)
    return [np.rint(f + opacity * (ink - f)).astype(np.uint8) for f in frames]


def panned_shot(
    photos: Sequence[Rgb], scale: int, severity: float, rng: np.random.Generator, frames: int = FRAMES
) -> Shot:
    """A 2x2 wall of photos, each seen through a window that drifts: cheap motion for real encoders.

    The readout of a rolling shutter is up to ``severity`` of the frame time.
    """
    picks = [turned(photos[i], rng) for i in rng.choice(len(photos), 4, replace=len(photos) < 4)]
    fastest = FASTEST_PX * max(1.0, scale / 2)
    drift = rng.uniform(-fastest, fastest, (2, 2, 2)) * (rng.random() >= STILL)
    if rng.random() < WHOLE:
        drift = np.rint(drift)
    readout = severity * float(rng.uniform(0, 1)) if rng.random() < SKEWED else 0.0
    cells = [_moving(p, d, readout, frames) for p, d in zip(picks, drift.reshape(4, 2), strict=True)]
    cells = [_captioned(cell, scale, rng) if rng.random() < CAPTIONED else cell for cell in cells]
    return Shot(_wall(cells), drift, picks[0].shape[0])


def _ticker(picture: Rgb, pace_px: int, rng: np.random.Generator, frames: int) -> list[Rgb]:
    """A still page with a band that runs sideways and an arrow that wanders."""
    side = picture.shape[0]
    top, height = int(rng.integers(0, side * 2 // 3)), int(rng.integers(side // 12, side // 3))
    start, step, size = rng.uniform(0, side, 2), rng.uniform(-9, 9, 2), float(rng.uniform(12, 28))
    out = []
    for t in range(frames):
        frame = picture.copy()
        frame[top : top + height] = np.roll(frame[top : top + height], -pace_px * t, axis=1)
        out.append(with_cursor(frame, start[0] + step[0] * t, start[1] + step[1] * t, size))
    return out


def drawn_shot(side: int, scale: int, rng: np.random.Generator, frames: int = FRAMES) -> Shot:
    """A 2x2 wall of drawn pages: two scroll by whole pixels (or rest), two rest but for a ticker and an arrow."""
    drift = np.zeros((4, 2))
    cells = []
    for index in range(4):
        if index < 2:
            drift[index, int(rng.integers(2))] = rng.integers(-6, 7)
            cells.append(_moving(page(side, scale, rng), drift[index], 0.0, frames))
        else:
            cells.append(_ticker(page(side, scale, rng), int(rng.integers(-8, 9)), rng, frames))
    return Shot(_wall(cells), drift.reshape(2, 2, 2), side)


def clip_shot(path: Path, rng: np.random.Generator, multiple: int = 4, frames: int = FRAMES) -> Shot:
    """Consecutive frames of a clip from a random place, a window of at most ``LARGEST`` pixels a side.

    The window's sides are multiples of ``multiple`` pixels. A clip that is shorter gives what it has.
    """
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        skip = int(rng.integers(0, max(1, (stream.frames or 100) - frames)))
        seen: list[Rgb] = []
        for index, picture in enumerate(container.decode(stream)):
            if index >= skip:
                seen.append(np.asarray(picture.to_ndarray(format="rgb24"), np.uint8))
            if len(seen) == frames:
                break
    height, width = (min(side, LARGEST) // multiple * multiple for side in seen[0].shape[:2])
    y, x = (int(rng.integers(0, (s - c) // 2 + 1)) * 2 for s, c in zip(seen[0].shape[:2], (height, width), strict=True))
    return Shot([f[y : y + height, x : x + width] for f in seen], np.zeros((1, 1, 2)), multiple)


def clips_of(folder: Path, side: int) -> list[Path]:
    """The .mp4 clips of ``folder`` that are at least ``side`` pixels a side, by name."""
    usable = []
    for path in sorted(folder.glob("*.mp4")):
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            if min(stream.width, stream.height) >= side:
                usable.append(path)
    return usable


def draw_shot(
    photos: Sequence[Rgb], clips: list[Path], side: int, scale: int, severity: float, rng: np.random.Generator
) -> Shot:
    """A shot of one of the kinds, by share; without clips there are more pans."""
    kind = rng.random()
    if kind < DRAWN:
        return drawn_shot(side, scale, rng)
    if clips and kind < DRAWN + CLIPS:
        return clip_shot(clips[int(rng.integers(len(clips)))], rng, 2 * scale)
    return panned_shot(photos, scale, severity, rng)
