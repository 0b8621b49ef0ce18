"""Words for several nets at once: who stands in for whom."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_vsr.bench import ours
from edge_vsr.errors import ModelError, UsageError
from edge_vsr.models.store import Model


@pytest.mark.usefixtures("ladder_root")
def test_of_two_words_the_second_stands_in_for_the_first() -> None:
    passes = ours.plans("balanced+fast", 2, coded=True)
    assert [[model.manifest.name for model in nets] for nets in passes] == [["x2-balanced", "x2-fast"]]
    assert ours.label("balanced+fast") == "balanced+fast"
    assert ours.macs_per_px("balanced+fast", 2) == ours.macs_per_px("balanced", 2)


@pytest.mark.usefixtures("ladder_root")
def test_nets_that_enlarge_differently_cannot_stand_in() -> None:
    with pytest.raises(UsageError, match="do not enlarge alike"):
        ours.plans("balanced+fast", 4, coded=True)


@pytest.mark.usefixtures("ladder_root")
def test_unfinished_and_unknown_words_are_refused() -> None:
    with pytest.raises(UsageError, match="stands between two"):
        ours.label("balanced+")
    with pytest.raises(ModelError, match="unknown model 'none'"):
        ours.label("balanced+none")


def test_a_folder_may_have_a_plus_in_its_name(tmp_path: Path, integer_model: Model) -> None:
    folder = tmp_path / "a+b"
    folder.mkdir()
    for file in integer_model.folder.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    assert ours.label(str(folder)) == integer_model.manifest.name


@pytest.mark.usefixtures("shipped_model")
def test_the_engine_gets_the_cheaper_nets_cheapest_first() -> None:
    (net,) = ours._nets("best+balanced+fast", ours.INT8, "cpu")(2, True)
    assert net.manifest.rung == "best"
    assert [one.manifest.rung for one in net.cheaper] == ["fast", "balanced"]
