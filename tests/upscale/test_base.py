"""The base in parts: every part of it is the same part of the whole picture's."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from upscale_frames import L420, L422, L444, noise_frame

from edge_vsr.color import Plane, Planes
from edge_vsr.frame import ChromaLayout, Frame
from edge_vsr.upscale import base
from edge_vsr.upscale.analyse.analysis import Area
from edge_vsr.upscale.resample import KERNELS, resample_frame

FORMATS = st.tuples(st.sampled_from([8, 10]), st.sampled_from(ChromaLayout))
UNTOUCHED = 77


def marked(frame: Frame, factor: int) -> Planes:
    """Planes of the output's size in which what nobody wrote can be told."""
    planes = base.blank(frame, factor).planes
    for plane in planes:
        plane[:] = UNTOUCHED
    return planes


def inside(area: Area, plane: Plane, step: tuple[int, int], factor: int) -> npt.NDArray[np.bool_]:
    """Which samples of a plane of the output lie in an area: those whose first luma pixel does."""
    rows, columns = np.indices(plane.shape)
    tall = (rows * step[1] >= area.top * factor) & (rows * step[1] < area.bottom * factor)
    wide = (columns * step[0] >= area.left * factor) & (columns * step[0] < area.right * factor)
    return np.asarray(tall & wide, np.bool_)


@st.composite
def parted(draw: st.DrawFn) -> tuple[tuple[int, int], Area]:
    """A picture's size and an area of it, which may reach beyond it."""
    width, height = draw(st.integers(1, 41)), draw(st.integers(1, 41))
    top, left = 2 * draw(st.integers(0, (height - 1) // 2)), 2 * draw(st.integers(0, (width - 1) // 2))
    bottom, right = top + 2 * draw(st.integers(1, 12)), left + 2 * draw(st.integers(1, 12))
    if draw(st.booleans()):
        bottom, right = min(bottom, height), min(right, width)
    return (width, height), Area(top, left, bottom, right)


def apart(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> int:
    """The largest difference, in code values."""
    return int(np.abs(a.astype(int) - b.astype(int)).max(initial=0))


@given(parted(), FORMATS, st.integers(1, 4), st.sampled_from(["bicubic", "lanczos3"]), st.integers(1, 99))
@settings(max_examples=150)
def test_a_part_of_the_base_is_that_part_of_the_base_in_one_piece_and_nothing_else_is_written(
    cut: tuple[tuple[int, int], Area], kind: tuple[int, ChromaLayout], factor: int, kernel: str, seed: int
) -> None:
    """The weights of Lanczos are no binary fractions: what lies between two codes may be rounded either way."""
    (width, height), area = cut
    frame = noise_frame(width, height, *kind, seed=seed)
    out, whole = marked(frame, factor), marked(frame, factor)
    base.base_area(frame, out, area, factor, KERNELS[kernel])
    base.base_area(frame, whole, Area(0, 0, height, width), factor, KERNELS[kernel])
    for plane, true, step in zip(out, whole, ((1, 1), kind[1].value, kind[1].value), strict=True):
        mine = inside(area, plane, step, factor)
        assert apart(plane[mine], true[mine]) <= (kernel == "lanczos3")
        assert np.all(plane[~mine] == UNTOUCHED)


@given(parted(), FORMATS, st.integers(1, 4), st.sampled_from(["bicubic", "lanczos3"]), st.integers(1, 99))
@settings(max_examples=150)
def test_a_part_of_the_base_is_that_part_of_the_resampled_frame(
    cut: tuple[tuple[int, int], Area], kind: tuple[int, ChromaLayout], factor: int, kernel: str, seed: int
) -> None:
    """To the code, but for shared chroma of odd pictures: no exact doubling there, so another route, rounded anew."""
    (width, height), area = cut
    frame = noise_frame(width, height, *kind, seed=seed)
    whole = resample_frame(frame, width * factor, height * factor, KERNELS[kernel], frame.layout, frame.siting)
    out = marked(frame, factor)
    base.base_area(frame, out, area, factor, KERNELS[kernel])
    for plane, true, step in zip(out, whole.planes, ((1, 1), kind[1].value, kind[1].value), strict=True):
        mine, odd = inside(area, plane, step, factor), width % step[0] or height % step[1]
        assert apart(plane[mine], true[mine]) <= (kernel == "lanczos3" or bool(odd))


@given(parted(), FORMATS, st.integers(1, 4))
@settings(max_examples=60)
def test_an_area_is_taken_over_and_nothing_else_is_touched(
    cut: tuple[tuple[int, int], Area], kind: tuple[int, ChromaLayout], factor: int
) -> None:
    (width, height), area = cut
    frame = noise_frame(width, height, *kind)
    former, out = noise_frame(width * factor, height * factor, *kind, seed=5).planes, marked(frame, factor)
    base.copy_area(former, out, frame, area, factor)
    for plane, was, step in zip(out, former, ((1, 1), kind[1].value, kind[1].value), strict=True):
        mine = inside(area, plane, step, factor)
        assert np.array_equal(plane[mine], was[mine])
        assert np.all(plane[~mine] == UNTOUCHED)


@pytest.mark.parametrize("layout", [L420, L422, L444])
@pytest.mark.parametrize(("bits", "dtype"), [(8, np.uint8), (10, np.uint16)])
def test_a_blank_frame_has_planes_of_its_own_and_all_else_from_the_source(
    bits: int, dtype: type, layout: ChromaLayout
) -> None:
    frame = noise_frame(13, 7, bits, layout, pts=41)
    blank = base.blank(frame, 3)
    assert [plane.shape for plane in blank.planes] == [(21, 39), *[layout.plane_size(39, 21)[::-1]] * 2]
    assert all(plane.dtype == dtype and plane.flags.writeable for plane in blank.planes)
    assert blank.with_(planes=frame.planes) == frame
    assert not any(np.shares_memory(a, b) for a in blank.planes for b in frame.planes)
