"""Where pictures to learn from come from: photos, shots panned over photos, shots out of clips."""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt

Rgb = npt.NDArray[np.uint8]  # (H, W, 3) R'G'B'


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


def _shifted(photo: Rgb, dx: float, dy: float) -> Rgb:
    move = np.array([[1, 0, dx], [0, 1, dy]])
    size = (photo.shape[1], photo.shape[0])
    moved = cv2.warpAffine(photo, move, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(moved, np.uint8)


def panned_shot(photos: list[Rgb], rng: np.random.Generator, frames: int = 5) -> list[Rgb]:
    """A 2x2 wall of photos, each seen through a window that drifts: cheap motion for real encoders."""
    picks = [turned(photos[i], rng) for i in rng.choice(len(photos), 4, replace=len(photos) < 4)]
    drift = rng.uniform(-3, 3, (4, 2))
    shot = []
    for t in range(frames):
        moved = [_shifted(p, *(pace * t)) for p, pace in zip(picks, drift, strict=True)]
        shot.append(np.vstack([np.hstack(moved[:2]), np.hstack(moved[2:])]).astype(np.uint8))
    return shot


def clip_shot(path: Path, rng: np.random.Generator, frames: int = 8, multiple: int = 4) -> list[Rgb]:
    """Consecutive frames of a clip from a random place, cut to a multiple of ``multiple`` pixels."""
    with av.open(str(path)) as container:
        count = container.streams.video[0].frames or 100
        skip = int(rng.integers(0, max(1, count - frames)))
        shot = []
        for index, picture in enumerate(container.decode(video=0)):
            if index >= skip:
                image = picture.to_ndarray(format="rgb24")
                h, w = (side // multiple * multiple for side in image.shape[:2])
                shot.append(np.asarray(image[:h, :w], np.uint8))
            if len(shot) == frames:
                break
    return shot
