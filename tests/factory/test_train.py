"""Training: it learns, it stops and goes on to the step, and no kill can hurt it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from edge_vsr.errors import UsageError  # noqa: E402
from edge_vsr.factory import trainlog  # noqa: E402
from edge_vsr.factory.dataset import Pairs  # noqa: E402
from edge_vsr.factory.feed import Batch, Recipe, batches, held_indices, training_indices  # noqa: E402
from edge_vsr.factory.losses import charbonnier, gains_db  # noqa: E402
from edge_vsr.factory.networks import NetConfig  # noqa: E402
from edge_vsr.factory.train import Trainer, calibrate, load_net, pace, start, train  # noqa: E402

CONFIG = NetConfig(width=8, depth=3)
RECIPE = Recipe(steps=400, batch=4, patch=20)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def pairs(pairs_folder: Path) -> Pairs:
    return Pairs.open(pairs_folder)


@pytest.fixture
def feed(pairs: Pairs) -> Iterator[Batch]:
    return batches(pairs, RECIPE, CONFIG.depth, CONFIG.scale)


def weights(trainer: Trainer) -> list[torch.Tensor]:  # type: ignore[name-defined]
    return [p.detach().clone() for p in (*trainer.net.parameters(), *trainer.average.parameters())]


def close(a: list[torch.Tensor], b: list[torch.Tensor]) -> bool:  # type: ignore[name-defined]
    return all(torch.allclose(x, y, rtol=1e-3, atol=1e-5) for x, y in zip(a, b, strict=True))


# -- batches ----------------------------------------------------------------------------------------------------------


def test_a_batch_has_the_shapes_of_the_net(feed: Iterator[Batch]) -> None:
    picture, luma, chroma = next(feed)
    core = RECIPE.patch - 2 * CONFIG.depth
    assert picture.shape == (4, 8, 20, 20)
    assert luma.shape == (4, 16, core, core)
    assert chroma.shape == (4, 8, core, core)
    assert picture.min() >= -128
    assert picture.max() <= 127


def test_batch_and_truth_lie_on_each_other(pairs_folder: Path) -> None:
    """The residual of a set whose truth is its base plus the low picture, enlarged by repetition, is that picture."""
    pairs = Pairs.open(pairs_folder)
    parts = dict(pairs.parts)
    for name, low in (("y", "lr_y"), ("u", "lr_u"), ("v", "lr_v")):
        parts[f"base_{name}"] = np.zeros_like(parts[f"hr_{name}"])
        parts[f"hr_{name}"] = np.repeat(np.repeat(parts[low], 2, axis=1), 2, axis=2)
    picture, luma, chroma = next(batches(replace(pairs, parts=parts), replace(RECIPE, batch=16), 3, 2))
    inner = picture[:, :, 3:-3, 3:-3] + 128
    for dy in range(4):
        for dx in range(4):
            assert torch.equal(luma[:, 4 * dy + dx], inner[:, 2 * (dy // 2) + dx // 2])
    for index in range(8):
        assert torch.equal(chroma[:, index], inner[:, 4 + index // 4])


def test_clean_and_coded_samples_are_drawn_in_proportion(pairs_folder: Path) -> None:
    pairs = Pairs.open(pairs_folder)
    marked = {**pairs.parts, "cond": np.repeat((np.arange(22) < pairs.clean)[:, None], 2, axis=1).astype(np.uint8)}
    draw = batches(replace(pairs, parts=marked), replace(RECIPE, batch=64, patch=8), 3, 2)
    clean = [float((next(draw)[0][:, 6, 0, 0] + 128).mean()) for _ in range(12)]
    assert np.mean(clean) == pytest.approx(RECIPE.clean_share, abs=0.08)


# -- learning ---------------------------------------------------------------------------------------------------------


def test_twenty_steps_lower_the_loss(feed: Iterator[Batch], pairs: Pairs, tmp_path: Path) -> None:
    batch, trainer = next(feed), start(tmp_path, CONFIG, RECIPE, None, pairs)
    losses = [trainer.learn(batch) for _ in range(20)]
    assert trainer.step == 20
    assert np.mean(losses[-3:]) < 0.95 * losses[0]


def test_quantised_training_lowers_the_loss_at_both_precisions(
    feed: Iterator[Batch], pairs: Pairs, tmp_path: Path
) -> None:
    parent = start(tmp_path / "parent", CONFIG, RECIPE, None, pairs)
    (tmp_path / "parent").mkdir()
    batch = next(feed)
    for _ in range(10):
        parent.learn(batch)
    parent.save()
    recipe = replace(RECIPE, integers=True, teacher_weight=0.5)
    child = start(tmp_path / "child", CONFIG, recipe, tmp_path / "parent", pairs)
    assert child.net.quantised
    assert not start(tmp_path / "child", CONFIG, RECIPE, tmp_path / "parent", pairs).net.quantised
    assert all(0.01 < clip < 100 for clip in child.net.clips.tolist())
    losses, levels = [], []
    for _ in range(20):
        losses.append(child.learn(batch))
        levels.append(child.net.levels)
    assert set(levels) == {127, 255}
    for first in (0, 1):
        assert losses[18 + first] < losses[first]


def test_clips_are_set_to_what_the_layers_carry(pairs: Pairs, feed: Iterator[Batch], tmp_path: Path) -> None:
    net = start(tmp_path, CONFIG, RECIPE, None, pairs).net
    with torch.no_grad():
        net.layers[0].bias += 50
    calibrate(net, [next(feed)])
    assert 1.5 * 50 < float(net.clips[0].detach()) < 1.5 * 70  # with headroom


def test_small_errors_count_squared_and_large_ones_once() -> None:
    small, large = (float(charbonnier(torch.full((4,), error), 3.0)) for error in (0.1, 300.0))
    assert small == pytest.approx(0.1**2 / 6, rel=0.01)
    assert large == pytest.approx(300 - 3, rel=0.01)


def test_the_pace_warms_up_and_anneals() -> None:
    assert pace(RECIPE, 0) == pytest.approx(1 / 200)
    assert pace(replace(RECIPE, steps=10**6), 199) == pytest.approx(1.0, abs=1e-3)
    assert pace(RECIPE, 400) == pytest.approx(0.01)
    assert pace(RECIPE, 900) == pytest.approx(0.01)
    falling = [pace(RECIPE, step) for step in range(200, 400)]
    assert falling == sorted(falling, reverse=True)


def test_a_child_of_another_scale_takes_over_the_trunk(pairs: Pairs, feed: Iterator[Batch], tmp_path: Path) -> None:
    parent = start(tmp_path, CONFIG, RECIPE, None, pairs)
    parent.learn(next(feed))
    parent.save()
    child = start(tmp_path / "x3", replace(CONFIG, scale=3), RECIPE, tmp_path, pairs).net
    assert torch.equal(child.layers[1].kernel, parent.average.layers[1].kernel)
    assert child.layers[2].kernel.shape[0] == 54


# -- what is drawn, and what is held back -----------------------------------------------------------------------------


def test_nothing_held_back_is_trained_on(pairs: Pairs) -> None:
    clean, coded = training_indices(pairs)
    held_clean, held_coded = held_indices(pairs)
    assert sorted([*clean, *coded, *held_clean, *held_coded]) == list(range(22))
    assert len(held_clean) == 3
    assert len(held_coded) == 1


@pytest.mark.parametrize(("shots", "held"), [(2, [1]), (3, [1]), (60, [25]), (360, [*range(25, 360, 50)])])
def test_of_many_shots_whole_ones_are_held_back(shots: int, held: list[int], pairs: Pairs) -> None:
    count = 12 + 10 * shots - 4  # the last one is short
    many = replace(pairs, parts={**pairs.parts, "cond": np.zeros((count, 2), np.uint8)})
    found = held_indices(many)[1]
    assert sorted({int(index - 12) // 10 for index in found}) == held
    assert not {(i - 12) // 10 for i in training_indices(many)[1]} & set(held)
    assert len(found) >= 6


def test_a_curriculum_begins_with_the_lightest_samples(pairs: Pairs) -> None:
    marked = np.repeat(np.arange(22)[:, None], 2, axis=1).astype(np.uint8)
    recipe = replace(RECIPE, clean_share=0.0, curriculum=0.5, patch=8, batch=64)
    draw = batches(replace(pairs, parts={**pairs.parts, "cond": marked}), recipe, 3, 2)
    first = (next(draw)[0][:, 6, 0, 0] + 128).unique().tolist()
    late = batches(replace(pairs, parts={**pairs.parts, "cond": marked}), recipe, 3, 2, first_step=200)
    assert first == [13, 14]  # a quarter of nine; 12 is held back
    assert len((next(late)[0][:, 6, 0, 0] + 128).unique()) == 9


def test_a_batch_depends_on_its_step_alone(pairs: Pairs) -> None:
    straight = batches(pairs, RECIPE, 3, 2)
    for _ in range(3):
        next(straight)
    assert all(torch.equal(a, b) for a, b in zip(next(straight), next(batches(pairs, RECIPE, 3, 2, 3)), strict=True))


def test_an_unconditioned_net_is_told_nothing(pairs: Pairs) -> None:
    picture = next(batches(pairs, replace(RECIPE, conditioned=False), 3, 2))[0]
    assert not picture[:, 6:].any()


def test_a_net_that_adds_nothing_gains_nothing(pairs: Pairs, tmp_path: Path) -> None:
    net = start(tmp_path, CONFIG, RECIPE, None, pairs).net
    with torch.no_grad():
        for parameter in net.layers[-1].parameters():
            parameter.zero_()
    assert gains_db(net, pairs, RECIPE) == (0.0, 0.0)


# -- stopping and going on --------------------------------------------------------------------------------------------


def test_a_resumed_run_is_the_run_that_never_stopped(feed: Iterator[Batch], pairs: Pairs, tmp_path: Path) -> None:
    todo = [next(feed) for _ in range(8)]
    straight = start(tmp_path / "straight", CONFIG, RECIPE, None, pairs)
    torch.manual_seed(1)
    stopped = start(tmp_path, CONFIG, RECIPE, None, pairs)
    stopped.net.load_state_dict(straight.net.state_dict())
    stopped.average.load_state_dict(straight.average.state_dict())
    for batch in todo:
        straight.learn(batch)
    for batch in todo[:4]:
        stopped.learn(batch)
    stopped.spent_s = 12.5
    stopped.save()
    torch.manual_seed(99)
    resumed = start(tmp_path, CONFIG, RECIPE, None, pairs)
    assert (resumed.step, resumed.spent_s) == (4, 12.5)
    assert all(torch.equal(a, b) for a, b in zip(weights(resumed), weights(stopped), strict=True))
    for batch in todo[4:]:
        resumed.learn(batch)
    assert resumed.step == straight.step
    assert close(weights(resumed), weights(straight))
    assert not close(weights(resumed), weights(stopped))


def test_a_finished_run_is_loaded_with_its_averaged_weights(
    feed: Iterator[Batch], pairs: Pairs, tmp_path: Path
) -> None:
    trainer = start(tmp_path, CONFIG, RECIPE, None, pairs)
    trainer.learn(next(feed))
    trainer.save()
    assert torch.equal(load_net(tmp_path).layers[0].kernel, trainer.average.layers[0].kernel)
    assert not load_net(tmp_path).quantised


FOR_EVER = """
import sys
from pathlib import Path
import torch
from edge_vsr.factory import train
from edge_vsr.factory.networks import NetConfig
torch.set_num_threads(1)
train.SAVE_S = 0  # a checkpoint at every step: a kill is likely to fall into one
recipe = train.Recipe(steps=int(sys.argv[3]), batch=4, patch=20)
train.train(Path(sys.argv[1]), Path(sys.argv[2]), NetConfig(width=8, depth=3), recipe, None)
"""


CHILD = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def run_child(pairs_folder: Path, run: Path, steps: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", FOR_EVER, str(pairs_folder), str(run), str(steps)],
        env=CHILD,
    )


def test_a_killed_run_ends_as_one_that_was_not(pairs_folder: Path, tmp_path: Path) -> None:
    run, steps = tmp_path / "run", 120
    child = run_child(pairs_folder, run, steps)
    try:
        deadline = time.monotonic() + 120
        while not (run / "checkpoint.pt").exists():
            assert child.poll() is None, "training died by itself"
            assert time.monotonic() < deadline
            time.sleep(0.02)
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    state = torch.load(run / "checkpoint.pt", weights_only=True)
    assert 1 <= state["step"] < steps
    assert json.loads((run / "recipe.json").read_text())["recipe"]["batch"] == 4
    recipe = replace(RECIPE, steps=steps)
    resumed = train(pairs_folder, run, CONFIG, recipe, None)
    straight = train(pairs_folder, tmp_path / "straight", CONFIG, recipe, None)
    assert (resumed.step, straight.step) == (steps, steps)
    assert close(weights(resumed), weights(straight))
    log = trainlog.read(run)
    assert [row["step"] for row in log] == ["100", "120"]
    assert [row["resumed"] for row in log] == ["1", "0"]
    assert (run / "plot.png").stat().st_size > 5000
    assert train(pairs_folder, run, CONFIG, recipe, None).step == steps  # a finished run has nothing left to do


def test_a_set_without_coded_samples_can_be_learnt(photos: Path, tmp_path: Path) -> None:
    from edge_vsr.factory.dataset import build  # noqa: PLC0415

    build(photos, None, tmp_path, per_photo=1, coded=0, seed=1)
    next(batches(Pairs.open(tmp_path), replace(RECIPE, clean_share=1.0), 3, 2))
    with pytest.raises(UsageError, match="holds no coded samples to train on: give --clean 1"):
        train(tmp_path, tmp_path / "run", CONFIG, RECIPE, None)


@pytest.mark.parametrize("patch", [6, 73])
def test_a_patch_that_does_not_fit_is_refused(patch: int, pairs_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--patch must be 7 .* to 72"):
        train(pairs_folder, tmp_path / "run", CONFIG, replace(RECIPE, patch=patch), None)
    assert not (tmp_path / "run").exists()


def test_what_is_not_there_is_said(pairs_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no finished set"):
        train(tmp_path, tmp_path / "run", CONFIG, RECIPE, None)
    with pytest.raises(UsageError, match="holds no trained net"):
        train(pairs_folder, tmp_path / "run", CONFIG, RECIPE, tmp_path / "nowhere")
    command = [sys.executable, "-m", "edge_vsr.factory.train", "--data", "nowhere", "--run", "run", "--steps", "1"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, env=CHILD)
    assert ended.returncode == 2
    assert ended.stderr.startswith("error: nowhere: holds no finished set")
    assert len(ended.stderr.splitlines()) == 1
