"""Still pictures and numbered picture sequences. Takes 4:4:4 frames, writes R'G'B'.

Nothing here resamples chroma: the engine is asked for YUV444 (see ``wanted``).
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import cv2
import numpy as np

from edge_vsr.color import Plane, yuv444_to_rgb
from edge_vsr.durable import commit, temporary, write_atomic, writing
from edge_vsr.errors import SinkError, UsageError
from edge_vsr.frame import ChromaLayout, Frame, VideoFormat

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp"})
_DEEP = frozenset({".png", ".tif", ".tiff"})  # hold 16 bits per sample
_NUMBER = re.compile(r"%(?:0(\d{1,2}))?d")
_QUALITY = {
    ".jpg": (cv2.IMWRITE_JPEG_QUALITY, 95),
    ".jpeg": (cv2.IMWRITE_JPEG_QUALITY, 95),
    ".webp": (cv2.IMWRITE_WEBP_QUALITY, 95),
}


def is_pattern(path: Path) -> bool:
    """Whether the name has a number field such as %05d."""
    return _NUMBER.search(path.name) is not None


def check(path: Path, quality: int | None) -> None:
    """Raises UsageError where name or quality make no sense."""
    fields = _NUMBER.findall(path.name)
    if "%" in path.name and len(fields) != 1:
        raise UsageError(f"{path}: a picture sequence needs exactly one number field such as %05d")
    if quality is None:
        return
    if path.suffix.lower() not in _QUALITY:
        raise UsageError(f"{path.suffix} pictures are lossless and take no quality")
    if not 1 <= quality <= 100:
        raise UsageError(f"quality {quality}: {path.suffix} takes 1 to 100 (best)")


def wanted(source: VideoFormat) -> tuple[ChromaLayout, int]:
    """The layout and bit depth to ask the engine for: full chroma, so that R'G'B' can be made of it."""
    return ChromaLayout.YUV444, 10 if source.bit_depth > 8 else 8


def sample_bits(path: Path, source_bits: int) -> int:
    """Bits per sample of the file: 16 where the source has more than 8 and the format can hold them."""
    return 16 if source_bits > 8 and path.suffix.lower() in _DEEP else 8


def encode(frame: Frame, suffix: str, bits: int, quality: int | None) -> bytes:
    """One frame (YUV444) as a picture file. Raises SinkError."""
    if frame.layout is not ChromaLayout.YUV444:
        raise SinkError("pictures are made of 4:4:4 frames only")
    return encode_rgb(yuv444_to_rgb(frame.planes, frame.color, frame.bit_depth, bits), suffix, quality)


def encode_rgb(rgb: Plane, suffix: str, quality: int | None) -> bytes:
    """R'G'B' (H, W, 3) as a picture file. Raises SinkError."""
    suffix = suffix.lower()
    parameters: list[int] = []
    if suffix in _QUALITY:
        name, default = _QUALITY[suffix]
        parameters = [name, quality if quality is not None else default]
    if suffix in (".jpg", ".jpeg"):
        parameters += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    try:
        done, data = cv2.imencode(suffix, np.ascontiguousarray(rgb[..., ::-1]), parameters)
    except cv2.error as error:
        raise SinkError(f"a {rgb.shape[1]}x{rgb.shape[0]} picture cannot be written as {suffix}") from error
    if not done:
        raise SinkError(f"a {rgb.shape[1]}x{rgb.shape[0]} picture cannot be written as {suffix}")
    return data.tobytes()


def numbered(pattern: Path, number: int) -> Path:
    """The path of one picture of a sequence; numbering starts at 1."""
    return pattern.with_name(pattern.name % number)


def existing(pattern: Path) -> list[Path]:
    """The files that a pattern names now, in order of their numbers."""
    field = _NUMBER.search(pattern.name)
    assert field is not None
    digits = rf"\d{{{int(field[1])},}}" if field[1] else r"\d+"
    name = re.compile(re.escape(pattern.name[: field.start()]) + f"({digits})" + re.escape(pattern.name[field.end() :]))
    found = ((entry, name.fullmatch(entry.name)) for entry in pattern.parent.iterdir())
    return [path for _, path in sorted((int(match[1]), entry) for entry, match in found if match)]


class SequenceSink:
    """Writes each frame as one numbered picture into a staging directory, each one atomically.

    first: how many pictures are there already.
    """

    def __init__(self, directory: Path, suffix: str, bits: int, quality: int | None, *, first: int) -> None:
        self._directory, self._suffix, self._bits, self._quality = directory, suffix, bits, quality
        self._next = first

    def write(self, frame: Frame) -> None:
        """Encode and store one frame (YUV444). Raises SinkError."""
        data = encode(frame, self._suffix, self._bits, self._quality)
        with writing(self._directory):
            write_atomic(staged(self._directory, self._next, self._suffix), data)
        self._next += 1

    def close(self) -> None:
        """Nothing is left open between two pictures."""

    def abort(self) -> None:
        """Nothing is left open between two pictures."""


def staged(directory: Path, index: int, suffix: str) -> Path:
    """Where frame ``index`` (from 0) waits for its place."""
    return directory / f"{index:08d}{suffix}"


def staged_count(directory: Path, suffix: str) -> int:
    """The unbroken run of staged pictures from the first one on."""
    names = {entry.name for entry in directory.iterdir()}
    count = 0
    while staged(directory, count, suffix).name in names:
        count += 1
    return count


def place(directory: Path, count: int, pattern: Path) -> None:
    """Give ``count`` staged pictures their final names; the staged ones stay until the job removes them.

    Raises SinkError. Pictures of an older, longer sequence under the same pattern are removed: a mixture
    of two films is nobody's wish.
    """
    with writing(pattern):
        ours = set()
        for index in range(count):
            final = numbered(pattern, index + 1)
            ours.add(final)
            _link(staged(directory, index, pattern.suffix), final)
        for path in existing(pattern):
            if path not in ours:
                path.unlink()


def _link(source: Path, final: Path) -> None:
    temp = temporary(final)
    temp.unlink(missing_ok=True)
    try:
        temp.hardlink_to(source)
    except OSError:
        shutil.copyfile(source, temp)  # filesystems without hard links (exFAT)
    if final.exists() and final.samefile(temp):
        temp.unlink()  # rename would do nothing and leave both names
    else:
        commit(temp, final)
