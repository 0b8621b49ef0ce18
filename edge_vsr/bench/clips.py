"""Truth for the video bench: films, folders of numbered pictures, and stills that become slow pans.

Whatever it was, truth is 8-bit 4:2:0 with MPEG-2 siting, square pixels, in its own matrix and range.
R'G'B' pictures become limited-range Y'CbCr in the matrix that players assume at their size.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from edge_vsr.bench.rgb import Rgb, to_frame
from edge_vsr.capture.media_file import open_source
from edge_vsr.color import ColorSpace
from edge_vsr.errors import SourceError
from edge_vsr.frame import ChromaLayout, Frame, default_siting
from edge_vsr.upscale.resample import KERNELS, resample_frame

RATE = Fraction(25)  # of pictures without a clock
_STILLS = {".png", ".webp", ".bmp", ".tif", ".tiff"}
_FILMS = {".mp4", ".m4v", ".mkv", ".mov", ".avi", ".webm", ".mpg", ".mpeg", ".m2v", ".ts", ".m2ts", ".vob", ".mxf"}
_FILMS |= {".y4m", ".wmv", ".flv", ".ogv", ".rm", ".rmvb"}
_NUMBERED = re.compile(r"(.*?)(\d+)$")
_LOOKED_AT = 24  # pictures of a folder whose size is compared
_PAN_PX = (960, 540)  # the window that drifts
_DRIFT_PX = (2, 1)  # of the window, from one frame to the next: half a pixel down once it is shrunk by two
_LAYOUT, _SITING = ChromaLayout.YUV420, default_siting(ChromaLayout.YUV420)
_FULL = ChromaLayout.YUV444
_KERNEL = KERNELS["bicubic"]


@dataclass(frozen=True)
class Clip:
    """One clip of truth. ``read``: at most so many frames, of one size."""

    name: str
    rate: Fraction
    read: Callable[[int], list[Frame]]

    def frames(self, count: int, multiple: int) -> list[Frame]:
        """At most ``count`` frames, cut to sides that are multiples of ``multiple`` (even). Raises SourceError."""
        return [_cut(frame, multiple) for frame in self.read(count)]


def find_clips(folder: Path, pan: bool = False) -> list[Clip]:
    """The clips of a folder by name: films, sub-folders of numbered pictures (or the folder itself).

    pan: pictures of at least 1280x720 that are no frames become clips too. Raises SourceError if there are none, or
    two of one name.
    """
    if not folder.is_dir():
        raise SourceError(f"{folder}: no such folder; --clips takes a folder of films or of folders of frames")
    found = [_film(path) for path in sorted(folder.iterdir()) if path.suffix.lower() in _FILMS]
    for place in [folder, *sorted(path for path in folder.iterdir() if path.is_dir())]:
        pictures = sorted(path for path in place.iterdir() if path.suffix.lower() in _STILLS)
        if _are_frames(pictures):
            found.append(_sequence(place.resolve().name, pictures))
        elif pan:
            found += _pans(pictures)
    if not found:
        raise SourceError(f"{folder}: holds neither films nor sub-folders of numbered frames (.png .webp .bmp .tif)")
    name, count = Counter(clip.name for clip in found).most_common(1)[0]
    if count > 1:
        raise SourceError(f"{folder}: {count} clips are called {name!r}, and tables could not tell them apart; rename")
    return found


def picture(path: Path) -> Rgb:
    """The 8-bit R'G'B' of a picture file. Raises SourceError."""
    bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if bgr is None:
        raise SourceError(f"{path}: not a readable picture")
    return np.ascontiguousarray(bgr[..., ::-1]).astype(np.uint8)


def _are_frames(pictures: list[Path]) -> bool:
    """Whether they share a name up to a number, and a size as far as one looks."""
    names = [_NUMBERED.match(path.stem) for path in pictures]
    if len(pictures) < 2 or not all(names) or len({match[1] for match in names if match}) != 1:
        return False
    step = -(-len(pictures) // _LOOKED_AT)
    return len({picture(path).shape for path in pictures[::step]}) == 1


def _film(path: Path) -> Clip:
    with closing(open_source(str(path))) as source:
        rate = source.info.video.frame_rate or RATE

    def read(count: int) -> list[Frame]:
        with closing(open_source(str(path))) as source:
            frames = [_as_truth(frame) for frame in islice(source.frames(), count)]
        size = (frames[0].width_px, frames[0].height_px)
        return [frame for frame in frames if (frame.width_px, frame.height_px) == size]

    return Clip(path.stem, rate, read)


def _sequence(name: str, pictures: list[Path]) -> Clip:
    def number(path: Path) -> int:
        match = _NUMBERED.match(path.stem)
        assert match
        return int(match[2])

    def read(count: int) -> list[Frame]:
        return [_from_rgb(picture(path)) for path in sorted(pictures, key=number)[:count]]

    return Clip(name, RATE, read)


def _pans(pictures: list[Path]) -> Iterator[Clip]:
    for path in pictures:
        if picture(path).shape[0] >= 720 and picture(path).shape[1] >= 1280:
            yield Clip(f"pan {path.stem}", RATE, lambda count, path=path: _pan(picture(path), count))  # type: ignore[misc]


def _pan(still: Rgb, count: int) -> list[Frame]:
    """A window that drifts by whole pixels, so that truth needs no interpolation; it stops at the edge."""
    (wide, tall), (right, down) = _PAN_PX, _DRIFT_PX
    left, top = (still.shape[1] - wide) // 4, (still.shape[0] - tall) // 4
    frames = []
    for index in range(count):
        x = min(left + right * index, still.shape[1] - wide)
        y = min(top + down * index, still.shape[0] - tall)
        frames.append(_from_rgb(np.ascontiguousarray(still[y : y + tall, x : x + wide])))
    return frames


def _from_rgb(rgb: Rgb) -> Frame:
    color = ColorSpace().settled(rgb.shape[0])
    nothing = np.empty((0, 0), np.uint8)
    like = Frame((nothing, nothing, nothing), 8, _LAYOUT, color, _SITING)
    return to_frame(rgb, like)


def _as_truth(frame: Frame) -> Frame:
    """Any frame as 8-bit 4:2:0, MPEG-2 siting; 10-bit codes are rounded."""
    size = frame.width_px, frame.height_px
    if size[0] % 2 or size[1] % 2:  # chroma of odd sides reaches beyond the picture
        frame = _cut(resample_frame(frame, *size, _KERNEL, _FULL, default_siting(_FULL)), 2)
        size = frame.width_px, frame.height_px
    frame = resample_frame(frame, *size, _KERNEL, _LAYOUT, _SITING)
    if frame.bit_depth > 8:
        shift = frame.bit_depth - 8
        planes = [
            np.minimum((plane.astype(np.uint16) + (1 << shift >> 1)) >> shift, 255).astype(np.uint8)
            for plane in frame.planes
        ]
        frame = frame.with_(planes=tuple(planes), bit_depth=8)
    return frame.with_(sar=Fraction(1), color=frame.color.settled(frame.height_px))


def _cut(frame: Frame, multiple: int) -> Frame:
    """The top left part whose sides are multiples of ``multiple``. Raises SourceError where nothing is left."""
    wide, tall = frame.width_px // multiple * multiple, frame.height_px // multiple * multiple
    if min(wide, tall) < 4 * multiple:
        raise SourceError(f"a clip of {frame.width_px}x{frame.height_px} is too small to be shrunk and measured")
    step = frame.layout
    y, u, v = frame.planes
    chroma = np.s_[: tall // step.step_y, : wide // step.step_x]
    planes = [np.ascontiguousarray(plane) for plane in (y[:tall, :wide], u[chroma], v[chroma])]
    return frame.with_(planes=tuple(planes))
