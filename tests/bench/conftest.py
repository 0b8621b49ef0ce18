"""What several benches are tested with."""

from __future__ import annotations

from pathlib import Path

import cv2
import pytest

from edge_vsr.bench.rgb import to_rgb
from edge_vsr.capture.pattern import PatternSource


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of one clip, three drawn frames of 192x144."""
    (tmp_path / "clips" / "drawn").mkdir(parents=True)
    for index, frame in enumerate(PatternSource(192, 144, frame_count=3).frames()):
        cv2.imwrite(str(tmp_path / "clips" / "drawn" / f"{index}.png"), to_rgb(frame)[..., ::-1])
    return tmp_path / "clips"
