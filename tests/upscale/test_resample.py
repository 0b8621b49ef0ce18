"""The base picture, held against a resampler written as plainly as the definition reads."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from upscale_frames import L420, L422, L444, flat_frame, noise_frame, same_picture

from edge_vsr.frame import ChromaLayout, Frame, Siting
from edge_vsr.upscale.resample import KERNELS, Axis, axis, resample_float, resample_frame, resample_plane

SITINGS = [Siting(0.0, 0.5), Siting(0.5, 0.5), Siting(0.0, 0.0), Siting(0.5, 0.0), Siting(1.0, 1.0)]
DEPTHS = {8: np.uint8, 10: np.uint16}


def cubic(t: float) -> float:
    """Keys 1981, equation 15."""
    s = abs(t)
    if s < 1:
        return 1.5 * s**3 - 2.5 * s**2 + 1
    return -0.5 * s**3 + 2.5 * s**2 - 4 * s + 2 if s < 2 else 0.0


def lanczos(t: float) -> float:
    if t == 0:
        return 1.0
    if abs(t) >= 3:
        return 0.0
    return 3 * math.sin(math.pi * t) * math.sin(math.pi * t / 3) / (math.pi * t) ** 2


NAIVE = {"bicubic": (cubic, 2), "lanczos3": (lanczos, 3)}


def naive_row(row: list[float], ax: Axis, kernel: str) -> list[float]:
    weight, support = NAIVE[kernel]
    stretch = max(1.0, ax.pitch)
    out = []
    for j in range(ax.dst):
        at = ax.start + j * ax.pitch
        total = norm = 0.0
        for i in range(math.floor(at - support * stretch), math.ceil(at + support * stretch) + 1):
            w = weight((i - at) / stretch)
            total += w * row[min(max(i, 0), len(row) - 1)]
            norm += w
        out.append(total / norm)
    return out


def naive(plane: np.ndarray, ax_x: Axis, ax_y: Axis, kernel: str) -> np.ndarray:  # type: ignore[type-arg]
    columns = [naive_row([float(v) for v in column], ax_y, kernel) for column in plane.T]
    return np.array([naive_row(list(row), ax_x, kernel) for row in zip(*columns, strict=True)])


def assert_rounded(codes: np.ndarray, exact: np.ndarray, peak: int) -> None:  # type: ignore[type-arg]
    """Codes are the exact values, clipped, to the nearest integer (either one at a tie)."""
    assert codes.shape == exact.shape
    assert np.abs(codes.astype(float) - np.clip(exact, 0, peak)).max() <= 0.5 + 2e-3 * (peak + 1) / 1024


def random_plane(h: int, w: int, bits: int, seed: int = 0) -> np.ndarray:  # type: ignore[type-arg]
    """Extremes, so that negative lobes overshoot both ends."""
    rng = np.random.default_rng(seed)
    return rng.choice([0, 3, 1 << (bits - 1), (1 << bits) - 1], (h, w)).astype(DEPTHS[bits])


@given(
    st.tuples(st.integers(1, 12), st.integers(1, 12)),
    st.tuples(st.integers(1, 26), st.integers(1, 26)),
    st.sampled_from(sorted(KERNELS)),
    st.sampled_from([8, 10]),
    st.integers(-16, 16).map(lambda n: n / 32),
)
@settings(max_examples=60)
def test_any_ratio_matches_the_plain_definition(
    src: tuple[int, int], dst: tuple[int, int], kernel: str, bits: int, site: float
) -> None:
    plane, peak = random_plane(*src, bits), (1 << bits) - 1
    ax_y = axis(src[0], dst[0], src[0], dst[0], (1, 1), (site, 0.0))
    ax_x = axis(src[1], dst[1], src[1], dst[1], (1, 1), (0.0, site))
    exact = naive(plane, ax_x, ax_y, kernel)
    assert np.abs(resample_float(plane.astype(np.float32), ax_x, ax_y, KERNELS[kernel]) - exact).max() < peak * 2e-6
    codes = resample_plane(plane, ax_x, ax_y, KERNELS[kernel], peak)
    assert codes.dtype == plane.dtype
    assert_rounded(codes, exact, peak)


@pytest.mark.parametrize("dst", [(41, 150), (130, 67), (9, 200)])
@pytest.mark.parametrize("bits", [8, 10])
def test_a_picture_of_many_blocks_matches_the_plain_definition(dst: tuple[int, int], bits: int) -> None:
    plane, peak = random_plane(23, 70, bits, seed=3), (1 << bits) - 1
    ax_y, ax_x = axis(23, dst[0], 23, dst[0]), axis(70, dst[1], 70, dst[1])
    codes = resample_plane(plane, ax_x, ax_y, KERNELS["bicubic"], peak)
    assert_rounded(codes, naive(plane, ax_x, ax_y, "bicubic"), peak)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (2, 3), (7, 1), (17, 16), (33, 70)])
@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("bits", [8, 10])
def test_doubling_takes_its_fast_route_to_the_same_codes(size: tuple[int, int], kernel: str, bits: int) -> None:
    h, w = size
    plane, peak = random_plane(h, w, bits, seed=h * w), (1 << bits) - 1
    for old, new in itertools.product(SITINGS, SITINGS[:2]):
        # The axes of luma (no step) and of 4:2:0 chroma at each siting, before and after.
        for step, sites in (((1, 1), Siting(0, 0)), ((2, 2), old)):
            ax_x = axis(w, 2 * w, w * step[0], 2 * w * step[0], step, (sites.x, new.x if step[0] > 1 else 0.0))
            ax_y = axis(h, 2 * h, h * step[1], 2 * h * step[1], step, (sites.y, new.y if step[0] > 1 else 0.0))
            banded = resample_float(plane.astype(np.float32), ax_x, ax_y, KERNELS[kernel])
            fast = resample_plane(plane, ax_x, ax_y, KERNELS[kernel], peak)
            by_linear = kernel == "bicubic" and bits == 8 and (ax_x.start, ax_y.start) == (-0.25, -0.25)
            tie = np.abs(banded - np.floor(banded) - 0.5) < (1 / 64 if by_linear else 1e-3)
            wanted = np.clip(np.rint(banded), 0, peak)
            assert np.array_equal(fast[~tie], wanted[~tie])
            assert np.abs(fast - wanted)[tie].max(initial=0) <= by_linear or kernel == "lanczos3"


@pytest.mark.parametrize("bits", [8, 10])
@pytest.mark.parametrize("factor", [2, 3, 4])
@pytest.mark.parametrize(("step", "site"), [(1, 0.0), (2, 0.0), (2, 0.5)])
def test_a_part_with_a_margin_gives_what_the_whole_gives(bits: int, factor: int, step: int, site: float) -> None:
    h, w, margin, peak = 47, 91, 3, (1 << bits) - 1
    plane = random_plane(h, w, bits, seed=factor)

    def enlarged(part: npt.NDArray[Any]) -> npt.NDArray[Any]:
        ax_y, ax_x = (axis(n, n * factor, n * step, n * factor * step, (step, step), (site, site)) for n in part.shape)
        return resample_plane(part, ax_x, ax_y, KERNELS["bicubic"], peak)

    whole = enlarged(plane)
    for top, left, bottom, right in ((0, 0, 10, 20), (5, 33, 29, 34), (40, 60, 47, 91)):
        first, before = max(0, top - margin), max(0, left - margin)
        part = enlarged(plane[first : bottom + margin, before : right + margin])
        part = part[factor * (top - first) :, factor * (left - before) :]
        mine = whole[factor * top : factor * bottom, factor * left : factor * right]
        assert np.array_equal(part[: mine.shape[0], : mine.shape[1]], mine)


@pytest.mark.parametrize("bits", [8, 10])
@pytest.mark.parametrize("dst", [14, 13, 21])
def test_overshoot_is_clipped_at_both_ends(bits: int, dst: int) -> None:
    peak = (1 << bits) - 1
    stripes = np.tile(np.repeat([0, peak], 2), 2)[None, :7].repeat(7, axis=0).astype(DEPTHS[bits])
    ax = axis(7, dst, 7, dst)
    exact = resample_float(stripes.astype(np.float32), ax, ax, KERNELS["bicubic"])
    codes = resample_plane(stripes, ax, ax, KERNELS["bicubic"], peak)
    assert exact.min() < -1
    assert exact.max() > peak + 1
    assert (codes.min(), codes.max()) == (0, peak)


@given(
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
    st.tuples(st.integers(1, 90), st.integers(1, 90)),
    st.sampled_from(list(ChromaLayout)),
    st.sampled_from(list(ChromaLayout)),
    st.sampled_from(SITINGS),
    st.sampled_from(sorted(KERNELS)),
    st.sampled_from([8, 10]),
)
@settings(max_examples=80)
def test_one_colour_stays_one_colour(
    src: tuple[int, int],
    dst: tuple[int, int],
    old: ChromaLayout,
    new: ChromaLayout,
    siting: Siting,
    kernel: str,
    bits: int,
) -> None:
    codes = (235 << (bits - 8), 37, (1 << bits) - 1)
    made = resample_frame(flat_frame(*src, codes, bits, old), *dst, KERNELS[kernel], new, siting)
    assert (made.width_px, made.height_px, made.layout, made.siting) == (*dst, new, siting)
    for plane, code, layout in zip(made.planes, codes, (L444, new, new), strict=True):
        assert plane.shape == layout.plane_size(*dst)[::-1]
        assert np.all(plane == code)


@pytest.mark.parametrize(("old", "new"), list(itertools.product(ChromaLayout, ChromaLayout)))
@pytest.mark.parametrize("factor", [1, 2, 3, 1.5])
def test_chroma_moves_by_exactly_its_siting(old: ChromaLayout, new: ChromaLayout, factor: float) -> None:
    """A ramp sampled where the old siting says comes out sampled where the new one says."""
    width, height = 64, 48
    dst_w, dst_h = round(width * factor), round(height * factor)
    for before, after in itertools.product(SITINGS, SITINGS[:3]):

        def ramp(layout: ChromaLayout, siting: Siting, ratio: float) -> np.ndarray:  # type: ignore[type-arg]
            w, h = layout.plane_size(round(width * ratio), round(height * ratio))
            x = ((np.arange(w) * layout.step_x + siting.x + 0.5) / ratio - 0.5)[None, :]
            y = ((np.arange(h) * layout.step_y + siting.y + 0.5) / ratio - 0.5)[:, None]
            return 20 + 8 * x + 8 * y

        source = flat_frame(width, height, (500, 512, 512), 10, old)
        chroma = ramp(old, before, 1.0)
        assert np.array_equal(chroma, np.rint(chroma))  # the ramp itself is free of rounding
        planes = (source.planes[0], *[chroma.astype(np.uint16)] * 2)
        bicubic = KERNELS["bicubic"]
        made = resample_frame(source.with_(planes=planes, siting=before), dst_w, dst_h, bicubic, new, after)
        away_y, away_x = (math.ceil(10 * factor / step) for step in (new.step_y, new.step_x))
        away = (slice(away_y, -away_y), slice(away_x, -away_x))  # from edges, which repeat
        error = made.planes[1][away] - ramp(new, after, factor)[away]
        # Cubic convolution keeps a straight line straight; widened for a reduction, to a 16th of a pixel.
        straight = new.step_x <= old.step_x * factor and new.step_y <= old.step_y * factor
        assert error.size
        assert np.abs(error).max() <= 0.5 + 1e-3 + (0 if straight else 8 / 16)
        assert np.array_equal(made.planes[1], made.planes[2])


@pytest.mark.parametrize("old", ChromaLayout)
@pytest.mark.parametrize("new", ChromaLayout)
@pytest.mark.parametrize("size", [(31, 17), (31, 18), (20, 34), (62, 34), (7, 5)])
def test_whole_frames_match_the_plain_definition(old: ChromaLayout, new: ChromaLayout, size: tuple[int, int]) -> None:
    frame = noise_frame(31, 17, 10, old)
    made = resample_frame(frame, *size, KERNELS["bicubic"], new, Siting(0.5, 0.5))
    for index, plane in enumerate(made.planes):
        (sx, dx), (sy, dy) = ((old.step_x, new.step_x), (old.step_y, new.step_y)) if index else ((1, 1), (1, 1))
        site = (frame.siting, Siting(0.5, 0.5)) if index else (Siting(0, 0), Siting(0, 0))
        # Written out: output sample j lies at luma pixel j * d + site of its picture; picture edges coincide.
        axes = [
            Axis(
                frame.planes[index].shape[k],
                plane.shape[k],
                ((b + 0.5) * src / dst - 0.5 - a) / s,
                d * src / dst / s,
            )
            for k, src, dst, s, d, a, b in (
                (1, 31, size[0], sx, dx, site[0].x, site[1].x),
                (0, 17, size[1], sy, dy, site[0].y, site[1].y),
            )
        ]
        assert_rounded(plane, naive(frame.planes[index], axes[0], axes[1], "bicubic"), 1023)


@pytest.mark.parametrize("kernel", KERNELS)
def test_shrinking_averages_what_it_cannot_show(kernel: str) -> None:
    checks = (np.indices((48, 64)).sum(axis=0) % 2 * 255).astype(np.uint8)
    for factor in (2, 4):
        ax_x, ax_y = axis(64, 64 // factor, 64, 64 // factor), axis(48, 48 // factor, 48, 48 // factor)
        small = resample_plane(checks, ax_x, ax_y, KERNELS[kernel], 255)[3:-3, 3:-3]
        assert np.all(np.abs(small.astype(int) - 127.5) <= 0.5)
    ax_x, ax_y = axis(64, 37, 64, 37), axis(48, 29, 48, 29)
    odd = resample_plane(checks, ax_x, ax_y, KERNELS[kernel], 255)[3:-3, 3:-3]
    assert np.all(np.abs(odd.astype(int) - 127.5) <= 8)


@pytest.mark.parametrize("layout", ChromaLayout)
@pytest.mark.parametrize("bits", [8, 10])
def test_the_same_size_passes_through(layout: ChromaLayout, bits: int) -> None:
    frame = noise_frame(33, 21, bits, layout)
    assert same_picture(resample_frame(frame, 33, 21, KERNELS["lanczos3"], layout, frame.siting), frame)


def test_another_layout_leaves_luma_alone() -> None:
    frame = noise_frame(33, 21, 10, L422)
    made = resample_frame(frame, 33, 21, KERNELS["bicubic"], L420, Siting(0, 0.5))
    assert np.array_equal(made.planes[0], frame.planes[0])
    assert [p.shape for p in made.planes] == [(21, 33), (11, 17), (11, 17)]


def test_a_view_with_a_stride_resamples_like_its_copy() -> None:
    wide = noise_frame(64, 48)
    planes = (wide.planes[0][2:22, 4:34], wide.planes[1][2:22, 1:31], wide.planes[2][2:22, 2:32])
    view = Frame(planes, 8, L444, wide.color, Siting(0, 0))
    copy = view.with_(planes=tuple(p.copy() for p in view.planes))
    for size in ((60, 40), (47, 33)):
        a, b = (resample_frame(f, *size, KERNELS["bicubic"], L444, f.siting) for f in (view, copy))
        assert same_picture(a, b)


def test_everything_but_the_picture_travels_along() -> None:
    frame = noise_frame(16, 16, pts=5, stamps={"capture": 3})
    made = resample_frame(frame, 32, 32, KERNELS["bicubic"], L420, frame.siting)
    assert (made.pts, made.stamps, made.color, made.bit_depth) == (5, {"capture": 3}, frame.color, 8)
