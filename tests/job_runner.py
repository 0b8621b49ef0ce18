"""Runs one job in a process of its own, so that a test can kill it: source, output, encoder, ms per frame."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from edge_vsr.frame import ChromaLayout, VideoFormat
from edge_vsr.job import JobSpec, run
from edge_vsr.jobs import engines
from edge_vsr.upscale.geometry import parse_target


def main(source: str, output: str, encoder: str, pause_ms: str) -> None:
    def build(video: VideoFormat, spec: JobSpec, layout: ChromaLayout, exact: bool) -> engines.Built:
        built = engines.build(video, spec, layout, exact)
        process: Any = built.engine.process

        def slowly(frame: Any) -> Any:
            time.sleep(int(pause_ms) / 1000)
            return process(frame)

        built.engine.process = slowly  # type: ignore[method-assign]
        return built

    spec = JobSpec(source, Path(output), parse_target("x1"), model="none", encoder=encoder)
    run(spec, lambda progress: print(progress.frames_done, flush=True), lambda: False, build=build)


if __name__ == "__main__":
    main(*sys.argv[1:])
