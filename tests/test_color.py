"""Code values: textbook numbers, and no way back and forth that drifts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_vsr.color import BT709_LIMITED, JPEG_FULL, ColorSpace, Matrix, Range, rgb_to_yuv444, yuv444_to_rgb

KNOWN = [m for m in Matrix if m is not Matrix.UNSPECIFIED]

# 75 % colour bars, 8-bit limited BT.709 (ITU-R BT.1729, the codes that waveform monitors show).
BARS_709 = {
    "white": ((191, 191, 191), (180, 128, 128)),
    "yellow": ((191, 191, 0), (168, 44, 136)),
    "cyan": ((0, 191, 191), (145, 147, 44)),
    "green": ((0, 191, 0), (133, 63, 52)),
    "magenta": ((191, 0, 191), (63, 193, 204)),
    "red": ((191, 0, 0), (51, 109, 212)),
    "blue": ((0, 0, 191), (28, 212, 120)),
    "black": ((0, 0, 0), (16, 128, 128)),
}


def codes(rgb: tuple[int, int, int], color: ColorSpace, bits: int) -> tuple[int, ...]:
    planes = rgb_to_yuv444(np.array(rgb, np.uint8).reshape(1, 1, 3), color, bits, 8)
    return tuple(int(plane[0, 0]) for plane in planes)


def some_rgb(bits: int, count: int = 4000) -> np.ndarray:  # type: ignore[type-arg]
    peak = (1 << bits) - 1
    rng = np.random.default_rng(1)
    corners = np.array([[r, g, b] for r in (0, peak) for g in (0, peak) for b in (0, peak)])
    rgb = np.concatenate([corners, rng.integers(0, peak + 1, (count - 8, 3))]).reshape(-1, 40, 3)
    return rgb.astype(np.uint8 if bits == 8 else np.uint16)


@pytest.mark.parametrize("bar", BARS_709)
def test_colour_bars_have_the_codes_of_the_standard(bar: str) -> None:
    rgb, expected = BARS_709[bar]
    assert codes(rgb, BT709_LIMITED, 8) == expected


@pytest.mark.parametrize(
    ("range_", "bits", "black", "white"),
    [
        (Range.LIMITED, 8, (16, 128, 128), (235, 128, 128)),
        (Range.FULL, 8, (0, 128, 128), (255, 128, 128)),
        (Range.LIMITED, 10, (64, 512, 512), (940, 512, 512)),
        (Range.FULL, 10, (0, 512, 512), (1023, 512, 512)),
    ],
)
@pytest.mark.parametrize("matrix", KNOWN)
def test_black_and_white_sit_at_the_ends_of_the_range(
    matrix: Matrix, range_: Range, bits: int, black: tuple[int, ...], white: tuple[int, ...]
) -> None:
    color = ColorSpace(matrix, range_)
    assert codes((0, 0, 0), color, bits) == black
    assert codes((255, 255, 255), color, bits) == white


@pytest.mark.parametrize(
    ("matrix", "luma"),
    [
        (Matrix.BT709, (250, 691, 127)),
        (Matrix.FCC, (327, 581, 160)),
        (Matrix.BT470BG, (326, 578, 164)),
        (Matrix.SMPTE170M, (326, 578, 164)),
        (Matrix.SMPTE240M, (250, 678, 140)),
        (Matrix.BT2020_NCL, (294, 658, 116)),
    ],
)
def test_primaries_weigh_what_their_standard_says(matrix: Matrix, luma: tuple[int, int, int]) -> None:
    color = ColorSpace(matrix, Range.LIMITED)
    red, green, blue = (codes(rgb, color, 10) for rgb in ((255, 0, 0), (0, 255, 0), (0, 0, 255)))
    assert (red[0], green[0], blue[0]) == luma
    assert (red[2], blue[1]) == (960, 960)
    if matrix is Matrix.BT709:
        assert (red[1], green[1:], blue[2]) == (409, (167, 105), 471)


def test_jpeg_primaries_have_the_codes_of_jfif() -> None:
    assert codes((255, 0, 0), JPEG_FULL, 8) == (76, 85, 255)  # Cr would be 255.5: it saturates
    assert codes((0, 255, 0), JPEG_FULL, 8) == (150, 44, 21)
    assert codes((0, 0, 255), JPEG_FULL, 8) == (29, 255, 107)


@pytest.mark.parametrize("matrix", KNOWN)
@pytest.mark.parametrize("range_", Range)
@pytest.mark.parametrize("bits", [8, 10])
def test_grey_stays_grey(matrix: Matrix, range_: Range, bits: int) -> None:
    color = ColorSpace(matrix, range_)
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    y, u, v = rgb_to_yuv444(ramp, color, bits, 8)
    assert np.all(u == 128 << (bits - 8))
    assert np.all(v == 128 << (bits - 8))
    assert np.all(np.diff(y.astype(int)) >= 0)
    back = yuv444_to_rgb((y, u, v), color, bits)
    assert np.array_equal(back[..., 0], back[..., 1])
    assert np.array_equal(back[..., 1], back[..., 2])


@pytest.mark.parametrize("matrix", KNOWN)
@pytest.mark.parametrize("range_", Range)
def test_eight_bit_rgb_survives_ten_bit_yuv_unharmed(matrix: Matrix, range_: Range) -> None:
    color, rgb = ColorSpace(matrix, range_), some_rgb(8)
    if range_ is Range.LIMITED:  # full range cannot hold the last half code of pure red and blue
        assert np.array_equal(yuv444_to_rgb(rgb_to_yuv444(rgb, color, 10, 8), color, 10), rgb)
    else:
        error = yuv444_to_rgb(rgb_to_yuv444(rgb, color, 10, 8), color, 10).astype(int) - rgb
        assert np.abs(error).max() <= 1
        inner = rgb[(rgb.min(axis=2) > 0) & (rgb.max(axis=2) < 255)].reshape(-1, 1, 3)
        assert np.array_equal(yuv444_to_rgb(rgb_to_yuv444(inner, color, 10, 8), color, 10), inner)


@pytest.mark.parametrize("matrix", KNOWN)
@pytest.mark.parametrize(("range_", "worst"), [(Range.FULL, 1), (Range.LIMITED, 2)])
def test_eight_bits_each_way_cost_no_more_than_their_rounding(matrix: Matrix, range_: Range, worst: int) -> None:
    # Half a code of Y and of Cb or Cr, times at most 255/219 and 1.88 * 255/224: below 1.5 and 2.5 before rounding.
    color, rgb = ColorSpace(matrix, range_), some_rgb(8)
    error = yuv444_to_rgb(rgb_to_yuv444(rgb, color, 8, 8), color, 8).astype(int) - rgb
    assert np.abs(error).max() <= worst
    assert abs(error.mean()) < 0.02


@pytest.mark.parametrize("matrix", KNOWN)
@pytest.mark.parametrize("bits", [8, 10])
@pytest.mark.parametrize("range_", Range)
def test_yuv_inside_the_rgb_cube_comes_back_within_one_code(matrix: Matrix, bits: int, range_: Range) -> None:
    color, rgb = ColorSpace(matrix, range_), some_rgb(bits)
    first = rgb_to_yuv444(rgb, color, bits, bits)
    again = rgb_to_yuv444(yuv444_to_rgb(first, color, bits, bits), color, bits, bits)
    assert max(int(np.abs(a.astype(int) - b).max()) for a, b in zip(first, again, strict=True)) <= 1


@given(st.lists(st.integers(0, 255), min_size=3, max_size=3), st.sampled_from(KNOWN), st.sampled_from(list(Range)))
def test_ten_bit_codes_are_four_times_eight_bit_ones(rgb: list[int], matrix: Matrix, range_: Range) -> None:
    color = ColorSpace(matrix, range_)
    eight, ten = codes(tuple(rgb), color, 8), codes(tuple(rgb), color, 10)  # type: ignore[arg-type]
    slack = 5.5 if range_ is Range.FULL else 2.5  # full range ends at 1023, which is 3 more than 4 x 255
    assert all(abs(t - 4 * e) <= slack for e, t in zip(eight, ten, strict=True))


def test_an_out_of_gamut_colour_is_clipped_not_wrapped() -> None:
    planes = tuple(np.full((1, 1), code, np.uint8) for code in (235, 240, 240))
    assert yuv444_to_rgb(planes, BT709_LIMITED, 8).tolist() == [[[255, 171, 255]]]  # type: ignore[arg-type]


@pytest.mark.parametrize(("height", "matrix"), [(576, Matrix.SMPTE170M), (719, Matrix.SMPTE170M), (720, Matrix.BT709)])
def test_an_unspecified_matrix_is_guessed_by_height(height: int, matrix: Matrix) -> None:
    assert ColorSpace().settled(height).matrix is matrix
    assert ColorSpace(Matrix.BT2020_NCL).settled(height).matrix is Matrix.BT2020_NCL


def test_an_unspecified_picture_is_shown_by_the_guessed_matrix() -> None:
    planes = tuple(np.full((720, 1), code, np.uint8) for code in (51, 109, 212))
    assert yuv444_to_rgb(planes, ColorSpace(), 8)[0, 0].tolist() == [191, 0, 1]  # type: ignore[arg-type]
