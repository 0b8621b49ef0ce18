"""What the live bench plays: a clip mirrored out to the size of a television, shrunk, coded, decoded.

Copies of the clip lie side by side, every other one flipped, so that no seam adds detail or hides it. A clip smaller
than the screen thus keeps its statistics per pixel: as much detail, noise and motion a tile as it has itself. In
flipped copies chroma sits a luma pixel off, in the truth and in what is seen of it alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from edge_vsr.bench import ours
from edge_vsr.bench.clips import Clip
from edge_vsr.bench.coded import SETTINGS, round_trip
from edge_vsr.bench.video import shrunk
from edge_vsr.color import Plane
from edge_vsr.frame import Frame, VideoFormat

SCALE = 2
SETTING = SETTINGS[0]


@dataclass(frozen=True)
class Content:
    """One clip, ready to play. truth: frames as large as the screen; seen: what the engine gets, half that size.

    own_px: width and height of the clip itself.
    """

    name: str
    own_px: tuple[int, int]
    truth: list[Frame]
    seen: list[Frame]

    @property
    def video(self) -> VideoFormat:
        """The format of ``seen``."""
        return ours.video_of(self.seen[0])


def load(clip: Clip, count: int, size: tuple[int, int]) -> Content:
    """At most ``count`` frames of a clip on a screen of ``size``, sides that are multiples of 4. Raises SourceError."""
    frames = clip.frames(count, 2)
    own_px = frames[0].width_px, frames[0].height_px
    frames.reverse()
    truth = [mosaic(frames.pop(), *size) for _ in range(len(frames))]  # never two copies of a large clip
    small = [shrunk(frame, SCALE) for frame in truth]
    return Content(clip.name, own_px, truth, round_trip(small, SETTING, Fraction(clip.rate)).frames)


def mosaic(frame: Frame, width_px: int, height_px: int) -> Frame:
    """An 8-bit frame of even sides, mirrored out to the right and down, or cut, to even sides."""
    step = frame.layout
    y, u, v = frame.planes
    chroma = height_px // step.step_y, width_px // step.step_x
    return frame.with_(planes=(_mirrored(y, height_px, width_px), _mirrored(u, *chroma), _mirrored(v, *chroma)))


def _mirrored(plane: Plane, height: int, width: int) -> npt.NDArray[np.uint8]:
    rows, columns = -(-height // plane.shape[0]), -(-width // plane.shape[1])
    row = np.hstack([plane[:, ::-1] if index % 2 else plane for index in range(columns)])[:, :width]
    return np.ascontiguousarray(
        np.vstack([row[::-1] if index % 2 else row for index in range(rows)])[:height], np.uint8
    )


def ping_pong(step: int, count: int) -> int:
    """Which of ``count`` frames is shown at a step, forth and back, so that nothing is ever cut: 0 1 2 1 0 1 ..."""
    if count == 1:
        return 0
    at = step % (2 * count - 2)
    return min(at, 2 * count - 2 - at)
