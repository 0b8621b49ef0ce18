"""Frames: how large chroma is, where it lies, what travels along."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_vsr.color import BT709_LIMITED
from edge_vsr.frame import ChromaLayout, Frame, Siting, default_siting

SIDES = st.integers(1, 20000)


@pytest.mark.parametrize(
    ("layout", "size", "chroma"),
    [
        (ChromaLayout.YUV420, (1920, 1080), (960, 540)),
        (ChromaLayout.YUV420, (7, 5), (4, 3)),
        (ChromaLayout.YUV420, (1, 1), (1, 1)),
        (ChromaLayout.YUV422, (7, 5), (4, 5)),
        (ChromaLayout.YUV444, (7, 5), (7, 5)),
    ],
)
def test_odd_pictures_have_the_larger_half_of_chroma(
    layout: ChromaLayout, size: tuple[int, int], chroma: tuple[int, int]
) -> None:
    assert layout.plane_size(*size) == chroma


@given(SIDES, SIDES, st.sampled_from(list(ChromaLayout)))
def test_chroma_covers_luma_without_a_sample_to_spare(width: int, height: int, layout: ChromaLayout) -> None:
    across, down = layout.plane_size(width, height)
    assert (across - 1) * layout.step_x < width <= across * layout.step_x
    assert (down - 1) * layout.step_y < height <= down * layout.step_y


@pytest.mark.parametrize(
    ("layout", "siting"),
    [
        (ChromaLayout.YUV420, Siting(0.0, 0.5)),  # MPEG-2 and later: left, between two lines
        (ChromaLayout.YUV422, Siting(0.0, 0.0)),
        (ChromaLayout.YUV444, Siting(0.0, 0.0)),
    ],
)
def test_silence_means_mpeg_siting(layout: ChromaLayout, siting: Siting) -> None:
    assert default_siting(layout) == siting


def test_a_changed_frame_keeps_everything_else() -> None:
    planes = tuple(np.zeros(shape, np.uint8) for shape in ((5, 7), (3, 4), (3, 4)))
    frame = Frame(
        planes,  # type: ignore[arg-type]
        8,
        ChromaLayout.YUV420,
        BT709_LIMITED,
        Siting(0, 0.5),
        pts=7,
        time_base=Fraction(1, 90000),
        stamps={"capture": 1},
    )
    assert (frame.width_px, frame.height_px) == (7, 5)
    later = frame.with_(pts=8)
    assert (later.pts, frame.pts) == (8, 7)
    assert (later.time_base, later.color, later.stamps) == (Fraction(1, 90000), BT709_LIMITED, {"capture": 1})
    assert later.stamps is frame.stamps
