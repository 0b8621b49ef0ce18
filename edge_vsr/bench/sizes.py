"""Whether cost grows with the picture and no faster: CPU time for a megapixel, and memory, from 720p to 8K.

Every size shows the same drawn scene, mirrored out, so that a megapixel of one is as hard as one of another. Each is
measured in a process of its own.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace

import cv2

from edge_vsr.bench import ours
from edge_vsr.bench.live_content import mosaic
from edge_vsr.bench.machine import child
from edge_vsr.bench.stage_costs import measure_engine
from edge_vsr.capture.pattern import PatternSource

SIZES = {"720p": (1280, 720), "1080p": (1920, 1080), "4K": (3840, 2160), "8K": (7680, 4320)}
_SCENE_PX = (640, 360)
_TARGET = "x2"
_FRAMES = 4


@dataclass(frozen=True, slots=True)
class SizeCost:
    """Of one output size, by a x2 enlargement. ms_per_mpx: CPU for a million pixels of output, every tile and sparse.

    peak_mb: resident memory of the process with every tile computed, at most; its four source frames are in it.
    """

    name: str
    every_tile_ms_per_mpx: float
    sparse_ms_per_mpx: float
    peak_mb: float


def measure_sizes(sizes: dict[str, tuple[int, int]] = SIZES) -> list[SizeCost]:
    """Every output size by its name. Raises RuntimeError when a process fails."""
    found = []
    for name, size in sizes.items():
        print(f"size: {name}", file=sys.stderr)
        full, sparse = (
            child("edge_vsr.bench.sizes:cost_of", *map(str, size), str(sparsity)) for sparsity in (0.0, ours.SPARSE)
        )
        found.append(SizeCost(name, full.told, sparse.told, full.peak_mb))
    return found


def cost_of(arguments: list[str]) -> float:
    """CPU ms for a megapixel of output; arguments: its width, its height, sparsity. What a process of its own does.

    Raises EdgeVsrError.
    """
    cv2.setNumThreads(1)  # as a job does
    wide, tall, sparsity = int(arguments[0]), int(arguments[1]), float(arguments[2])
    source = PatternSource(*_SCENE_PX, frame_count=_FRAMES)
    pictures = [mosaic(frame, wide // 2, tall // 2) for frame in source.frames()]
    source.close()
    video = replace(source.info.video, width_px=wide // 2, height_px=tall // 2)
    return measure_engine(video, _TARGET, pictures, sparsity).total_ms / (wide * tall / 1e6)


def spread(costs: list[float]) -> float:
    """By how much the dearest is above the cheapest, as a share of it."""
    return max(costs) / min(costs) - 1
