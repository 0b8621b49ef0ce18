"""The table of what each idea is worth: every line a run, every run resumable."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from edge_vsr.factory import ablate  # noqa: E402


def test_every_variant_differs_from_the_base_in_something() -> None:
    told = [(v.net, v.recipe, v.parent, name == "pruned") for name, v in ablate.VARIANTS.items()]
    assert all(told.count(entry) == 1 for entry in told)
    assert all(not v.parent or v.parent in ablate.VARIANTS for v in ablate.VARIANTS.values())


def test_a_table_is_made_and_not_made_twice(
    pairs_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ["base", "qat", "pruned", "unconditioned"]
    options = ["--data", pairs_folder, "--runs", tmp_path / "runs", "--steps", 8, "--table", tmp_path / "t.md"]
    monkeypatch.setattr(sys, "argv", ["ablate", *map(str, options), "--only", *names])
    ablate.main()
    lines = (tmp_path / "t.md").read_text().splitlines()
    assert len(lines) == 2 + len(names) + 1  # calibrated integers come with the base
    assert lines[2].endswith("+0.000 |")
    assert ablate.PTQ in lines[3]
    assert "base: 8 steps" in capsys.readouterr().out
    ablate.main()
    assert "steps in" not in capsys.readouterr().out
    assert (tmp_path / "t.md").read_text().splitlines() == lines
