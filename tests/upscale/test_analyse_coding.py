"""Coding damage of tiles, held against real encoders."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from analyse_frames import grid, last_of, planes, texture
from test_analyse import Luma, coded, natural

from edge_vsr.upscale.analyse.analysis import Area, Planes8

QUANTISERS = {"mpeg2video": (2, 6, 12, 24, 31), "libx264": (10, 28, 36, 44, 50)}


def frame(luma: Luma) -> Planes8:
    return planes(luma.astype(np.float64))


def damage(luma: Luma, areas: list[Area] | None = None) -> float:
    return float(
        last_of([frame(luma)] * 2, areas or grid(luma.shape[0], luma.shape[1], 64, 64), coded=True).coding.mean()
    )


@pytest.mark.parametrize("codec", QUANTISERS)
@pytest.mark.parametrize("rough", [True, False])
def test_damage_rises_with_the_quantiser(codec: str, rough: bool) -> None:
    source = natural() if rough else planes(texture(192, 256), 1)[0]
    seen = [damage(source), *(damage(coded(source, codec, q)) for q in QUANTISERS[codec])]
    assert seen[0] < 0.1
    assert all(after > before - 0.06 for before, after in pairwise(seen))
    assert seen[-1] > seen[0] + 0.2
    assert seen[-1] > 0.7 or codec == "libx264"


@pytest.mark.parametrize("shift", [(0, 0), (3, 5), (1, 0), (0, 7)])
def test_a_cropped_grid_is_found(shift: tuple[int, int]) -> None:
    luma = coded(natural(), "mpeg2video", 24)[shift[0] :, shift[1] :]
    assert damage(np.ascontiguousarray(luma)) > 0.4


def test_damage_is_told_tile_by_tile() -> None:
    luma = natural((192, 512))
    luma[:, :256] = coded(luma[:, :256].copy(), "mpeg2video", 31)
    left, right = Area(0, 0, 192, 240), Area(0, 272, 192, 512)
    seen = last_of([frame(luma)], [left, right], coded=True).coding
    assert seen[0] > 0.6
    assert seen[1] < 0.2


def test_what_no_codec_has_touched_is_undamaged() -> None:
    assert not last_of([frame(coded(natural(), "mpeg2video", 31))]).coding.any()
