"""The training set as one file of sample pairs: degraded 4:2:0 in, true 4:2:0 and base picture beside it.

A *sample* is a true picture of 288x288 luma, what a viewer gets of it at half that size, the base that the
device's own resampler makes of that, and the two conditioning values that the device's own analysis gives.
Built once, mapped into memory by training: ``<file>.npz``-free raw arrays plus a JSON header.

    python -m edge_vsr.factory.dataset --photos DIR --clips DIR --out train_runs/pairs
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import av
import cv2
import numpy as np
import numpy.typing as npt

from edge_vsr.color import BT709_LIMITED, Matrix, Planes, Range
from edge_vsr.factory.degradations import Camera, Codec, Rgb, downscale, to_yuv420
from edge_vsr.frame import ChromaLayout, Frame, default_siting
from edge_vsr.upscale.analyse.condition import condition
from edge_vsr.upscale.resample import KERNELS, resample_frame

HR = 288
LR = HR // 2
PARTS = {
    "lr_y": LR,
    "lr_u": LR // 2,
    "lr_v": LR // 2,
    "hr_y": HR,
    "hr_u": LR,
    "hr_v": LR,
    "base_y": HR,
    "base_u": LR,
    "base_v": LR,
}
BASE_KERNEL: Literal["bicubic"] = "bicubic"
_LAYOUT = ChromaLayout.YUV420


def make_sample(low: Planes, high: Planes, coded: bool) -> dict[str, npt.NDArray[np.uint8]]:
    """One stored sample from a degraded and a true 4:2:0 picture (8 bit)."""
    frame = Frame(low, 8, _LAYOUT, BT709_LIMITED, default_siting(_LAYOUT))
    base = resample_frame(frame, HR, HR, KERNELS[BASE_KERNEL], _LAYOUT, frame.siting).planes
    names = ("y", "u", "v")
    sample = {
        f"{kind}_{n}": p
        for kind, planes in (("lr", low), ("hr", high), ("base", base))
        for n, p in zip(names, planes, strict=True)
    }
    seen = condition(np.asarray(low[0], np.uint8), coded)
    return {
        **{n: np.asarray(p, np.uint8) for n, p in sample.items()},
        "cond": np.array([seen.noise, seen.coding], np.uint8),
    }


def draw_color(rng: np.random.Generator) -> tuple[Matrix, Range]:
    matrix = Matrix.SMPTE170M if rng.random() < 0.6 else Matrix.BT709
    return matrix, Range.LIMITED if rng.random() < 0.7 else Range.FULL


def turned(rgb: Rgb, rng: np.random.Generator) -> Rgb:
    """One of the eight turns and mirrorings; done before chroma is sited, which has a left and a right."""
    rgb = np.rot90(rgb, int(rng.integers(4)))
    return np.ascontiguousarray(rgb[:, ::-1] if rng.random() < 0.5 else rgb)


def read_photos(folder: Path) -> list[Rgb]:
    photos: list[Rgb] = []
    for path in sorted(p for p in folder.iterdir() if p.suffix.lower() in {".webp", ".png", ".jpg"}):
        image = cv2.imread(str(path))
        if image is not None and min(image.shape[:2]) >= HR:
            photos += [
                np.ascontiguousarray(image[y : y + HR, x : x + HR, ::-1], np.uint8)
                for y in range(0, image.shape[0] - HR + 1, HR)
                for x in range(0, image.shape[1] - HR + 1, HR)
            ]
    return photos


def clean_pairs(
    photos: list[Rgb], per_photo: int, rng: np.random.Generator
) -> Iterator[dict[str, npt.NDArray[np.uint8]]]:
    """The textbook task: bicubic reduction of R'G'B', rounded to 8 bit, then 4:2:0."""
    for photo in photos:
        for _ in range(per_photo):
            color = draw_color(rng)
            true = turned(photo, rng).astype(np.float32)
            low = np.clip(np.rint(downscale(true, 2)), 0, 255)
            yield make_sample(to_yuv420(low, *color), to_yuv420(true, *color), coded=False)


def _degraded_sequence(frames: list[Rgb], rng: np.random.Generator) -> tuple[list[Planes], list[Planes]]:
    """True and received 4:2:0 pictures of one shot: camera, reduction, one real encoder."""
    color, camera, codec = draw_color(rng), Camera.draw(rng), Codec.draw(rng)
    kernel = "bicubic" if rng.random() < 0.7 else "lanczos3"
    true = [to_yuv420(f.astype(np.float32), *color) for f in frames]
    low = [to_yuv420(camera.apply(downscale(f.astype(np.float32), 2, kernel), rng), *color) for f in frames]
    return true, codec.round_trip(low) if rng.random() < 0.9 else low


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


def clip_shot(path: Path, rng: np.random.Generator, frames: int = 8) -> list[Rgb]:
    """Consecutive frames of a clip from a random place, cut to a multiple of 4 pixels."""
    with av.open(str(path)) as container:
        count = container.streams.video[0].frames or 100
        skip = int(rng.integers(0, max(1, count - frames)))
        shot = []
        for index, picture in enumerate(container.decode(video=0)):
            if index >= skip:
                image = picture.to_ndarray(format="rgb24")
                shot.append(image[: image.shape[0] // 4 * 4, : image.shape[1] // 4 * 4])
            if len(shot) == frames:
                break
    return shot


def _windows(
    true: list[Planes], low: list[Planes], count: int, grid: int, rng: np.random.Generator
) -> Iterator[dict[str, npt.NDArray[np.uint8]]]:
    """Samples cut from a coded shot at even positions (multiples of ``grid`` low pixels, where given)."""
    h, w = low[0][0].shape
    for _ in range(count):
        t = int(rng.integers(1, len(low)))
        y, x = (int(rng.integers(0, (side - LR) // grid + 1)) * grid for side in (h, w))
        cut_low = tuple(
            p[y // s : (y + LR) // s, x // s : (x + LR) // s] for p, s in zip(low[t], (1, 2, 2), strict=True)
        )
        cut_true = tuple(
            p[y * 2 // s : (y + LR) * 2 // s, x * 2 // s : (x + LR) * 2 // s]
            for p, s in zip(true[t], (1, 2, 2), strict=True)
        )
        yield make_sample(cut_low, cut_true, coded=True)  # type: ignore[arg-type]


def coded_pairs(
    photos: list[Rgb], clips: list[Path], count: int, rng: np.random.Generator
) -> Iterator[dict[str, npt.NDArray[np.uint8]]]:
    """What really arrives: shots that went through a camera, a scaler and a codec."""
    made = 0
    while made < count:
        from_clip = bool(clips) and rng.random() < 0.5
        shot = clip_shot(clips[int(rng.integers(len(clips)))], rng) if from_clip else panned_shot(photos, rng)
        if not shot or (min(shot[0].shape[:2]) < HR + 4 and from_clip):
            continue
        true, low = _degraded_sequence(shot, rng)
        take = min(10 if from_clip else 8, count - made)
        yield from _windows(true, low, take, 2 if from_clip else LR, rng)
        made += take


@dataclass
class Pairs:
    """A built set, mapped read-only: ``parts[name]`` is (N, side, side) uint8, ``cond`` (N, 2)."""

    parts: dict[str, npt.NDArray[np.uint8]]
    clean: int  # samples 0..clean-1 are the textbook task

    @classmethod
    def open(cls, folder: Path) -> Pairs:
        head = json.loads((folder / "head.json").read_text())
        names = [*PARTS, "cond"]
        return cls({n: np.load(folder / f"{n}.npy", mmap_mode="r") for n in names}, head["clean"])


def build(photos_dir: Path, clips_dir: Path | None, out: Path, per_photo: int, coded: int, seed: int) -> None:
    """Build the set; progress on stdout."""
    out.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    photos = read_photos(photos_dir)
    clips = sorted(clips_dir.glob("*.mp4")) if clips_dir else []
    clean = len(photos) * per_photo
    total = clean + coded
    arrays = {n: np.lib.format.open_memmap(out / f"{n}.npy", "w+", np.uint8, (total, s, s)) for n, s in PARTS.items()}
    arrays["cond"] = np.lib.format.open_memmap(out / "cond.npy", "w+", np.uint8, (total, 2))
    made = 0
    for stage in (clean_pairs(photos, per_photo, rng), coded_pairs(photos, clips, coded, rng)):
        for sample in stage:
            for name, value in sample.items():
                arrays[name][made] = value
            made += 1
            if made % 500 == 0:
                print(f"{made}/{total} samples", flush=True)
    head = {"clean": clean, "coded": coded, "seed": seed, "photos": len(photos), "clips": [c.name for c in clips]}
    (out / "head.json").write_text(json.dumps(head, indent=1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True, help="folder of lossless photos, at least 288 px a side")
    parser.add_argument("--clips", type=Path, help="folder of clean clips (.mp4)")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--per-photo", type=int, default=4)
    parser.add_argument("--coded", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    build(args.photos, args.clips, args.out, args.per_photo, args.coded, args.seed)


if __name__ == "__main__":
    main()
