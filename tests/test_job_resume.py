"""A job that is killed, stopped or starved of disk goes on where it was, to the same result."""

from __future__ import annotations

import itertools
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import av
import pytest
from job_clips import make_clip, packets, pictures_hash, times

from edge_vsr.errors import Interrupted, SinkError, UsageError
from edge_vsr.frame import ChromaLayout, Frame, VideoFormat
from edge_vsr.job import JobSpec, run
from edge_vsr.jobs import engines, outputs
from edge_vsr.jobs.journal import work_directory
from edge_vsr.upscale.geometry import parse_target

RUNNER = Path(__file__).with_name("job_runner.py")
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
FRAMES = 250  # two whole segments and a piece


def spec(source: Path, output: Path, **fields: object) -> JobSpec:
    return JobSpec(str(source), output, parse_target("x1"), model="none", **fields)  # type: ignore[arg-type]


def finish(job: JobSpec) -> None:
    run(job, lambda progress: None, lambda: False)
    assert not work_directory(job.output).exists()


def kill_and_resume(source: Path, output: Path, encoder: str, seed: int, kills: int) -> None:
    """Start the job again and again, each time killing it at a random instant; then let it end."""
    dice = random.Random(seed)
    for _ in range(kills):
        command = [sys.executable, str(RUNNER), str(source), str(output), encoder, "4"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT)
        assert process.stdout is not None
        process.stdout.readline()  # begins to work
        time.sleep(dice.uniform(0, 1.2))
        process.send_signal(signal.SIGKILL)
        _, errors = process.communicate()
        assert process.returncode in (0, -signal.SIGKILL), errors.decode()
        if not work_directory(output).exists():
            return  # the kill came after the last step
    finish(spec(source, output, encoder=encoder))


@pytest.mark.parametrize(("encoder", "suffix"), [("x264", ".mp4"), ("ffv1", ".mkv")])
def test_killed_jobs_end_like_unbroken_ones(tmp_path: Path, encoder: str, suffix: str) -> None:
    source = make_clip(tmp_path / "in.mkv", frames=FRAMES, audio="aac", b_frames=True)
    finish(spec(source, tmp_path / f"whole{suffix}", encoder=encoder))
    kill_and_resume(source, tmp_path / f"broken{suffix}", encoder, seed=1, kills=3)
    assert (tmp_path / f"broken{suffix}").read_bytes() == (tmp_path / f"whole{suffix}").read_bytes()
    assert pictures_hash(tmp_path / f"broken{suffix}") == pictures_hash(tmp_path / f"whole{suffix}")


@pytest.mark.slow
@pytest.mark.parametrize("encoder", ["x264", "x265", "ffv1"])
def test_thirty_kills(tmp_path: Path, encoder: str) -> None:
    source = make_clip(tmp_path / "in.mkv", frames=FRAMES, audio="aac", b_frames=True)
    finish(spec(source, tmp_path / "whole.mkv", encoder=encoder))
    for round_ in range(10):
        output = tmp_path / f"broken{round_}.mkv"
        kill_and_resume(source, output, encoder, seed=round_, kills=3)
        assert pictures_hash(output) == pictures_hash(tmp_path / "whole.mkv")


def test_killed_picture_sequences(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "in.mkv", frames=120)
    finish(spec(source, tmp_path / "whole%04d.png"))
    kill_and_resume(source, tmp_path / "broken%04d.png", "x264", seed=2, kills=2)
    for number in range(1, 121):
        assert (tmp_path / f"broken{number:04d}.png").read_bytes() == (tmp_path / f"whole{number:04d}.png").read_bytes()


def stop_after(frames: int, job: JobSpec) -> str:
    """Run until so many frames are upscaled, then ask to stop; the message of the interruption."""
    enough = threading.Event()

    def build(video: VideoFormat, job: JobSpec, layout: ChromaLayout, exact: bool) -> engines.Built:
        built = engines.build(video, job, layout, exact)
        process = built.engine.process
        count = itertools.count(1)

        def counted(frame: Frame) -> Frame:
            if next(count) == frames:
                enough.set()
            return process(frame)

        built.engine.process = counted  # type: ignore[method-assign]
        return built

    with pytest.raises(Interrupted) as caught:
        run(job, lambda progress: None, enough.is_set, build=build)
    return str(caught.value)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_stopped_job_leaves_a_film_and_goes_on(tmp_path: Path, suffix: str) -> None:
    source = make_clip(tmp_path / "in.mkv", frames=FRAMES, audio="aac", b_frames=True)
    finish(spec(source, tmp_path / f"whole{suffix}"))
    job = spec(source, tmp_path / f"stopped{suffix}")
    message = stop_after(120, job)
    assert "run the same command again" in message
    partial = times(job.output)
    assert len(partial) == 120
    assert partial == times(tmp_path / f"whole{suffix}")[: len(partial)]
    assert packets(job.output, "audio")[-1][0] <= float(partial[-1]) + 0.05
    stop_after(60, job)
    assert len(times(job.output)) == 96 + 60
    finish(job)
    assert job.output.read_bytes() == (tmp_path / f"whole{suffix}").read_bytes()


def test_a_stopped_job_does_not_touch_a_foreign_file(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "in.mkv", frames=FRAMES)
    job = spec(source, tmp_path / "out.mkv", overwrite=True)
    job.output.write_bytes(b"precious")
    assert "still the old one" in stop_after(50, job)
    assert job.output.read_bytes() == b"precious"
    finish(job)
    assert len(times(job.output)) == FRAMES


def test_other_settings_are_named(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "in.mkv", frames=FRAMES)
    stop_after(110, spec(source, tmp_path / "out.mkv"))
    with pytest.raises(UsageError, match=r"other settings \(quality\)"):
        finish(spec(source, tmp_path / "out.mkv", quality=30))
    finish(spec(source, tmp_path / "out.mkv", quality=30, overwrite=True))
    assert len(times(tmp_path / "out.mkv")) == FRAMES


def test_a_changed_source_is_noticed(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "in.mkv", frames=FRAMES)
    stop_after(110, spec(source, tmp_path / "out.mkv"))
    make_clip(source, frames=FRAMES + 1)
    with pytest.raises(UsageError, match="source file"):
        finish(spec(source, tmp_path / "out.mkv"))


def test_a_foreign_file_put_over_the_partial_one_is_respected(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "in.mkv", frames=FRAMES)
    job = spec(source, tmp_path / "out.mkv")
    stop_after(110, job)
    job.output.write_bytes(b"precious")
    with pytest.raises(UsageError, match="exists already"):
        finish(job)
    assert job.output.read_bytes() == b"precious"


def test_killed_between_placing_and_tidying_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = make_clip(tmp_path / "in.mkv", frames=30)
    job = spec(source, tmp_path / "out.mkv")

    def die(self: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("edge_vsr.jobs.journal.Workplace.remove", die)
        with pytest.raises(KeyboardInterrupt):
            run(job, lambda progress: None, lambda: False)
    done = job.output.read_bytes()
    report = run(job, lambda progress: None, lambda: False)
    assert report.frames == 30
    assert job.output.read_bytes() == done
    assert not work_directory(job.output).exists()


@pytest.mark.parametrize("name", ["out.mkv", "out%03d.png"])
@pytest.mark.parametrize("step", range(5))
def test_killed_while_tidying_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, step: int) -> None:
    source = make_clip(tmp_path / "in.mkv", frames=3)
    job = spec(source, tmp_path / name)
    left = step

    def unlink(self: Path, missing_ok: bool = False) -> None:
        nonlocal left
        if self.parent.name.endswith(".edge-vsr") and ".tmp" not in self.name:
            left -= 1
            if left == -1:
                raise KeyboardInterrupt
        original(self, missing_ok)

    original = Path.unlink
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", unlink)
        try:
            run(job, lambda progress: None, lambda: False)
        except KeyboardInterrupt:
            finish(job)
    assert not work_directory(job.output).exists()
    assert len(list(tmp_path.glob("out*"))) == (1 if name == "out.mkv" else 3)


@pytest.mark.parametrize("step", range(14))
def test_killed_at_each_durable_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """Every rename is a step; the process dies just before it, with everything else as it was."""
    monkeypatch.setattr(outputs, "SEGMENT_FRAMES", 10)
    source = make_clip(tmp_path / "in.mkv", frames=35)
    whole, broken = spec(source, tmp_path / "whole.mkv"), spec(source, tmp_path / "broken.mkv")
    finish(whole)
    left = step

    def rename(self: Path, target: Path) -> Path:
        nonlocal left
        left -= 1
        if left == -1:
            raise KeyboardInterrupt
        return original(self, target)

    original = Path.replace
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", rename)
        try:
            run(broken, lambda progress: None, lambda: False)
        except KeyboardInterrupt:
            finish(broken)
    assert broken.output.read_bytes() == whole.output.read_bytes()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip(f"mount is not permitted here: {done.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.parametrize("room", [300_000, 600_000], ids=["in a segment", "in the final file"])
def test_a_full_disk_is_one_line_and_keeps_what_is_done(tmp_path: Path, small_disk: Path, room: int) -> None:
    source = make_clip(tmp_path / "in.mkv", frames=FRAMES, audio="aac")
    finish(spec(source, tmp_path / "whole.mkv", encoder="ffv1"))
    job = spec(source, small_disk / "out.mkv", encoder="ffv1")
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes((1 << 20) - room))
    with pytest.raises(SinkError, match="disk is full") as caught:
        finish(job)
    assert "\n" not in str(caught.value)
    assert not job.output.exists()
    assert list(work_directory(job.output).glob("*.mkv"))
    ballast.unlink()
    subprocess.run(["mount", "-o", "remount,size=16m", str(small_disk)], check=True)
    finish(job)
    assert job.output.read_bytes() == (tmp_path / "whole.mkv").read_bytes()


def test_standard_input(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "in.mkv", frames=20, audio="aac")
    command = [sys.executable, str(RUNNER), "-", str(tmp_path / "out.mkv"), "x264", "0"]
    with source.open("rb") as stream:
        subprocess.run(command, stdin=stream, check=True, stdout=subprocess.DEVNULL, env=ENVIRONMENT)
    assert times(tmp_path / "out.mkv") == times(source)
    assert [d for _, d in packets(tmp_path / "out.mkv", "audio")] == [d for _, d in packets(source, "audio")]


def test_no_thread_is_left_behind(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    source = make_clip(tmp_path / "in.mkv", frames=FRAMES)
    stop_after(30, spec(source, tmp_path / "out.mkv"))
    assert set(threading.enumerate()) == before
    with av.open(str(tmp_path / "out.mkv")) as film:
        assert film.streams.video[0].width == 64
