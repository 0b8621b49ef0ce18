"""Composition root of a file job: source → engine → sink, resumable.

check the request · lock and open the work directory · open the source · build the engine ·
run the loop from the first frame that is not done · put the output together · take the work away
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from fractions import Fraction

import av

from edge_vsr.capture.media_file import open_source
from edge_vsr.capture.opening import open_container
from edge_vsr.capture.source import DecodeReport, Source
from edge_vsr.errors import Interrupted, UsageError
from edge_vsr.frame import Frame, VideoFormat
from edge_vsr.jobs import engines, outputs, request
from edge_vsr.jobs.before_after import BeforeAfter
from edge_vsr.jobs.engines import Builder, Built
from edge_vsr.jobs.journal import SPOOL, Journal, Workplace, adopt, identity, work_directory
from edge_vsr.jobs.progress import Meter
from edge_vsr.jobs.request import Kind
from edge_vsr.jobs.spec import JobReport, JobSpec, Progress
from edge_vsr.jobs.spool import spool
from edge_vsr.jobs.still import RGB_PICTURES, run_still, source_bits
from edge_vsr.pipeline import Counters, JobLoop
from edge_vsr.present import encoders, images, mux
from edge_vsr.present.carry import Window

__all__ = ["JobReport", "JobSpec", "Progress", "run"]

_PROGRESS_S = 0.1


def run(
    spec: JobSpec,
    on_progress: Callable[[Progress], None],
    should_stop: Callable[[], bool],
    *,
    build: Builder = engines.build,
) -> JobReport:
    """Run a job to its end, or until ``should_stop`` says so. ``build`` makes the engine.

    ``should_stop`` is asked often and must be cheap. Raises EdgeVsrError for everything a user can mend,
    Interrupted after an orderly stop.
    """
    if spec.output.is_symlink():  # the film goes where the link points, perhaps to a larger disk
        spec = replace(spec, output=spec.output.resolve())
    kind = request.check(spec)
    if kind is Kind.STILL:
        return run_still(spec, build)
    fresh = not work_directory(spec.output).is_dir()
    if fresh and not spec.overwrite and _stands(spec, kind):
        raise request.occupied(spec)
    with Workplace(spec.output) as place:
        try:
            return _Job(spec, kind, place, on_progress, should_stop).run(build)
        except BaseException:
            place.remove_if_empty()
            raise


def _stands(spec: JobSpec, kind: Kind) -> bool:
    return bool(images.existing(spec.output)) if kind is Kind.SEQUENCE else spec.output.exists()


class _Job:
    """One run of one job inside its locked work directory."""

    def __init__(
        self,
        spec: JobSpec,
        kind: Kind,
        place: Workplace,
        on_progress: Callable[[Progress], None],
        should_stop: Callable[[], bool],
    ) -> None:
        self._spec, self._kind, self._place = spec, kind, place
        self._on_progress, self._should_stop = on_progress, should_stop
        self._began = time.monotonic()
        self._first: Frame | None = None
        self._last: Frame | None = None

    def run(self, build: Builder) -> JobReport:
        """From the journal to the report."""
        if self._was_finished():
            return self._already_done()
        journal = self._adopt()
        location = self._location()
        spec = self._spec
        with ExitStack() as stack:
            rgb = RGB_PICTURES if self._kind is Kind.SEQUENCE else None
            source = stack.enter_context(
                closing(
                    open_source(
                        location,
                        deinterlace=spec.deinterlace,
                        start_s=spec.start_s,
                        duration_s=spec.duration_s,
                        rgb_as=rgb,
                    )
                )
            )
            info = source.info
            if info.is_still:
                raise UsageError(
                    f"{spec.output}: a picture becomes a picture; name the output .png, .jpg, .webp or .tif"
                )
            original = open_container(location)
            stack.callback(original.container.close)
            output = self._output(mux.Original(original.container, original.stream), location)
            layout, depth, exact = output.wanted(info.video)
            built = build(replace(info.video, bit_depth=depth), spec, layout, exact)
            stack.enter_context(closing(built.engine))
            settings = {**journal.settings, "engine": built.identity}
            journal = adopt(self._place, settings, spec.overwrite, keep=frozenset({SPOOL}))
            return self._make(journal, source, built, output)

    def _was_finished(self) -> bool:
        """Whether an earlier run was killed after the output stood and before the work was taken away."""
        found = self._place.load()
        settings = request.fingerprint(self._spec)
        if found is None or any(found.settings.get(name) != value for name, value in settings.items()):
            return False
        if self._kind is Kind.FILM:
            return found.complete and identity(self._spec.output) in found.placed
        return found.tidying and bool(images.existing(self._spec.output))

    def _adopt(self) -> Journal:
        spec, place = self._spec, self._place
        found = place.load()
        if not spec.overwrite and self._taken(found):
            raise request.occupied(spec)
        return adopt(place, request.fingerprint(spec), spec.overwrite)

    def _taken(self, journal: Journal | None) -> bool:
        """Whether something stands at OUT that is not ours."""
        film = self._kind is Kind.FILM
        return outputs.film_occupied(self._place, journal) if film else outputs.sequence_occupied(self._place)

    def _location(self) -> str:
        if self._spec.source != request.STDIN:
            return self._spec.source
        path = self._place.directory / SPOOL
        spool(sys.stdin.buffer, path, self._should_stop)
        return str(path)

    def _output(self, original: mux.Original, location: str) -> outputs.Output:
        spec = self._spec
        if self._kind is Kind.SEQUENCE:
            sound = bool(original.container.streams.audio)
            return outputs.PictureSequence(self._place, spec.quality, source_bits(location), sound)
        chosen = encoders.settings(spec.encoder, spec.quality, spec.output)
        return outputs.Film(self._place, chosen, original)

    def _make(self, journal: Journal, source: Source, built: Built, output: outputs.Output) -> JobReport:
        info = source.info
        video = replace(
            built.engine.output, time_base=info.video.time_base, frame_rate=info.video.frame_rate, hdr=info.video.hdr
        )
        resumed_at = output.resume_at()
        sink = output.open_sink(video)
        pair = BeforeAfter(self._spec, built.engine, info.frame_count, resumed_at)
        meter = Meter(info.frame_count, built.engine.rung, resumed_at, time.monotonic())
        process = engines.grouped(pair.process, built.engine, resumed_at, outputs.SEGMENT_FRAMES)
        loop = JobLoop(self._timed(source, video), process, sink.write, skip=resumed_at)
        try:
            counters = loop.run(self._should_stop, self._ticker(meter))
            if counters.stopped:
                self._stop(journal, video, output, resumed_at + counters.written)
            sink.close()
        except BaseException:
            sink.abort()
            raise
        self._on_progress(meter.tick(counters.upscaled, time.monotonic()))
        notes = output.place(journal, self._window(video), complete=True)
        tally = built.engine.tally
        pair.save()
        self._place.remove()
        return JobReport(
            self._spec.output,
            counters.read,
            (video.width_px, video.height_px),
            time.monotonic() - self._began,
            (*info.notes, *built.notes, *built.engine.notes, *notes, *engines.spared(tally), *_decoding(source.report)),
        )

    def _timed(self, source: Source, video: VideoFormat) -> Iterator[Frame]:
        """The source's frames, all in the time base of the output; remembers the first and the last one."""
        for frame in source.frames():
            if frame.time_base != video.time_base:
                assert frame.pts is not None
                pts = round(frame.pts * frame.time_base / video.time_base)
                frame = frame.with_(pts=pts, time_base=video.time_base)  # noqa: PLW2901
            self._first = self._first or frame
            self._last = frame
            yield frame

    def _window(self, video: VideoFormat) -> Window:
        """What part of the source's sound belongs to the pictures that were made."""
        assert self._first is not None
        assert self._last is not None
        begin = (self._first.pts or 0) * video.time_base
        step = 1 / video.frame_rate if video.frame_rate else Fraction(1, 25)
        end = (self._last.pts or 0) * video.time_base + step if self._spec.duration_s is not None else None
        return Window(begin, begin, end) if self._spec.start_s > 0 else Window(end=end)

    def _stop(self, journal: Journal, video: VideoFormat, output: outputs.Output, done: int) -> None:
        """An orderly stop: what is done becomes watchable. Always raises Interrupted."""
        kept = output.resume_at()
        go_on = f"run the same command again to go on after frame {kept}" if kept else "the same command starts again"
        if done == 0:
            raise Interrupted("stopped before the first frame was done")
        if self._taken(journal):
            raise Interrupted(f"stopped after {done} frames; {self._spec.output} is still the old one; {go_on}")
        output.place(journal, self._window(video), complete=False)
        raise Interrupted(f"stopped after {done} frames, {self._spec.output} holds them; {go_on}")

    def _ticker(self, meter: Meter) -> Callable[[Counters], None]:
        last = -_PROGRESS_S

        def tick(counters: Counters) -> None:
            nonlocal last
            now = time.monotonic()
            if now - last >= _PROGRESS_S:
                last = now
                self._on_progress(meter.tick(counters.upscaled, now))

        return tick

    def _already_done(self) -> JobReport:
        sequence = images.existing(self._spec.output) if self._kind is Kind.SEQUENCE else []
        with av.open(str(sequence[0] if sequence else self._spec.output.absolute())) as film:
            stream = film.streams.video[0]
            size = (stream.width, stream.height)
            frames = len(sequence) or sum(1 for packet in film.demux(stream) if packet.size)
        self._place.remove()
        note = "The output was finished in an earlier run."
        return JobReport(self._spec.output, frames, size, time.monotonic() - self._began, (note,))


def _decoding(report: DecodeReport) -> list[str]:
    """What the decoder had to mend, in sentences."""
    notes = []
    if report.corrupt_packets:
        notes.append(f"{report.corrupt_packets} damaged packets were skipped or repaired.")
    if report.concealed_frames:
        notes.append(f"{report.concealed_frames} damaged frames were concealed.")
    if report.size_changes:
        notes.append(f"The picture size changed {report.size_changes} times; every frame was fitted to the output.")
    return [*notes, *report.warnings]
