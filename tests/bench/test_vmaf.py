"""VMAF through an ffmpeg that has it, on drawn clips; and what is said where there is none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edge_vsr.bench import vmaf
from edge_vsr.capture.pattern import PatternSource
from edge_vsr.errors import SourceError

SIZE = (256, 144)


@pytest.fixture(scope="module")
def ffmpeg() -> Path:
    found = vmaf.find_ffmpeg()
    if found is None:
        pytest.skip(f"no ffmpeg with libvmaf here: {vmaf.HOW_TO_GET}")
    return found


def raw(path: Path, spoil: float) -> Path:
    rng = np.random.default_rng(0)
    with path.open("wb") as file:
        for frame in PatternSource(*SIZE, frame_count=2).frames():
            for plane in frame.planes:
                file.write(np.clip(plane + rng.normal(0, spoil, plane.shape), 0, 255).astype(np.uint8).tobytes())
    return path


def test_the_truth_scores_high_and_noise_lowers_both(ffmpeg: Path, tmp_path: Path) -> None:
    truth = raw(tmp_path / "truth.yuv", 0)
    perfect, poor = (
        vmaf.measure(ffmpeg, raw(tmp_path / f"{name}.yuv", spoil), truth, SIZE, 2)
        for name, spoil in (("same", 0.0), ("noisy", 25.0))
    )
    assert 95 < perfect.plain <= 100
    assert 95 < perfect.neg <= 100
    assert poor.plain < perfect.plain - 10
    assert poor.neg <= poor.plain + 1e-6


def test_a_failure_is_one_line(ffmpeg: Path, tmp_path: Path) -> None:
    truth = raw(tmp_path / "truth.yuv", 0)
    with pytest.raises(SourceError, match=r"^VMAF: .* failed") as caught:
        vmaf.measure(ffmpeg, tmp_path / "absent.yuv", truth, SIZE, 2)
    assert "\n" not in str(caught.value)


def test_a_program_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sleeper = tmp_path / "sleeper"
    sleeper.write_text(f"#!{sys.executable}\nimport time\ntime.sleep(60)\n")
    sleeper.chmod(0o755)
    monkeypatch.setattr(vmaf, "_BASE_S", 0.5)
    monkeypatch.setattr(vmaf, "_FRAME_S", 0)
    with pytest.raises(SourceError, match="did not answer within"):
        vmaf.measure(sleeper, tmp_path / "a.yuv", tmp_path / "b.yuv", SIZE, 1)


def test_a_program_that_writes_nothing_is_noticed(tmp_path: Path) -> None:
    silent = tmp_path / "silent"
    silent.write_text("#!/bin/sh\n")
    silent.chmod(0o755)
    with pytest.raises(SourceError, match="left no readable log"):
        vmaf.measure(silent, tmp_path / "a.yuv", tmp_path / "b.yuv", SIZE, 1)


def test_a_program_without_vmaf_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(*_: object, **__: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess([], 0, stdout=" ... xpsnr  VV->V  Calculate\n")

    monkeypatch.setattr(vmaf.subprocess, "run", answer)
    vmaf.find_ffmpeg.cache_clear()
    try:
        assert vmaf.find_ffmpeg() is None
    finally:
        vmaf.find_ffmpeg.cache_clear()
