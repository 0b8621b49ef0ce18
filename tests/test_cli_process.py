"""The command line as a process: signals, pipes, and what it takes to start."""

from __future__ import annotations

import fcntl
import os
import signal
import struct
import subprocess
import sys
import termios
import time
from contextlib import suppress
from pathlib import Path

import pytest
from job_clips import make_clip

from edge_vsr.jobs.journal import work_directory

ROOT = Path(__file__).parent.parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}
LONG = ("--model", "none", "--to", "1080p", "--quiet")


def start(*words: str | Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "edge_vsr", *map(str, words)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT)


def wait_for_work(output: Path, process: subprocess.Popen[bytes]) -> None:
    """Until the job has begun to write its first segment."""
    deadline = time.monotonic() + 60
    while not list(work_directory(output).glob(".*.mkv")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def everything_from(terminal: int) -> str:
    """What was written to a terminal that nobody writes to any more."""
    said = b""
    with suppress(OSError), os.fdopen(terminal, "rb", buffering=0) as file:  # the end of a terminal is an error
        while chunk := file.read(1 << 12):
            said += chunk
    return said.decode()


@pytest.fixture
def long_clip(tmp_path: Path) -> Path:
    return make_clip(tmp_path / "long.mkv", frames=600)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_in_order_and_the_same_command_goes_on(long_clip: Path, tmp_path: Path, how: int) -> None:
    output = tmp_path / "out.mp4"
    process = start("upscale", long_clip, output, *LONG)
    wait_for_work(output, process)
    process.send_signal(how)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.startswith(b"edge-vsr: error: stopped ")
    assert errors.count(b"\n") == 1


def test_the_second_signal_ends_at_once(tmp_path: Path) -> None:
    """Standard input that never comes holds the first one up."""
    command = [sys.executable, "-m", "edge_vsr", "upscale", "-", str(tmp_path / "out.mp4"), "--model", "none"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT) as process:
        deadline = time.monotonic() + 60
        while not work_directory(tmp_path / "out.mp4").exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 130


def test_nobody_reads_on_and_nothing_is_said(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "clip.mkv", frames=30)
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "edge_vsr", "upscale", source, tmp_path / "out.mp4", "--model", "none", "--json"]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, env=ENVIRONMENT, check=False)
    os.close(writer)
    assert done.stderr == b""
    assert done.returncode == 141


def test_file_names_need_not_be_text_and_output_need_not_be_open(tmp_path: Path) -> None:
    name = os.fsencode(make_clip(tmp_path / "clip.mkv", frames=2).rename(tmp_path / os.fsdecode(b"\xff.mkv")))
    command = [sys.executable, "-m", "edge_vsr", "probe", name, "--model", "none"]
    done = subprocess.run(command, capture_output=True, env=ENVIRONMENT, check=True)
    assert done.stderr == b""
    assert b"\\udcff.mkv: film, h264" in done.stdout
    closed = ["/bin/sh", "-c", 'exec "$@" >&-', "sh", *command]
    assert subprocess.run(closed, env=ENVIRONMENT, check=True).returncode == 0


def test_on_a_terminal_there_is_a_bar_and_on_a_pipe_none(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "clip.mkv", frames=30)
    leader, follower = os.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("4H", 24, 100, 0, 0))
    words = ["upscale", source, tmp_path / "out.mp4", "--model", "none", "--to", "x2"]
    command = [sys.executable, "-m", "edge_vsr", *map(str, words)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=follower, env=ENVIRONMENT, check=True)
    os.close(follower)
    bar = everything_from(leader)
    assert "30/30 frames" in bar
    assert "frames/s" in bar
    assert b"30 frames of 128x96" in done.stdout
    piped = subprocess.run([*command, "--overwrite"], capture_output=True, env=ENVIRONMENT, check=True)
    assert piped.stderr == b""


@pytest.mark.parametrize(
    "module", ["edge_vsr.cli", "edge_vsr.job", "edge_vsr.commands.doctor", "edge_vsr.commands.demo"]
)
def test_nothing_but_the_factory_needs_torch(module: str) -> None:
    code = f"import sys; sys.modules['torch'] = None; import {module}; print(any('torch.' in m for m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=ENVIRONMENT, check=True)
    assert done.stdout == b"False\n"


def test_help_loads_no_picture_library() -> None:
    code = "import sys, edge_vsr.cli; print(sorted({'numpy', 'av', 'cv2', 'onnxruntime'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=ENVIRONMENT, check=True)
    assert done.stdout == b"[]\n"


@pytest.mark.slow
def test_the_demo_shows_a_difference(tmp_path: Path) -> None:
    words = ["demo", "--out", str(tmp_path), "--seconds", "0.2", "--model", "none"]
    command = [sys.executable, "-m", "edge_vsr", *words]
    done = subprocess.run(command, capture_output=True, env=ENVIRONMENT, check=True, text=True)
    assert "PSNR-Y" in done.stdout
    assert {path.name for path in tmp_path.iterdir()} == {
        "truth.mkv",
        "source.mp4",
        "bicubic.mp4",
        "upscaled.mp4",
        "before_after.png",
    }
