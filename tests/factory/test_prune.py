"""Pruning takes out what carries least, and leaves a run that can be trained on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from edge_vsr.errors import UsageError  # noqa: E402
from edge_vsr.factory.networks import NetConfig, YuvNet  # noqa: E402
from edge_vsr.factory.prune import narrowed, prune, statistics  # noqa: E402
from edge_vsr.factory.train import load_net  # noqa: E402


@pytest.fixture
def net() -> YuvNet:
    torch.manual_seed(3)
    return YuvNet(NetConfig(width=16, depth=3))


def test_dead_channels_go_first_and_are_not_missed(net: YuvNet, pairs_folder: Path) -> None:
    with torch.no_grad():
        for layer, follower in zip(net.layers[:-1], net.layers[1:], strict=True):
            follower.kernel.view(follower.shape)[:, ::2] = 0  # nobody reads the even channels
            follower.point[:, ::2] = 0
            layer.bias[0] = 3.0
        net.layers[1].identity = 0.0  # it, too, reads them
    child = narrowed(net, 8, statistics(net, pairs_folder))
    picture = torch.randn(1, 8, 20, 20) * 40
    assert child.config.width == 8
    assert torch.allclose(child(picture), net(picture), atol=1e-3)


def test_a_constant_channel_moves_into_the_biases(net: YuvNet, pairs_folder: Path) -> None:
    with torch.no_grad():
        for layer in net.layers[:-1]:
            layer.absorb(layer.collapsed() * (torch.arange(16) < 12)[:, None, None, None], layer.bias)
            layer.bias[12:] = 0.7  # four channels that say the same whatever the picture
    child = narrowed(net, 12, statistics(net, pairs_folder))
    picture = torch.randn(1, 8, 20, 20) * 40
    assert torch.allclose(child(picture), net(picture), atol=1e-2)


def test_a_pruned_run_is_a_run(factory_run: Path, pairs_folder: Path, tmp_path: Path) -> None:
    prune(pairs_folder, factory_run, tmp_path / "narrow", 8)
    assert load_net(tmp_path / "narrow").config.width == 8
    assert json.loads((tmp_path / "narrow" / "recipe.json").read_text())["parent"] == factory_run.name
    with pytest.raises(UsageError, match="below the parent's 32"):
        prune(pairs_folder, factory_run, tmp_path / "wide", 32)
    with pytest.raises(UsageError, match="holds a run already"):
        prune(pairs_folder, factory_run, tmp_path / "narrow", 8)
