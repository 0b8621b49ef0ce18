"""What a job can make: a film or a picture sequence. Each knows its staging, its sink and its placing.

A film is staged as video segments and put together at the end; a sequence is staged as pictures and linked
into place. (A single still needs no staging: ``job`` writes it in one step.)
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Protocol

import msgspec

from edge_vsr.durable import commit, writing
from edge_vsr.frame import ChromaLayout, VideoFormat
from edge_vsr.jobs.journal import Identity, Journal, Workplace, identity
from edge_vsr.present import carry, encoders, images, mux
from edge_vsr.present.media_file import SegmentedSink
from edge_vsr.present.segments import Segment, SegmentStore
from edge_vsr.present.sink import Sink

SEGMENT_FRAMES = 96  # four seconds of film: what a kill can cost, and the longest distance of key frames


class Output(Protocol):
    """One kind of output of a job in one workplace."""

    def wanted(self, source: VideoFormat) -> tuple[ChromaLayout, int, bool]:
        """Chroma layout, bit depth and whether odd sizes are kept."""
        ...

    def resume_at(self) -> int:
        """How many frames are done and need not be made again."""
        ...

    def open_sink(self, video: VideoFormat) -> Sink:
        """The sink that takes the frames from ``resume_at`` on."""
        ...

    def place(self, journal: Journal, window: carry.Window, complete: bool) -> list[str]:
        """Put what is done at OUT; sentences on what was left out. Raises SinkError."""
        ...


class Film:
    """A video file, made of segments."""

    def __init__(self, workplace: Workplace, chosen: encoders.Settings, original: mux.Original) -> None:
        self._workplace, self._chosen, self._original = workplace, chosen, original
        self._store = SegmentStore(workplace.directory)
        self._sink: SegmentedSink | None = None
        self._video: VideoFormat | None = None

    def wanted(self, source: VideoFormat) -> tuple[ChromaLayout, int, bool]:
        """See Output."""
        layout, depth = encoders.wanted(self._chosen, source)
        return layout, depth, layout is ChromaLayout.YUV444

    def resume_at(self) -> int:
        """See Output."""
        return self._store.frames()

    def open_sink(self, video: VideoFormat) -> SegmentedSink:
        """See Output."""
        self._video = video
        first = len(self._store.finished())
        self._sink = SegmentedSink(self._store, self._chosen, video, SEGMENT_FRAMES, first_segment=first)
        return self._sink

    def place(self, journal: Journal, window: carry.Window, complete: bool) -> list[str]:
        """See Output. A partial film also gets the frames of the open segment."""
        assert self._video is not None
        assert self._sink is not None
        segments = self._store.finished()
        tail = None if complete else self._sink.close_early()
        pieces: list[Segment] = [*segments, *([tail] if tail else [])]
        final = self._workplace.output
        temp = self._workplace.directory / f"film{final.suffix}"
        try:
            window = window if complete else _cut(window, pieces, self._video)
            notes = mux.assemble(temp, mux.Parts(pieces, self._video, self._original, window))
        finally:
            if tail:
                tail.video.unlink(missing_ok=True)
        self._put(journal, temp, final, complete)
        note = encoders.hdr_note(self._chosen, self._video)
        return [*notes, note] if note else notes

    def _put(self, journal: Journal, temp: Path, final: Path, complete: bool) -> None:
        """The journal learns of the file before it is there, so that it is known as ours at any instant."""
        ours: list[Identity] = [i for i in (identity(temp), identity(final)) if i]
        ours = [i for i in ours if i == ours[0] or i in journal.placed]
        self._workplace.save(msgspec.structs.replace(journal, placed=ours, complete=complete))
        with writing(final):
            commit(temp, final)


class PictureSequence:
    """Numbered pictures."""

    def __init__(self, workplace: Workplace, quality: int | None, source_bits: int, sound: bool) -> None:
        self._workplace, self._quality, self._sound = workplace, quality, sound
        self._suffix = workplace.output.suffix
        self._bits = images.sample_bits(workplace.output, source_bits)

    def wanted(self, source: VideoFormat) -> tuple[ChromaLayout, int, bool]:
        """See Output."""
        layout, depth = images.wanted(source)
        return layout, depth, True

    def resume_at(self) -> int:
        """Whole groups only: the engine starts each group of SEGMENT_FRAMES with an empty memory."""
        done = images.staged_count(self._workplace.directory, self._suffix)
        return done // SEGMENT_FRAMES * SEGMENT_FRAMES

    def open_sink(self, video: VideoFormat) -> Sink:
        """See Output."""
        return images.SequenceSink(
            self._workplace.directory, self._suffix, self._bits, self._quality, first=self.resume_at()
        )

    def place(self, journal: Journal, window: carry.Window, complete: bool) -> list[str]:
        """See Output."""
        directory = self._workplace.directory
        count = images.staged_count(directory, self._suffix)
        self._workplace.save(msgspec.structs.replace(journal, complete=complete))
        images.place(directory, count, self._workplace.output)
        return ["Pictures carry no sound: the audio is left out."] if complete and self._sound else []


def film_occupied(workplace: Workplace, journal: Journal | None) -> bool:
    """Whether a file that is not ours stands at OUT."""
    there = identity(workplace.output)
    return there is not None and not (journal and there in journal.placed)


def sequence_occupied(workplace: Workplace) -> bool:
    """Whether pictures that are not ours stand under OUT's pattern."""
    found = images.existing(workplace.output)
    ours = {identity(images.staged(workplace.directory, i, workplace.output.suffix)) for i in range(len(found))}
    return any(identity(path) not in ours for path in found)


def _cut(window: carry.Window, pieces: list[Segment], video: VideoFormat) -> carry.Window:
    """A partial film's sound ends with its pictures."""
    last = pieces[-1].times.pts[-1] if pieces else 0
    step = 1 / video.frame_rate if video.frame_rate else Fraction(1, 25)
    return carry.Window(window.origin, window.begin, last * video.time_base + step)
