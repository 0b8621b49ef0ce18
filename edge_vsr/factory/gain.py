"""Fit what the router expects a net to gain, tile by tile, and write it into the manifest.

python -m edge_vsr.factory.gain --model models_quantized/x2-light/1 --clips CLIPS_DIR

Every clip is shrunk, coded as its net's sources are, and enlarged with the net on every tile. How far squared error
falls on a tile is then explained by the features that the device will see (``upscale/gains``), by least squares with
non-negative weights. Printed: how much of the gain the tiles hold that the fit ranks first, beside the best ranking.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from edge_vsr.bench import ours
from edge_vsr.bench.clips import Clip, find_clips
from edge_vsr.bench.coded import SETTINGS, round_trip
from edge_vsr.bench.video import shrunk
from edge_vsr.factory import card, command
from edge_vsr.frame import Frame
from edge_vsr.models.manifest import Manifest, read_manifest
from edge_vsr.upscale import gains, tiles
from edge_vsr.upscale.analyse.analysis import Analyser, Area
from edge_vsr.upscale.layout import Layout
from edge_vsr.upscale.resample import KERNELS
from edge_vsr.upscale.seen import eight_bit_420

_SHARES = (0.3, 0.5, 0.7)
_WARM = 2  # frames from which the analysis learns the noise
Float = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Samples:
    """features (tiles, features); fall (tiles,): of squared error per luma pixel of the output, 8-bit codes squared."""

    features: Float
    fall: Float


def fit(samples: Samples) -> tuple[float, ...]:
    """Non-negative weights of the features: the best of all least-squares fits of some of them that have no other."""
    best, weights = np.inf, np.zeros(samples.features.shape[1])
    for count in range(1, len(weights) + 1):
        for some in combinations(range(len(weights)), count):
            found, *_ = np.linalg.lstsq(samples.features[:, some], samples.fall, rcond=None)
            error = float(np.square(samples.features[:, some] @ found - samples.fall).sum())
            if found.min() >= 0 and error < best:
                best, weights = error, np.zeros_like(weights)
                weights[list(some)] = found
    return tuple(float(f"{weight:.4g}") for weight in weights)


def held(samples: Samples, rank: Float, share: float) -> float:
    """Which part of all gain lies in that share of the tiles, those with the highest ``rank``."""
    first = np.argsort(-rank)[: round(len(rank) * share)]
    return float(samples.fall[first].sum() / samples.fall.sum())


def collect(folder: Path, clips: list[Clip], frames: int) -> Samples:
    """Features and gains of all tiles of all clips. Raises EdgeVsrError."""
    manifest = read_manifest(folder)
    features, falls = [], []
    for clip in clips:
        truth = clip.frames(frames + _WARM, 2 * manifest.scale)
        small = [shrunk(frame, manifest.scale) for frame in truth]
        sources = [small] if manifest.source != "coded" else []
        if manifest.source != "clean":
            sources += [round_trip(small, setting, clip.rate).frames for setting in SETTINGS]
        for index, source in enumerate(sources):
            coded = index > 0 or manifest.source == "coded"
            for row, fall in _tiles(folder, manifest, source, truth, coded):
                features.append(row)
                falls.append(fall)
    return Samples(np.concatenate(features).astype(np.float64), np.concatenate(falls))


def _tiles(
    folder: Path, manifest: Manifest, source: list[Frame], truth: list[Frame], coded: bool
) -> Iterator[tuple[npt.NDArray[np.float32], Float]]:
    """Features and gains of the tiles of each frame behind the first ones."""
    first, kernel = source[0], KERNELS[manifest.base_kernel]
    layout = Layout.of(first.width_px, first.height_px, tiles.CORE, manifest.scale, kernel)
    analyser = Analyser(first.width_px, first.height_px, layout.areas, coded)
    engine = ours.build_engine(str(folder), ours.video_of(first, coded), manifest.scale, first.layout)
    for index, (frame, true) in enumerate(zip(source, truth, strict=True)):
        analysis = analyser.analyse(eight_bit_420(frame, kernel), None)
        if index < _WARM:
            continue
        base, made = (
            np.square(one.planes[0].astype(np.float64) - true.planes[0])
            for one in (engine.base_of(frame), engine.process(frame))
        )
        yield gains.features(analysis), np.array([_mean(base - made, area, manifest.scale) for area in layout.areas])


def _mean(plane: Float, area: Area, scale: int) -> float:
    return float(plane[area.top * scale : area.bottom * scale, area.left * scale : area.right * scale].mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="a model package folder")
    parser.add_argument("--clips", type=Path, required=True, help="folder of films and of folders of numbered frames")
    parser.add_argument("--frames", type=int, default=3, help="frames of each clip")
    args = parser.parse_args()
    samples = collect(args.model, find_clips(args.clips), args.frames)
    weights = fit(samples)
    card.write(args.model, msgspec.structs.replace(read_manifest(args.model), gain=weights))
    print(", ".join(f"{name} {weight:g}" for name, weight in zip(gains.FEATURES, weights, strict=True)))
    predicted = samples.features @ np.array(weights)
    for share in _SHARES:
        by_fit, at_best = held(samples, predicted, share), held(samples, samples.fall, share)
        print(f"best {share:.0%} of {len(predicted)} tiles: {by_fit:.1%} of the gain, {at_best:.1%} at best")


if __name__ == "__main__":
    command.run(main)
