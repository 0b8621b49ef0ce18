"""``devices`` and ``doctor``: what they find on this machine, and on machines made up for them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge_vsr.cli import main
from edge_vsr.commands import checks, doctor
from edge_vsr.commands.checks import Finding, Verdict, cpu_flags
from edge_vsr.commands.devices import cameras, encoders


def test_the_bundled_encoders_work() -> None:
    usable = {device.name for device in encoders() if device.usable}
    assert {"x264", "x265", "svtav1", "ffv1"} <= usable


def test_cameras_are_named_by_the_kernel(tmp_path: Path) -> None:
    for node, name in (("video0", "USB Capture HDMI\n"), ("video1", "")):
        folder = tmp_path / "class/video4linux" / node
        folder.mkdir(parents=True)
        (folder / "name").write_text(name)
    assert [(c.name, c.detail) for c in cameras(tmp_path)] == [("/dev/video0", "USB Capture HDMI"), ("/dev/video1", "")]
    assert cameras(tmp_path / "nothing") == []


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        (
            "processor : 0\nflags\t\t: fpu avx2 avx512_vnni\n\nprocessor : 1\nflags : fpu\n",
            {"fpu", "avx2", "avx512_vnni"},
        ),
        ("processor : 0\nFeatures\t: fp asimd asimddp\n", {"fp", "asimd", "asimddp"}),
        ("processor : 0\n", set()),
    ],
)
def test_processor_flags_are_read_on_intel_and_arm(text: str, flags: set[str], tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text(text)
    assert cpu_flags(tmp_path / "cpuinfo") == flags
    assert cpu_flags(tmp_path / "absent") == set()


def test_a_missing_model_is_a_failure_that_says_what_still_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGE_VSR_MODELS", str(tmp_path))
    finding = checks.models()
    assert finding.verdict is Verdict.FAIL
    assert "--model none" in finding.says
    assert checks.backend().verdict is Verdict.FAIL
    assert checks.self_test().verdict is Verdict.FAIL


def test_the_doctor_names_every_model_and_rung(ladder_root: Path) -> None:
    finding = checks.models()
    assert finding.verdict is Verdict.OK
    assert finding.says.startswith("x1-balanced 1, x2-balanced 1, x2-balanced-clean 1, x2-fast 1, ")
    assert finding.says.endswith("rungs: fast, balanced")
    (ladder_root / "x4-balanced/1/weights.npz").write_bytes(b"other")
    assert "x4-balanced" in checks.models().says
    assert checks.models().verdict is Verdict.FAIL


@pytest.mark.parametrize(("verdict", "code"), [(Verdict.OK, 0), (Verdict.WARN, 0), (Verdict.FAIL, 1)])
def test_only_a_failure_makes_the_doctor_fail(
    verdict: Verdict, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor, "all_checks", lambda: iter([Finding("memory", verdict, "some")]))
    assert main(["doctor", "--json"]) == code
    assert json.loads(capsys.readouterr().out) == [{"check": "memory", "verdict": verdict.value, "says": "some"}]
    assert main(["doctor"]) == code
    assert capsys.readouterr().out == f"{verdict.value:<4}  memory     some\n"


def test_what_needs_no_model_is_in_order_here() -> None:
    assert checks.software().verdict is Verdict.OK
    assert checks.codecs().verdict is Verdict.OK
