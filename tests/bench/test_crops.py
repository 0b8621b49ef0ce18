"""The sheet of details: which places are chosen, what it looks like."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_vsr.bench import crops
from edge_vsr.bench.rgb import Rgb
from edge_vsr.errors import SourceError


def grey(width: int = 200, height: int = 160) -> Rgb:
    return np.full((height, width, 3), 128, np.uint8)


def marked(at: tuple[int, int], strength: int) -> Rgb:
    """Grey, but for a patch of 40x30 whose top left corner is ``at``."""
    rgb = grey()
    rgb[at[1] : at[1] + 30, at[0] : at[0] + 40] += np.uint8(strength)
    return rgb


def test_the_detail_covers_the_place_of_the_widest_spread() -> None:
    spread, (x, y) = crops._widest({"a": grey(), "b": marked((100, 70), 40), "c": marked((10, 10), 8)})
    assert spread > 3
    assert x <= 100
    assert x + 64 >= 140
    assert y <= 70
    assert y + 48 >= 100


def test_only_the_pictures_that_tell_most_are_kept_widest_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gallery, shown = crops.Gallery(2), []
    draw = crops._sheet

    def spy(exhibits: list[crops._Exhibit], scale: int) -> Rgb:
        shown.extend(exhibit.name for exhibit in exhibits)
        return draw(exhibits, scale)

    monkeypatch.setattr(crops, "_sheet", spy)
    for strength in (5, 60, 20, 50, 1, 30, 40):
        gallery.look(f"p{strength}", grey(), {"bicubic": grey(), "net": marked((50, 50), strength)})
    gallery.write(tmp_path / "a.png")
    assert shown == ["p60", "p50", "p40", "p30"]
    picture = cv2.imread(str(tmp_path / "a.png"))
    assert picture is not None
    assert picture.shape[1] > 4 * 64
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 10


def test_hidden_methods_play_no_part(tmp_path: Path) -> None:
    gallery = crops.Gallery(2, {"lanczos3"})
    gallery.look("p", grey(), {"bicubic": grey(), "net": marked((150, 100), 9), "lanczos3": marked((0, 0), 90)})
    ((_, _, exhibit),) = gallery._kept
    assert list(exhibit.details) == ["bicubic", "net"]
    assert exhibit.corner[0] > 50
    assert exhibit.details["bicubic"][1] == 100
    assert exhibit.details["net"][1] < 60


def test_nothing_to_compare_is_said(tmp_path: Path) -> None:
    gallery = crops.Gallery(2)
    gallery.look("small", grey(30, 30), {"bicubic": grey(30, 30), "net": grey(30, 30)})
    gallery.look("alone", grey(), {"bicubic": grey()})
    with pytest.raises(SourceError, match="needs a picture of 64x48 or more and two methods"):
        gallery.write(tmp_path / "a.png")
