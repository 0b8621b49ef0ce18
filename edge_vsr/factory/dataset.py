"""The training set as raw arrays of sample pairs: degraded 4:2:0 in, true 4:2:0 and base picture beside it.

A *sample* is a true picture of 288x288 luma, what a viewer gets of it at that side over ``scale``, the base that
the device's own resampler makes of that, and the two conditioning values that the device's own analysis gives.
Clean samples (the textbook task) come first, coded ones after them, **lightest damage first**, so that a
curriculum is a growing prefix. Built once, mapped into memory by training.

Every work item (a photo, a shot) has a random stream of its own, named by the set's seed and its number: the set
is the same however many processes build it.

    python -m edge_vsr.factory.dataset --photos DIR --clips DIR --out train_runs/pairs --scale 2 --processes 2

With --teacher FILE.onnx the clean samples' truth is what a larger published net makes of the low picture. Detail
that nobody could know is noise to a learner; a teacher's answer is free of it, so that far fewer steps lead to the
same net (knowledge distillation, Hinton et al. 2015).
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import numpy.typing as npt

from edge_vsr.bench.peers import load_peer
from edge_vsr.bench.rgb import Rgb
from edge_vsr.color import BT709_LIMITED, Matrix, Planes, Range
from edge_vsr.durable import write_atomic
from edge_vsr.errors import UsageError
from edge_vsr.factory import command
from edge_vsr.factory.degradations import Damage, downscale, to_yuv420
from edge_vsr.factory.shots import clips_of, draw_shot, read_photos, turned
from edge_vsr.factory.synthetic import page
from edge_vsr.frame import ChromaLayout, Frame, default_siting
from edge_vsr.upscale.analyse.condition import condition
from edge_vsr.upscale.resample import KERNELS, resample_frame

HR = 288
SCALES = (1, 2, 3, 4)
BASE_KERNEL: Literal["bicubic"] = "bicubic"
WINDOWS = 10  # samples cut from a coded shot
DRAWN_CLEAN = 0.08  # share of clean samples that are drawn pages instead of the photo
_LAYOUT = ChromaLayout.YUV420
_PHOTOS = "photos.npy"  # decoded once for all processes, gone when the set is done
_CLEAN, _CODED = 0, 1  # the two families of random streams
Sample = dict[str, npt.NDArray[np.uint8]]
Teacher = Callable[[Rgb], Rgb]  # low R'G'B' in, ``scale`` times its size out


def part_sides(scale: int) -> dict[str, int]:
    """Side of every stored plane of a set, by name."""
    low = HR // scale
    return {
        **{"lr_y": low, "lr_u": low // 2, "lr_v": low // 2},
        **{f"{kind}_{n}": HR if n == "y" else HR // 2 for kind in ("hr", "base") for n in "yuv"},
    }


PARTS = part_sides(2)


def make_sample(low: Planes, high: Planes, coded: bool) -> Sample:
    """One stored sample from a degraded and a true 4:2:0 picture (8 bit, the true one 288x288)."""
    frame = Frame(low, 8, _LAYOUT, BT709_LIMITED, default_siting(_LAYOUT))
    base = resample_frame(frame, HR, HR, KERNELS[BASE_KERNEL], _LAYOUT, frame.siting).planes
    sample = {
        f"{kind}_{n}": np.asarray(p, np.uint8)
        for kind, planes in (("lr", low), ("hr", high), ("base", base))
        for n, p in zip("yuv", planes, strict=True)
    }
    seen = condition(np.asarray(low[0], np.uint8), coded)
    return {**sample, "cond": np.array([seen.noise, seen.coding], np.uint8)}


def draw_color(rng: np.random.Generator) -> tuple[Matrix, Range]:
    matrix = Matrix.SMPTE170M if rng.random() < 0.6 else Matrix.BT709
    return matrix, Range.LIMITED if rng.random() < 0.7 else Range.FULL


def clean_samples(
    photo: Rgb, count: int, scale: int, rng: np.random.Generator, teacher: Teacher | None = None
) -> Iterator[Sample]:
    """The textbook task: bicubic reduction of R'G'B', rounded to 8 bit, then 4:2:0. A teacher's answer is the truth."""
    for _ in range(count):
        color = draw_color(rng)
        picture = page(HR, scale, rng) if rng.random() < DRAWN_CLEAN else turned(photo, rng)
        true = picture.astype(np.float32)
        low = np.clip(np.rint(downscale(true, scale)), 0, 255)
        if teacher is not None:
            true = teacher(low.astype(np.uint8)).astype(np.float32)
        yield make_sample(to_yuv420(low, *color), to_yuv420(true, *color), coded=False)


def _cut(planes: Planes, y: int, x: int, side: int) -> Planes:
    """A square window of a 4:2:0 picture, in luma pixels, all even."""
    luma, u, v = (p[y // s : (y + side) // s, x // s : (x + side) // s] for p, s in zip(planes, (1, 2, 2), strict=True))
    return luma, u, v


def _places(
    shape: tuple[int, ...], frames: int, grid_px: int, rng: np.random.Generator
) -> Iterator[tuple[int, int, int]]:
    """(frame, y, x) of windows in a shot, true pixels: every place once before any comes again."""
    steps = [(full - HR) // grid_px + 1 for full in shape[:2]]
    while True:
        for place in rng.permutation(frames * steps[0] * steps[1])[:1000]:
            t, y, x = np.unravel_index(int(place), (frames, *steps))
            yield int(t), int(y) * grid_px, int(x) * grid_px


def coded_samples(
    photos: Sequence[Rgb], clips: list[Path], count: int, scale: int, severity: float, rng: np.random.Generator
) -> Iterator[Sample]:
    """What really arrives: windows of one shot that went through cameras, scalers and codecs."""
    shot = draw_shot(photos, clips, HR, scale, severity, rng)
    color, damage = draw_color(rng), Damage.draw(severity, rng)
    low = damage.received(shot, scale, color, rng)
    true = [to_yuv420(frame.astype(np.float32), *color) for frame in shot.frames]
    places = _places(shot.frames[0].shape, len(low), shot.grid_px, rng)
    for t, y, x in islice(places, count):
        received = _cut(low[t], y // scale, x // scale, HR // scale)
        yield make_sample(received, _cut(true[t], y, x, HR), coded=True)


def head_of(folder: Path) -> dict[str, Any]:
    """What a set says of itself. Raises UsageError where there is no finished set."""
    path = folder / "head.json"
    if not path.is_file():
        raise UsageError(f"{folder}: holds no finished set of samples (edge_vsr.factory.dataset makes one)")
    head: dict[str, Any] = json.loads(path.read_text())
    return head


@dataclass
class Pairs:
    """A built set, mapped read-only: ``parts[name]`` is (N, side, side) uint8, ``cond`` (N, 2).

    clean: samples 0..clean-1 are the textbook task. severity: (N,) float32, 0 (clean) .. 1, rising.
    """

    parts: dict[str, npt.NDArray[np.uint8]]
    clean: int
    scale: int
    severity: npt.NDArray[np.float32]

    @property
    def low_side(self) -> int:
        """Side of the received luma, px."""
        return HR // self.scale

    @classmethod
    def open(cls, folder: Path) -> Pairs:
        """The set in ``folder``; one without scale or severity is of the first kind: x2, coded samples unordered.

        Raises UsageError where there is no finished set.
        """
        head = head_of(folder)
        parts = {n: np.load(folder / f"{n}.npy", mmap_mode="r") for n in [*PARTS, "cond"]}
        order = folder / "severity.npy"
        severity = np.load(order) if order.exists() else (np.arange(len(parts["cond"])) >= head["clean"])
        return cls(parts, head["clean"], head.get("scale", 2), severity.astype(np.float32))


@dataclass(frozen=True)
class Plan:
    """All that decides a set, and who makes which of its samples."""

    photos: Path
    clips: Path | None
    out: Path
    per_photo: int
    coded: int
    seed: int
    scale: int = 2
    teacher: Path | None = None

    def shots(self) -> list[tuple[int, float]]:
        """(number, severity) of every coded shot, lightest first; all but the last give ``WINDOWS`` samples."""
        count = -(-self.coded // WINDOWS)
        severity = np.random.default_rng([self.seed, _CODED]).random(count)
        return [(int(i), float(severity[i])) for i in np.argsort(severity, kind="stable")]

    def clip_paths(self) -> list[Path]:
        return clips_of(self.clips, HR) if self.clips else []

    def severity(self, clean: int) -> npt.NDArray[np.float32]:
        """(clean + coded,) float32: 0 for clean samples, then the shots' own, rising."""
        coded = np.repeat([s for _, s in self.shots()], WINDOWS)[: self.coded]
        return np.concatenate([np.zeros(clean), coded]).astype(np.float32)


def fill(plan: Plan, worker: int, workers: int) -> None:
    """Make every ``workers``-th item of the plan and write it into its place in the mapped files."""
    cv2.setNumThreads(1)
    photos, clips = np.load(plan.out / _PHOTOS, mmap_mode="r"), plan.clip_paths()
    arrays = {n: np.load(plan.out / f"{n}.npy", mmap_mode="r+") for n in [*PARTS, "cond"]}
    teacher = load_peer(plan.teacher, threads=1) if plan.teacher else None
    clean, total = len(photos) * plan.per_photo, len(arrays["cond"])

    def put(first: int, samples: Iterator[Sample]) -> None:
        parent = parent_process()
        if parent is not None and not parent.is_alive():
            os._exit(1)  # nobody waits for this worker; raising would only bring it back to an idle pool
        for slot, sample in enumerate(samples, first):
            for name, value in sample.items():
                arrays[name][slot] = value
        if worker == 0:
            print(f"{first}/{total} samples", flush=True)

    for index in range(worker, len(photos) if plan.per_photo else 0, workers):
        rng = np.random.default_rng([plan.seed, _CLEAN, index])
        put(index * plan.per_photo, clean_samples(photos[index], plan.per_photo, plan.scale, rng, teacher))
    for place, (number, severity) in list(enumerate(plan.shots()))[worker::workers]:
        rng = np.random.default_rng([plan.seed, _CODED, number])
        take = min(WINDOWS, plan.coded - place * WINDOWS)
        put(clean + place * WINDOWS, coded_samples(photos, clips, take, plan.scale, severity, rng))


def build(
    photos: Path,
    clips: Path | None,
    out: Path,
    per_photo: int,
    coded: int,
    seed: int,
    scale: int = 2,
    processes: int = 1,
    teacher: Path | None = None,
) -> None:
    """Build the set into the folder ``out``; progress on stdout. There is no clean task at ``scale`` 1.

    Raises UsageError where a folder is missing or no photo is large enough.
    """
    command.folder_of("--photos", photos)
    if clips is not None:
        command.folder_of("--clips", clips)
    if teacher is not None and not teacher.is_file():
        raise UsageError(f"--teacher {teacher}: no such file")
    plan = Plan(photos, clips, out, per_photo if scale > 1 else 0, coded, seed, scale, teacher)
    out.mkdir(parents=True, exist_ok=True)
    (out / "head.json").unlink(missing_ok=True)  # it comes last: a set without it is not finished
    pictures = read_photos(photos, HR)
    if not pictures:
        raise UsageError(f"no photo of at least {HR} px a side in {photos}")
    np.save(out / _PHOTOS, np.stack(pictures))
    clean = len(pictures) * plan.per_photo
    for name, shape in {**{n: (s, s) for n, s in part_sides(scale).items()}, "cond": (2,)}.items():
        np.lib.format.open_memmap(out / f"{name}.npy", "w+", np.uint8, (clean + coded, *shape))
    np.save(out / "severity.npy", plan.severity(clean))
    if processes == 1:
        fill(plan, 0, 1)
    else:
        with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
            for done in [pool.submit(fill, plan, worker, processes) for worker in range(processes)]:
                done.result()
    head = {"scale": scale, "clean": clean, "coded": coded, "seed": seed, "photos": len(pictures)}
    told = {"teacher": teacher.stem} if teacher else {}
    (out / _PHOTOS).unlink()
    text = json.dumps({**head, **told, "clips": [c.name for c in plan.clip_paths()]}, indent=1)
    write_atomic(out / "head.json", text.encode())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True, help="folder of lossless photos, at least 288 px a side")
    parser.add_argument("--clips", type=Path, help="folder of clean clips (.mp4)")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--scale", type=int, choices=SCALES, default=2, help="1: clean up without enlarging")
    parser.add_argument("--per-photo", type=int, default=4, help="clean samples of each photo; 0: none")
    parser.add_argument("--coded", type=int, default=3000, help="coded samples; 0: none")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--teacher", type=Path, help="an ONNX net whose answers stand for the truth (rgb -> rgb_up)")
    parser.add_argument("--processes", type=int, default=1)
    build(**vars(parser.parse_args()))


if __name__ == "__main__":
    command.run(main)
