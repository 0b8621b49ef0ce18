"""The before/after picture: the whole frame twice, and below it the details, magnified without smoothing."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from edge_vsr.bench.rgb import Rgb
from edge_vsr.capture.figures import draw_text
from edge_vsr.color import yuv444_to_rgb
from edge_vsr.frame import ChromaLayout, Frame, default_siting
from edge_vsr.upscale.resample import KERNELS, resample_frame

_WIDTH, _MARGIN, _GAP = 1920, 40, 16
_ZOOM = 3
_DETAIL = (148, 96)  # pixels of the film, before magnification
# Top left corners in a 1280x720 frame: eyes and freckles, the mill, weave and spokes, small letters.
_SPOTS = ((946, 366), (352, 296), (616, 416), (214, 622))
_PAPER, _INK, _FAINT, _ACCENT = (18, 20, 26), (240, 242, 246), (150, 156, 168), (255, 196, 64)
_CAPTION_PX, _LABEL_PX, _TITLE_PX = 13, 15, 22


@dataclass(frozen=True, slots=True)
class Entry:
    """One version of the frame: its name, what is said of it, and the picture."""

    name: str
    says: str
    frame: Frame


def paint(title: str, before: Entry, after: Entry, truth: Entry) -> Rgb:
    """The poster as R'G'B'. All frames are 1280x720."""
    pictures = [_rgb(entry.frame) for entry in (before, after, truth)]
    panel_w = (_WIDTH - 2 * _MARGIN - _GAP) // 2
    panel_h = panel_w * pictures[0].shape[0] // pictures[0].shape[1]
    detail_w, detail_h = _DETAIL[0] * _ZOOM, _DETAIL[1] * _ZOOM
    panels_top = 92
    details_top = panels_top + panel_h + 54
    height = details_top + 3 * (detail_h + 40) + _MARGIN - 40 + 12
    sheet = np.full((height, _WIDTH, 3), _PAPER, np.uint8)
    _text(sheet, title, _MARGIN, 56, _TITLE_PX, _INK)
    for column, (entry, picture) in enumerate(zip((before, after), pictures, strict=False)):
        left = _MARGIN + column * (panel_w + _GAP)
        _paste(sheet, _marked(picture, panel_w, panel_h), left, panels_top)
        _caption(sheet, entry, left, panels_top + panel_h + 26)
    for row, (entry, picture) in enumerate(zip((before, after, truth), pictures, strict=True)):
        top = details_top + row * (detail_h + 40)
        for column, spot in enumerate(_SPOTS):
            left = _MARGIN + column * (detail_w + (_WIDTH - 2 * _MARGIN - 4 * detail_w) // 3)
            _paste(sheet, _magnified(picture, spot), left, top)
        _text(sheet, f"{entry.name}, {_ZOOM}x", _MARGIN, top + detail_h + 24, _LABEL_PX, _INK)
    return sheet


def _rgb(frame: Frame) -> Rgb:
    layout = ChromaLayout.YUV444
    full = resample_frame(frame, frame.width_px, frame.height_px, KERNELS["bicubic"], layout, default_siting(layout))
    return yuv444_to_rgb(full.planes, full.color, full.bit_depth).astype(np.uint8)


def _marked(picture: Rgb, width: int, height: int) -> Rgb:
    """The whole frame, with a thin box around each detail that is shown below."""
    ratio = width / picture.shape[1]
    small = np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    for x, y in _SPOTS:
        corner = (round(x * ratio), round(y * ratio))
        opposite = (round((x + _DETAIL[0]) * ratio), round((y + _DETAIL[1]) * ratio))
        cv2.rectangle(small, corner, opposite, _ACCENT, 1, cv2.LINE_AA)
    return small


def _magnified(picture: Rgb, spot: tuple[int, int]) -> Rgb:
    x, y = spot
    cut = picture[y : y + _DETAIL[1], x : x + _DETAIL[0]]
    return cut.repeat(_ZOOM, axis=0).repeat(_ZOOM, axis=1)


def _paste(sheet: Rgb, picture: Rgb, left: int, top: int) -> None:
    sheet[top : top + picture.shape[0], left : left + picture.shape[1]] = picture


def _caption(sheet: Rgb, entry: Entry, left: int, baseline: int) -> None:
    wide = _text(sheet, entry.name, left, baseline, _LABEL_PX, _INK)
    _text(sheet, entry.says, left + wide + 14, baseline, _CAPTION_PX, _FAINT)


def _text(sheet: Rgb, words: str, left: float, baseline: float, height_px: float, color: tuple[int, int, int]) -> float:
    return draw_text(sheet, words, left, baseline, height_px, color=color, shadow=False)
