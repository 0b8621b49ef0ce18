"""One picture in, one picture out: no segments, no journal, one atomic write."""

from __future__ import annotations

import time
from contextlib import closing

from edge_vsr.capture.media_file import open_source
from edge_vsr.capture.opening import open_container
from edge_vsr.capture.pixels import RgbTarget
from edge_vsr.color import JPEG_FULL
from edge_vsr.durable import write_atomic, writing
from edge_vsr.errors import SourceError, UsageError
from edge_vsr.jobs.engines import Builder
from edge_vsr.jobs.request import occupied
from edge_vsr.jobs.spec import JobReport, JobSpec
from edge_vsr.present import images, preview

# R'G'B' pictures pass through 10-bit full-range Y'CbCr: 8-bit samples come back as they were.
RGB_PICTURES = RgbTarget(JPEG_FULL, bit_depth=10)


def run_still(spec: JobSpec, build: Builder) -> JobReport:
    """Upscale one picture. Raises EdgeVsrError."""
    began = time.monotonic()
    if spec.output.exists() and not spec.overwrite:
        raise occupied(spec)
    bits = source_bits(spec.source)
    with closing(open_source(spec.source, deinterlace=spec.deinterlace, rgb_as=RGB_PICTURES)) as source:
        if not source.info.is_still:
            raise UsageError(
                f"{spec.output}: a video cannot become one picture; name a video file (.mp4, .mkv) or a pattern "
                f"such as {spec.output.stem}-%05d{spec.output.suffix}"
            )
        layout, _ = images.wanted(source.info.video)
        built = build(source.info.video, spec, layout, True)
        with closing(built.engine) as engine:
            frame = next(source.frames(), None)
            if frame is None:
                raise SourceError(f"{spec.source}: holds no picture")
            result = engine.process(frame)
            before = engine.base_of(frame) if spec.compare or spec.preview else result
            shown = preview.split(before, result) if spec.compare else result
            with writing(spec.output):
                depth = images.sample_bits(spec.output, bits)
                write_atomic(spec.output, images.encode(shown, spec.output.suffix, depth, spec.quality))
            if spec.preview is not None:
                with writing(spec.preview):
                    picture = preview.side_by_side(before, result)
                    write_atomic(spec.preview, images.encode_rgb(picture, ".png", None))
            notes = (*source.info.notes, *built.notes, *engine.notes, *source.report.warnings)
            return JobReport(spec.output, 1, (shown.width_px, shown.height_px), time.monotonic() - began, notes)


def source_bits(location: str) -> int:
    """Bits per sample as the source stores them (R'G'B' is delivered as 10-bit Y'CbCr whatever it was)."""
    opened = open_container(location)
    with closing(opened.container):
        return max((component.bits for component in opened.stream.format.components), default=8)
