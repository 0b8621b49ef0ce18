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

from edge_vsr.factory.dataset import Pairs  # noqa: E402
from edge_vsr.factory.feed import Feed, Recipe, batches  # noqa: E402
from edge_vsr.factory.networks import NetConfig  # noqa: E402
from edge_vsr.factory.train import Trainer, calibrate, load_net, rate, start, train  # noqa: E402

CONFIG = NetConfig(width=8, depth=3)
RECIPE = Recipe(minutes=10, lr=0.03, batch=4, patch=20)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def feed(pairs_folder: Path) -> Feed:
    return batches(Pairs.open(pairs_folder), RECIPE, CONFIG.depth, CONFIG.scale)


def weights(trainer: Trainer) -> list[torch.Tensor]:  # type: ignore[name-defined]
    return [p.detach().clone() for p in (*trainer.net.parameters(), *trainer.average.parameters())]


def close(a: list[torch.Tensor], b: list[torch.Tensor]) -> bool:  # type: ignore[name-defined]
    return all(torch.allclose(x, y, rtol=1e-3, atol=1e-5) for x, y in zip(a, b, strict=True))


# -- batches ----------------------------------------------------------------------------------------------------------


def test_a_batch_has_the_shapes_of_the_net(feed: Feed) -> None:
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


def test_twenty_steps_lower_the_loss(feed: Feed, tmp_path: Path) -> None:
    batch, trainer = next(feed), start(tmp_path, CONFIG, RECIPE, None, feed)
    losses = [trainer.learn(*batch) for _ in range(20)]
    assert trainer.step == 20
    assert np.mean(losses[-3:]) < 0.95 * losses[0]


def test_quantised_training_lowers_the_loss_at_both_precisions(feed: Feed, tmp_path: Path) -> None:
    parent = start(tmp_path / "parent", CONFIG, RECIPE, None, feed)
    (tmp_path / "parent").mkdir()
    batch = next(feed)
    for _ in range(10):
        parent.learn(*batch)
    parent.save()
    recipe = replace(RECIPE, integers=True, teacher_weight=0.5)
    child = start(tmp_path / "child", CONFIG, recipe, tmp_path / "parent", feed)
    assert child.net.quantised
    assert not start(tmp_path / "child", CONFIG, RECIPE, tmp_path / "parent", feed).net.quantised
    assert all(0.01 < clip < 100 for clip in child.net.clips.tolist())
    losses, levels = [], []
    for _ in range(20):
        losses.append(child.learn(*batch))
        levels.append(child.net.levels)
    assert set(levels) == {127, 255}
    for first in (0, 1):
        assert losses[18 + first] < losses[first]


def test_clips_are_set_to_what_the_layers_carry(feed: Feed, tmp_path: Path) -> None:
    net = start(tmp_path, CONFIG, RECIPE, None, feed).net
    with torch.no_grad():
        net.layers[0].bias += 50
    calibrate(net, feed, batches_seen=1)
    assert 50 < float(net.clips[0].detach()) < 70


def test_the_rate_warms_up_and_anneals() -> None:
    assert rate(RECIPE, 0.0, 0) == pytest.approx(0.03 / 300)
    assert rate(RECIPE, 0.0, 299) == pytest.approx(0.03)
    assert rate(RECIPE, 1.0, 9999) == pytest.approx(0.0003)
    assert rate(RECIPE, 7.0, 9999) == pytest.approx(0.0003)
    falling = [rate(RECIPE, p / 20, 9999) for p in range(21)]
    assert falling == sorted(falling, reverse=True)


# -- stopping and going on --------------------------------------------------------------------------------------------


def test_a_resumed_run_is_the_run_that_never_stopped(feed: Feed, tmp_path: Path) -> None:
    todo = [next(feed) for _ in range(8)]
    straight = start(tmp_path / "straight", CONFIG, RECIPE, None, feed)
    torch.manual_seed(1)
    stopped = start(tmp_path, CONFIG, RECIPE, None, feed)
    stopped.net.load_state_dict(straight.net.state_dict())
    stopped.average.load_state_dict(straight.average.state_dict())
    for batch in todo:
        straight.learn(*batch)
    for batch in todo[:4]:
        stopped.learn(*batch)
    stopped.spent_s = 12.5
    stopped.save()
    torch.manual_seed(99)
    resumed = start(tmp_path, CONFIG, RECIPE, None, feed)
    assert (resumed.step, resumed.spent_s) == (4, 12.5)
    assert all(torch.equal(a, b) for a, b in zip(weights(resumed), weights(stopped), strict=True))
    resumed.spent_s = 0.0
    for batch in todo[4:]:
        resumed.learn(*batch)
    assert resumed.step == straight.step
    assert close(weights(resumed), weights(straight))
    assert not close(weights(resumed), weights(stopped))


def test_a_finished_run_can_be_loaded_by_either_set_of_weights(feed: Feed, tmp_path: Path) -> None:
    trainer = start(tmp_path, CONFIG, RECIPE, None, feed)
    trainer.learn(*next(feed))
    trainer.save()
    assert torch.equal(load_net(tmp_path, "net").clips, trainer.net.clips)
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
recipe = train.Recipe(minutes=10, lr=0.03, batch=4, patch=20)
train.train(Path(sys.argv[1]), Path(sys.argv[2]), NetConfig(width=8, depth=3), recipe, None)
"""


def test_a_killed_run_goes_on_where_it_was(pairs_folder: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    child = subprocess.Popen(
        [sys.executable, "-c", FOR_EVER, str(pairs_folder), str(run)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    try:
        deadline = time.monotonic() + 120
        while not (run / "checkpoint.pt").exists():
            assert child.poll() is None, "training died by itself"
            assert time.monotonic() < deadline
            time.sleep(0.02)
        time.sleep(0.3)
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    state = torch.load(run / "checkpoint.pt", weights_only=True)
    assert state["step"] >= 1
    assert json.loads((run / "recipe.json").read_text())["recipe"]["batch"] == 4
    more = replace(RECIPE, minutes=(state["spent_s"] + 0.3) / 60)
    train(pairs_folder, run, CONFIG, more, None)
    after = torch.load(run / "checkpoint.pt", weights_only=True)
    assert after["step"] > state["step"]
    assert after["spent_s"] >= more.minutes * 60
    assert not torch.equal(after["net"]["layers.0.kernel"], state["net"]["layers.0.kernel"])
    train(pairs_folder, run, CONFIG, more, None)  # a finished run has nothing left to do
    assert torch.load(run / "checkpoint.pt", weights_only=True)["step"] == after["step"]


def test_a_set_without_coded_samples_can_be_learnt(photos: Path, tmp_path: Path) -> None:
    from edge_vsr.factory.dataset import build  # noqa: PLC0415

    build(photos, None, tmp_path, per_photo=1, coded=0, seed=1)
    next(batches(Pairs.open(tmp_path), replace(RECIPE, clean_share=1.0), 3, 2))
