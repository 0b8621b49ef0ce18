"""How near a film comes to the truth: every frame, luma, as decoded from the finished files."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge_vsr.bench.metrics import psnr, ssim
from edge_vsr.capture.media_file import open_source
from edge_vsr.errors import SourceError
from edge_vsr.frame import Frame


@dataclass(frozen=True, slots=True)
class Score:
    """Means over all frames."""

    psnr_y_db: float
    ssim_y: float


def score(film: Path, truth: Path) -> Score:
    """Compare two films of equal size, frame by frame. Raises SourceError."""
    with (
        closing(open_source(str(film), deinterlace="off")) as ours,
        closing(open_source(str(truth), deinterlace="off")) as theirs,
    ):
        try:
            pairs = zip(ours.frames(), theirs.frames(), strict=True)
            found = [(psnr(a.planes[0], b.planes[0]), ssim(a.planes[0], b.planes[0])) for a, b in pairs]
        except ValueError as error:
            raise SourceError(f"{film} and {truth} do not have the same frames: {error}") from error
    psnr_y_db, ssim_y = (float(np.mean(values)) for values in zip(*found, strict=True))
    return Score(psnr_y_db, ssim_y)


def frame_at(film: Path, number: int) -> Frame:
    """One frame of a film, counted from 0. Raises SourceError where the film is shorter."""
    with closing(open_source(str(film), deinterlace="off")) as source:
        for index, frame in enumerate(source.frames()):
            if index == number:
                return frame
    raise SourceError(f"{film}: has no frame {number}")
