"""How large the picture becomes: targets, aspect ratio, bars and crops. Pure.

A source pixel need not be square (``sar``); an output pixel always is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

from edge_vsr.errors import UsageError

MAX_OUTPUT_PX = 16384
_NAMED = {"8k": (7680, 4320), "4k": (3840, 2160), "2k": (2560, 1440), "1080p": (1920, 1080), "720p": (1280, 720)}


class Fit(Enum):
    """What to do when the picture's shape is not the target's."""

    LETTERBOX = "letterbox"  # whole picture, black bars
    CROP = "crop"  # fill the target, cut what stands out
    STRETCH = "stretch"  # fill the target, distort
    INSIDE = "inside"  # whole picture, no bars: the output is smaller than the target


@dataclass(frozen=True, slots=True)
class Target:
    """A wanted size: either a box in pixels or a factor on the source's square-pixel size."""

    box: tuple[int, int] | None = None
    factor: int | None = None


@dataclass(frozen=True, slots=True)
class Geometry:
    """The plan for one source size.

    picture: size the whole source picture is scaled to. canvas: size of the output frame.
    offset: where the picture's top left corner lies on the canvas; negative where it is cropped.
    """

    picture: tuple[int, int]
    canvas: tuple[int, int]
    offset: tuple[int, int]

    def enlargement(self, width_px: int, height_px: int) -> float:
        """How many times larger the picture is than a source of that size, along the axis that grows more."""
        return max(self.picture[0] / width_px, self.picture[1] / height_px)


def parse_target(text: str) -> Target:
    """``4k``, ``2k``, ``1080p``, ``x2``, ``x3``, ``x4`` or ``WIDTHxHEIGHT``. Raises UsageError."""
    word = text.strip().lower()
    if word in _NAMED:
        return Target(box=_NAMED[word])
    if re.fullmatch(r"x[1-4]", word):
        return Target(factor=int(word[1]))
    size = re.fullmatch(r"(\d{1,5})x(\d{1,5})", word)
    if size:
        width, height = int(size[1]), int(size[2])
        if 16 <= width <= MAX_OUTPUT_PX and 16 <= height <= MAX_OUTPUT_PX:
            return Target(box=(width, height))
        raise UsageError(f"target {text}: each side must lie between 16 and {MAX_OUTPUT_PX} pixels")
    raise UsageError(
        f"unknown target {text!r}: use 4k, 2k, 1080p, x2, x3, x4 or WIDTHxHEIGHT (8k, 720p and x1 work too)"
    )


def _whole(value: Fraction | float) -> int:
    return max(1, round(value))


def _even(value: Fraction | float) -> int:
    return max(2, 2 * round(value / 2))


def plan(width_px: int, height_px: int, sar: Fraction, target: Target, fit: Fit, exact: bool = False) -> Geometry:
    """Lay a source picture out on its target.

    exact: keep odd sizes (stills and lossless 4:4:4); otherwise every size and offset is even, as 4:2:0 needs.
    """
    shape = _whole if exact else _even
    # Square pixels by stretching one side, never by shrinking the other: no source detail is lost.
    square = (width_px * sar, Fraction(height_px)) if sar >= 1 else (Fraction(width_px), height_px / sar)
    if target.factor is not None:
        size = (shape(square[0] * target.factor), shape(square[1] * target.factor))
        return Geometry(size, size, (0, 0))
    assert target.box is not None
    box = target.box if exact else (_even(target.box[0]), _even(target.box[1]))
    if fit is Fit.STRETCH:
        return Geometry(box, box, (0, 0))
    ratios = (box[0] / square[0], box[1] / square[1])
    ratio = max(ratios) if fit is Fit.CROP else min(ratios)
    picture = (_snap(shape(square[0] * ratio), box[0]), _snap(shape(square[1] * ratio), box[1]))
    if fit is Fit.INSIDE:
        return Geometry(picture, picture, (0, 0))
    step = 1 if exact else 2
    offset = ((box[0] - picture[0]) // 2 // step * step, (box[1] - picture[1]) // 2 // step * step)
    return Geometry(picture, box, offset)


def _snap(size: int, box: int) -> int:
    """Swallow a sliver of a bar or crop: up to 4 pixels in 400 come from rounding a sample aspect ratio."""
    return box if abs(size - box) <= min(4, box // 100) else size
