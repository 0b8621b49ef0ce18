"""Where the picture goes: sizes, bars, crops, and targets as people write them."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from edge_vsr.errors import UsageError
from edge_vsr.upscale.geometry import MAX_OUTPUT_PX, Fit, Geometry, Target, parse_target, plan

SIDES = st.integers(16, 4096)
BOXES = st.tuples(st.integers(64, 8192), st.integers(64, 8192))
SARS = st.sampled_from([Fraction(1), Fraction(64, 45), Fraction(16, 15), Fraction(8, 9), Fraction(10, 11), Fraction(2)])
UHD = Target(box=(3840, 2160))


def shape_of(width: int, height: int, sar: Fraction) -> Fraction:
    return width * sar / height


@given(SIDES, SIDES, SARS, BOXES, st.sampled_from([Fit.LETTERBOX, Fit.INSIDE, Fit.CROP]), st.booleans())
def test_the_picture_keeps_its_shape(
    width: int, height: int, sar: Fraction, box: tuple[int, int], fit: Fit, exact: bool
) -> None:
    shape = shape_of(width, height, sar)
    assume(Fraction(1, 8) < shape < 8)
    across, down = plan(width, height, sar, Target(box=box), fit, exact).picture
    # Rounding to even moves a side by one pixel; slivers of up to four pixels are swallowed on purpose.
    slack = 6 * max(1, shape)
    assert abs(across - down * shape) <= slack + 1


@given(SIDES, SIDES, SARS, st.integers(1, 4), st.booleans())
def test_a_factor_multiplies_square_pixels(width: int, height: int, sar: Fraction, factor: int, exact: bool) -> None:
    made = plan(width, height, sar, Target(factor=factor), Fit.LETTERBOX, exact)
    wanted = (width * factor * max(sar, 1), height * factor / min(sar, 1))
    rounding = Fraction(1, 2) if exact else 1
    assert made.picture == made.canvas
    assert made.offset == (0, 0)
    assert all(abs(got - want) <= rounding for got, want in zip(made.picture, wanted, strict=True))


@given(SIDES, SIDES, SARS, BOXES, st.sampled_from(list(Fit)))
def test_everything_is_even_where_chroma_is_shared(
    width: int, height: int, sar: Fraction, box: tuple[int, int], fit: Fit
) -> None:
    made = plan(width, height, sar, Target(box=box), fit)
    assert all(number % 2 == 0 for number in (*made.picture, *made.canvas, *made.offset))


@given(SIDES, SIDES, SARS, BOXES, st.booleans())
def test_a_letterbox_holds_the_whole_picture_in_its_middle(
    width: int, height: int, sar: Fraction, box: tuple[int, int], exact: bool
) -> None:
    made = plan(width, height, sar, Target(box=box), Fit.LETTERBOX, exact)
    assert all(abs(canvas - side) <= (0 if exact else 1) for canvas, side in zip(made.canvas, box, strict=True))
    assert all(p <= c for p, c in zip(made.picture, made.canvas, strict=True))
    assert any(p == c for p, c in zip(made.picture, made.canvas, strict=True))
    for picture, canvas, offset in zip(made.picture, made.canvas, made.offset, strict=True):
        assert offset >= 0
        assert abs(canvas - picture - 2 * offset) <= 2


@given(SIDES, SIDES, SARS, BOXES, st.booleans())
def test_a_crop_leaves_no_bar(width: int, height: int, sar: Fraction, box: tuple[int, int], exact: bool) -> None:
    made = plan(width, height, sar, Target(box=box), Fit.CROP, exact)
    for picture, canvas, offset in zip(made.picture, made.canvas, made.offset, strict=True):
        assert offset <= 0
        assert picture + offset >= canvas
        assert abs(canvas - picture - 2 * offset) <= 3
    assert any(p == c for p, c in zip(made.picture, made.canvas, strict=True))


@given(SIDES, SIDES, SARS, BOXES, st.booleans())
def test_inside_has_no_bar_and_fits(width: int, height: int, sar: Fraction, box: tuple[int, int], exact: bool) -> None:
    made = plan(width, height, sar, Target(box=box), Fit.INSIDE, exact)
    assert made.picture == made.canvas
    assert made.offset == (0, 0)
    assert all(side <= limit + 1 for side, limit in zip(made.canvas, box, strict=True))


@given(SIDES, SIDES, SARS, BOXES)
def test_a_stretch_fills_the_target(width: int, height: int, sar: Fraction, box: tuple[int, int]) -> None:
    assert plan(width, height, sar, Target(box=box), Fit.STRETCH, exact=True) == Geometry(box, box, (0, 0))


@pytest.mark.parametrize(
    ("source", "sar", "fit", "picture", "offset"),
    [
        ((720, 576), Fraction(64, 45), Fit.LETTERBOX, (3840, 2160), (0, 0)),  # a 16:9 DVD: no sliver of a bar
        ((720, 480), Fraction(32, 27), Fit.LETTERBOX, (3840, 2160), (0, 0)),
        ((854, 480), Fraction(1), Fit.LETTERBOX, (3840, 2160), (0, 0)),
        ((1366, 768), Fraction(1), Fit.CROP, (3840, 2160), (0, 0)),
        ((640, 480), Fraction(1), Fit.LETTERBOX, (2880, 2160), (480, 0)),
        ((640, 480), Fraction(1), Fit.CROP, (3840, 2880), (0, -360)),
        ((640, 480), Fraction(1), Fit.STRETCH, (3840, 2160), (0, 0)),
        ((1920, 800), Fraction(1), Fit.LETTERBOX, (3840, 1600), (0, 280)),
        ((1080, 1920), Fraction(1), Fit.LETTERBOX, (1216, 2160), (1312, 0)),
        ((1920, 1088), Fraction(1), Fit.LETTERBOX, (3812, 2160), (14, 0)),
    ],
)
def test_films_land_on_uhd_where_they_should(
    source: tuple[int, int], sar: Fraction, fit: Fit, picture: tuple[int, int], offset: tuple[int, int]
) -> None:
    assert plan(*source, sar, UHD, fit) == Geometry(picture, (3840, 2160), offset)


def test_inside_shrinks_the_canvas_to_the_picture() -> None:
    assert plan(640, 480, Fraction(1), UHD, Fit.INSIDE) == Geometry((2880, 2160), (2880, 2160), (0, 0))


def test_stills_keep_odd_sizes() -> None:
    assert plan(333, 251, Fraction(1), Target(factor=3), Fit.INSIDE, exact=True).canvas == (999, 753)
    assert plan(333, 251, Fraction(1), Target(factor=3), Fit.INSIDE).canvas == (1000, 752)


def test_no_picture_is_without_a_pixel() -> None:
    made = plan(5000, 1, Fraction(1), Target(box=(1920, 1080)), Fit.LETTERBOX, exact=True)
    assert min(made.picture) >= 1


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("4k", Target(box=(3840, 2160))),
        (" 4K\n", Target(box=(3840, 2160))),
        ("8k", Target(box=(7680, 4320))),
        ("2k", Target(box=(2560, 1440))),
        ("1080p", Target(box=(1920, 1080))),
        ("720P", Target(box=(1280, 720))),
        ("x1", Target(factor=1)),
        ("X4", Target(factor=4)),
        ("1000x700", Target(box=(1000, 700))),
        ("16x16384", Target(box=(16, MAX_OUTPUT_PX))),
    ],
)
def test_targets_are_read_as_people_write_them(text: str, target: Target) -> None:
    assert parse_target(text) == target


@pytest.mark.parametrize("text", ["", "5k", "x0", "x5", "x2.5", "2x", "4k!", "1920", "1920x", "-20x20", "1920×1080"])
def test_nonsense_targets_are_answered_with_what_there_is(text: str) -> None:
    with pytest.raises(UsageError, match=r"use 4k.*x2.*WIDTHxHEIGHT"):
        parse_target(text)


@pytest.mark.parametrize("text", ["15x100", "100x15", "0x0", "16385x100", "99999x99999"])
def test_sizes_out_of_bounds_are_answered_with_the_bounds(text: str) -> None:
    with pytest.raises(UsageError, match="between 16 and 16384"):
        parse_target(text)
