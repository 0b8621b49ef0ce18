"""The net in training and the integers of the device are one and the same."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from edge_vsr.errors import ModelError
from edge_vsr.models.store import Model
from edge_vsr.upscale.backends.reference import ReferenceBackend

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402

from edge_vsr.factory.networks import ACTIVATION_LEVELS, NetConfig, YuvNet, haar_basis, pack_luma  # noqa: E402
from edge_vsr.factory.quantize import float_layers, int_layers  # noqa: E402
from edge_vsr.factory.train import load_net  # noqa: E402


def picture(seed: int = 0, side: int = 30) -> np.ndarray:  # type: ignore[type-arg]
    rng = np.random.default_rng(seed)
    soft = np.kron(rng.integers(0, 256, (2, 8, side // 5, side // 5)), np.ones((5, 5), int))
    return np.clip(soft + rng.integers(-20, 21, soft.shape), 0, 255).astype(np.uint8)


def centred(codes: np.ndarray) -> torch.Tensor:  # type: ignore[type-arg,name-defined]
    return torch.from_numpy(codes.astype(np.float32) - 128)


@pytest.mark.parametrize("config", [NetConfig(16, 3), NetConfig(8, 5), NetConfig(16, 3, scale=3)])
def test_every_layer_eats_one_block_on_each_side(config: NetConfig) -> None:
    net = YuvNet(config)
    with torch.no_grad():
        out = net(centred(picture()))
    assert out.shape == (2, 6 * config.scale**2, 30 - 2 * config.depth, 30 - 2 * config.depth)


def test_haar_keeps_energy_and_passes_chroma() -> None:
    basis = haar_basis()
    assert torch.allclose(basis @ basis.T, torch.eye(8), atol=1e-6)
    assert torch.equal(basis[4:, 4:], torch.eye(4))
    flat = basis @ torch.tensor([1.0, 1, 1, 1, 5, 6, 7, 8])
    assert flat.tolist() == [2, 0, 0, 0, 5, 6, 7, 8]


def test_haar_and_branches_fold_into_plain_kernels(factory_run: Path) -> None:
    net, x = load_net(factory_run), centred(picture())
    net.quantised = False
    with torch.no_grad():
        y = x / 128
        for index, (kernel, layer) in enumerate(zip(net.plain_kernels(), net.layers, strict=True)):
            y = F.conv2d(y, kernel, layer.bias)
            y = F.relu(y) if index < net.config.depth - 1 else y * 32
        assert torch.allclose(net(x), y, atol=1e-4)
        for index, (weight, bias) in enumerate(float_layers(net)):
            x = F.conv2d(x, torch.from_numpy(weight), torch.from_numpy(bias))
            x = F.relu(x) if index < net.config.depth - 1 else x
        assert torch.allclose(x, y, atol=1e-4)
        assert y.abs().max() > 10


def test_branches_are_a_kernel_a_point_and_an_identity(factory_run: Path) -> None:
    for layer in load_net(factory_run).layers:
        x = torch.randn(1, layer.shape[1], 7, 7)
        with torch.no_grad():
            inner = x[:, :, 1:-1, 1:-1]
            apart = F.conv2d(x, layer.kernel.view(layer.shape)) + F.conv2d(inner, layer.point)
            if layer.shape[0] == layer.shape[1]:
                apart = apart + layer.identity * inner
            assert torch.allclose(F.conv2d(x, layer.collapsed()), apart, atol=1e-4)


@pytest.mark.parametrize("kind", ACTIVATION_LEVELS)
def test_training_sees_the_integers_of_the_device(kind: str, factory_run: Path, factory_model: Model) -> None:
    net = load_net(factory_run)
    net.levels = ACTIVATION_LEVELS[kind]
    codes = picture(side=60)
    with torch.no_grad():
        trained = (net(centred(codes)) / net.config.step).round().numpy().astype(int) + 128
    device = ReferenceBackend(factory_model, kind).run(codes).astype(int)
    apart = np.abs(trained - device)
    assert device.std() > 5
    assert apart.max() <= 1  # a tie may fall to the other side
    assert apart.mean() < 0.02


@pytest.mark.parametrize("kind", ACTIVATION_LEVELS)
def test_integers_are_within_their_types(kind: str, factory_run: Path) -> None:
    net = load_net(factory_run)
    layers = int_layers(net, kind)
    assert [layer.weight.shape for layer in layers] == [(32, 8, 3, 3), (32, 32, 3, 3), (24, 32, 3, 3)]
    for layer, kernel in zip(layers, net.plain_kernels(), strict=True):
        assert (layer.weight.dtype, layer.bias.dtype) == (np.int8, np.int32)
        assert np.abs(layer.weight.astype(int)).max(axis=(1, 2, 3)).tolist() == [127] * len(kernel)
    for before, after in pairwise(layers):
        assert before.scale_out == after.scale_in
    assert (layers[0].scale_in, layers[-1].scale_out) == (1.0, net.config.step)


def test_both_variants_share_their_weights(factory_run: Path) -> None:
    net = load_net(factory_run)
    for a, b in zip(int_layers(net, "asym"), int_layers(net, "sym"), strict=True):
        assert np.array_equal(a.weight, b.weight)


def test_a_channel_without_weights_still_gives_its_bias(factory_run: Path) -> None:
    net = load_net(factory_run)
    layer = net.layers[0]
    with torch.no_grad():
        layer.kernel[3], layer.point[3], layer.bias[3] = 0, 0, 0.5
    first = int_layers(net, "asym")[0]
    assert first.bias[3] * float(first.scale_in) * float(first.scale_weight[3]) == pytest.approx(0.5, rel=0.01)


def test_a_net_with_more_than_convolutions_is_not_for_the_device() -> None:
    for config in (NetConfig(16, 3, attention=True), NetConfig(16, 3, gate=True)):
        assert YuvNet(config)(centred(picture())).shape == (2, 24, 24, 24)
        with pytest.raises(ModelError, match="convolutions and ReLU only"):
            float_layers(YuvNet(config))


def test_a_layer_becomes_the_kernel_it_absorbs() -> None:
    layer, plain = YuvNet(NetConfig(16, 3)).layers[1], torch.randn(16, 16, 3, 3)
    layer.absorb(plain, torch.ones(16))
    assert torch.allclose(layer.collapsed(), plain, atol=1e-5)
    assert layer.bias.tolist() == [1.0] * 16


def test_without_branches_a_kernel_is_all_there_is() -> None:
    layer = YuvNet(NetConfig(16, 3, branches=False)).layers[1]
    assert torch.equal(layer.collapsed(), layer.kernel.view(layer.shape))
    assert not layer.point.requires_grad


def test_luma_is_packed_phase_by_phase() -> None:
    y = torch.arange(64.0).reshape(1, 1, 8, 8)
    packed = pack_luma(y, 4)
    assert packed.shape == (1, 16, 2, 2)
    assert packed[0, :, 0, 0].tolist() == [0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27]


def test_work_is_counted_per_low_resolution_pixel() -> None:
    config = NetConfig(width=16, depth=3)
    assert config.macs_per_px == 9 * (8 * 16 + 16 * 16 + 16 * 24) / 4
