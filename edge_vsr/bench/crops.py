"""Details side by side, of those pictures and at those places where the methods differ most.

Which methods win there plays no part in the choice: a place counts by how far all results spread.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from edge_vsr.bench.metrics import BEST_DB, luma_601, psnr
from edge_vsr.bench.rgb import Rgb
from edge_vsr.capture.figures import draw_text
from edge_vsr.durable import write_atomic, writing
from edge_vsr.errors import SourceError

_SHOWN = 4  # pictures
_DETAIL = (64, 48)  # pixels of the truth
_ZOOM = 4
_MARGIN, _GAP, _LABEL_H, _BLOCK_GAP = 36, 14, 44, 26
_MOST_IN_A_ROW = 6
_PAPER, _INK, _FAINT, _ACCENT = (18, 20, 26), (240, 242, 246), (150, 156, 168), (255, 196, 64)
_NAME_PX, _SAYS_PX, _TITLE_PX = 12, 11, 18


@dataclass(frozen=True)
class _Exhibit:
    """One picture: the whole of it, where the detail lies, and the detail by everyone, with its PSNR-Y in dB."""

    name: str
    whole: Rgb
    corner: tuple[int, int]
    truth: Rgb
    details: dict[str, tuple[Rgb, float]]


class Gallery:
    """Looks on while pictures are measured and keeps the few that tell methods apart.

    hidden: methods that are not shown and play no part in the choice.
    """

    def __init__(self, scale: int, hidden: Collection[str] = ()) -> None:
        self._scale, self._hidden = scale, hidden
        self._kept: list[tuple[float, int, _Exhibit]] = []
        self._seen = 0

    def look(self, name: str, truth: Rgb, results: dict[str, Rgb]) -> None:
        """Consider one picture; one smaller than a detail, or enlarged by one method only, is passed over."""
        wide, tall = _DETAIL
        results = {method: result for method, result in results.items() if method not in self._hidden}
        if truth.shape[0] < tall or truth.shape[1] < wide or len(results) < 2:
            return
        spread, corner = _widest(results)
        self._seen += 1
        if len(self._kept) == _SHOWN and spread <= self._kept[0][0]:
            return
        x, y = corner
        cut = np.s_[y : y + tall, x : x + wide]
        details = {name: (result[cut].copy(), _db(result[cut], truth[cut])) for name, result in results.items()}
        put = heapq.heappushpop if len(self._kept) == _SHOWN else heapq.heappush
        put(self._kept, (spread, -self._seen, _Exhibit(name, truth.copy(), corner, truth[cut], details)))

    def write(self, path: Path) -> None:
        """The sheet as PNG, widest spread first. Raises SourceError where there is nothing to compare, SinkError."""
        exhibits = [exhibit for _, _, exhibit in sorted(self._kept, reverse=True, key=lambda kept: kept[:2])]
        if not exhibits:
            least = f"{_DETAIL[0]}x{_DETAIL[1]}"
            raise SourceError(f"--crops needs a picture of {least} or more and two methods beside the truth")
        sheet = _sheet(exhibits, self._scale)
        done, png = cv2.imencode(".png", sheet[..., ::-1])
        assert done
        with writing(path):
            write_atomic(path, png.tobytes())


def _db(result: Rgb, truth: Rgb) -> float:
    return min(psnr(luma_601(result), luma_601(truth)), BEST_DB)


def _widest(results: dict[str, Rgb]) -> tuple[float, tuple[int, int]]:
    """How far the results spread at the place where they do so most (code values), and its top left corner."""
    wide, tall = _DETAIL
    spread = np.stack([luma_601(result).astype(np.float32) for result in results.values()]).var(axis=0)
    sums = cv2.integral(spread)
    boxes = sums[tall:, wide:] - sums[:-tall, wide:] - sums[tall:, :-wide] + sums[:-tall, :-wide]
    y, x = np.unravel_index(int(np.argmax(boxes)), boxes.shape)
    return float(np.sqrt(boxes[y, x] / (wide * tall))), (int(x), int(y))


def _sheet(exhibits: list[_Exhibit], scale: int) -> Rgb:
    """One block a picture: the whole of it, then the details, truth first."""
    count = len(exhibits[0].details) + 1
    columns = min(_MOST_IN_A_ROW, -(-count // 2))
    rows = -(-count // columns)
    cell = _DETAIL[0] * _ZOOM, _DETAIL[1] * _ZOOM
    block_h = rows * (cell[1] + _LABEL_H)
    whole_w = round((block_h - _LABEL_H) * 1.25)
    width = 2 * _MARGIN + whole_w + columns * (cell[0] + _GAP)
    head = 94
    sheet = np.full((head + len(exhibits) * (block_h + _BLOCK_GAP) + 4, width, 3), _PAPER, np.uint8)
    _text(sheet, f"Enlarged by {scale}: where the methods differ most", _MARGIN, 44, _TITLE_PX, _INK)
    _text(sheet, "PSNR-Y of the detail, the best marked", _MARGIN, 70, _NAME_PX, _FAINT)
    for index, exhibit in enumerate(exhibits):
        top = head + index * (block_h + _BLOCK_GAP)
        _whole(sheet, exhibit, (_MARGIN, top), (whole_w, block_h - _LABEL_H))
        cells = {"truth": (exhibit.truth, None), **exhibit.details}
        best = max(db for _, db in exhibit.details.values())
        for place, (name, (detail, db)) in enumerate(cells.items()):
            left = _MARGIN + whole_w + _GAP + place % columns * (cell[0] + _GAP)
            at = top + place // columns * (cell[1] + _LABEL_H)
            sheet[at : at + cell[1], left : left + cell[0]] = detail.repeat(_ZOOM, axis=0).repeat(_ZOOM, axis=1)
            _text(sheet, name, left, at + cell[1] + 20, _NAME_PX, _INK)
            if db is not None:
                color = _ACCENT if db == best else _FAINT
                _text(sheet, f"{db:.2f} dB", left + cell[0], at + cell[1] + 20, _SAYS_PX, color, from_right=True)
    return sheet


def _whole(sheet: Rgb, exhibit: _Exhibit, at: tuple[int, int], room: tuple[int, int]) -> None:
    """The picture, as large as it fits, with a box around the detail."""
    tall, wide = exhibit.whole.shape[:2]
    ratio = min(room[0] / wide, room[1] / tall)
    size = round(wide * ratio), round(tall * ratio)
    how = cv2.INTER_AREA if ratio < 1 else cv2.INTER_CUBIC
    small = np.asarray(cv2.resize(exhibit.whole, size, interpolation=how), np.uint8)
    (x, y), (dx, dy) = exhibit.corner, _DETAIL
    corner, opposite = (round(x * ratio), round(y * ratio)), (round((x + dx) * ratio), round((y + dy) * ratio))
    cv2.rectangle(small, corner, opposite, _PAPER, 4, cv2.LINE_AA)
    cv2.rectangle(small, corner, opposite, _ACCENT, 2, cv2.LINE_AA)
    left = at[0] + room[0] - size[0]
    sheet[at[1] : at[1] + size[1], left : left + size[0]] = small
    _text(sheet, exhibit.name, left, at[1] + size[1] + 20, _NAME_PX, _INK)


def _text(
    sheet: Rgb, words: str, x: int, baseline: int, px: float, color: tuple[int, int, int], from_right: bool = False
) -> None:
    if from_right:
        blank = np.zeros((1, 2 * sheet.shape[1], 3), np.uint8)
        x -= round(draw_text(blank, words, 0, 0, px, color=color, shadow=False))
    draw_text(sheet, words, x, baseline, px, color=color, shadow=False)
