"""Stills and numbered sequences of stills: what ffmpeg's image2 reader must be told."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from edge_vsr.errors import SourceError

STILL_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"})
SEQUENCE_RATE = Fraction(25)
_FIELD = re.compile(r"%(?:0(\d{1,2}))?d")


@dataclass(frozen=True, slots=True)
class Sequence:
    """A run of numbered pictures without gaps. pattern: as given, absolute."""

    pattern: Path
    first: int
    count: int

    def options(self) -> dict[str, str]:
        """Options of ffmpeg's image2 demuxer."""
        return {
            "pattern_type": "sequence",
            "start_number": str(self.first),
            "framerate": str(SEQUENCE_RATE),
        }


def is_sequence(path: Path) -> bool:
    """Whether the name holds a number field such as %05d and no file of that very name exists."""
    return _FIELD.search(path.name) is not None and not path.exists()


def find_sequence(path: Path) -> Sequence:
    """The pictures that a pattern names. Raises SourceError if there are none or numbers are missing."""
    fields = list(_FIELD.finditer(path.name))
    if len(fields) != 1:
        raise SourceError(f"{path}: a picture sequence needs exactly one number field such as %05d")
    field = fields[0]
    digits = rf"\d{{{int(field[1])},}}" if field[1] else r"\d+"
    name = re.compile(re.escape(path.name[: field.start()]) + f"({digits})" + re.escape(path.name[field.end() :]))
    if not path.parent.is_dir():
        raise SourceError(f"{path}: there is no folder {path.parent}")
    matches = (name.fullmatch(entry.name) for entry in path.parent.iterdir())
    numbers = sorted({int(match[1]) for match in matches if match})
    if not numbers:
        raise SourceError(f"{path}: no picture matches this pattern")
    gap = next((a for a, b in itertools.pairwise(numbers) if b != a + 1), None)
    if gap is not None:
        raise SourceError(f"{path}: picture {gap + 1} is missing (found {numbers[0]} to {numbers[-1]} with gaps)")
    return Sequence(path.absolute(), numbers[0], len(numbers))
