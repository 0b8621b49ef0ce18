"""LPIPS: the parts against their definitions written out; the whole where its weights are installed."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from edge_vsr.bench import lpips
from edge_vsr.errors import ModelError


def random_net(seed: int = 0) -> lpips.Lpips:
    """AlexNet's shapes with a quarter of its channels and random weights: no file needed."""
    rng = np.random.default_rng(seed)
    shapes = ((11, 3, 16), (5, 16, 48), (3, 48, 96), (3, 96, 64), (3, 64, 64))
    return lpips.Lpips(
        kernels=[rng.normal(0, (2 / (s * s * i)) ** 0.5, (o, i * s * s)).astype(np.float32) for s, i, o in shapes],
        biases=[rng.normal(0, 0.1, o).astype(np.float32) for _, _, o in shapes],
        heads=[rng.uniform(0, 1, o).astype(np.float32) for _, _, o in shapes],
        sides=[s for s, _, _ in shapes],
    )


def picture(height: int, width: int, seed: int = 0) -> lpips.Rgb:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


@pytest.fixture(scope="module")
def real() -> lpips.Lpips:
    net = lpips.load()
    if net is None:
        pytest.skip(f"the LPIPS weights are not installed: {lpips.HOW_TO_GET}")
    return net


@pytest.mark.parametrize(("stride", "pad", "side"), [(4, 2, 11), (1, 2, 5), (1, 1, 3)])
def test_convolution_is_its_sum_written_out(stride: int, pad: int, side: int) -> None:
    rng = np.random.default_rng(side)
    x = rng.normal(0, 1, (2, 41, 23)).astype(np.float32)
    kernel, bias = rng.normal(0, 1, (3, 2, side, side)).astype(np.float32), np.array([1, 2, 3], np.float32)
    found = lpips._convolve(x, kernel.reshape(3, -1), bias, side, stride, pad)
    padded = np.pad(x, ((0, 0), (pad, pad), (pad, pad)))
    h, w = ((n + 2 * pad - side) // stride + 1 for n in x.shape[1:])
    expected = [
        [
            [
                (padded[:, r * stride : r * stride + side, c * stride : c * stride + side] * kernel[o]).sum() + bias[o]
                for c in range(w)
            ]
            for r in range(h)
        ]
        for o in range(3)
    ]
    assert found == pytest.approx(np.array(expected), abs=1e-3)


@pytest.mark.parametrize("size", [(7, 8), (3, 3), (9, 12)])
def test_pooling_takes_whole_windows_only(size: tuple[int, int]) -> None:
    x = np.random.default_rng(1).normal(0, 1, (2, *size)).astype(np.float32)
    h, w = ((n - 3) // 2 + 1 for n in size)
    expected = np.array(
        [[[x[k, 2 * r : 2 * r + 3, 2 * c : 2 * c + 3].max() for c in range(w)] for r in range(h)] for k in range(2)]
    )
    assert np.array_equal(lpips._pool(x), expected)


def test_the_same_formula_in_torch() -> None:
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    net, a, b = random_net(), picture(97, 130, 1), picture(97, 130, 2)

    def features(rgb: lpips.Rgb) -> list[object]:
        x = torch.from_numpy(rgb.transpose(2, 0, 1)[None].copy()).float() / 127.5 - 1
        x = (x - torch.tensor([-0.030, -0.088, -0.188]).view(1, 3, 1, 1)) / torch.tensor([0.458, 0.448, 0.450]).view(
            1, 3, 1, 1
        )
        out = []
        for index, (stride, pad) in enumerate(((4, 2), (1, 2), (1, 1), (1, 1), (1, 1))):
            x = functional.max_pool2d(x, 3, 2) if index in (1, 2) else x
            kernel = torch.from_numpy(net.kernels[index]).view(len(net.kernels[index]), -1, *[net.sides[index]] * 2)
            x = functional.relu(functional.conv2d(x, kernel, torch.from_numpy(net.biases[index]), stride, pad))
            out.append(x / (x.pow(2).sum(1, keepdim=True).sqrt() + 1e-10))
        return out

    layers = zip(features(a), features(b), net.heads, strict=True)
    expected = sum(float(((p - q) ** 2 * torch.from_numpy(w).view(1, -1, 1, 1)).sum(1).mean()) for p, q, w in layers)
    assert net.distance(net.features(a), net.features(b)) == pytest.approx(expected, rel=1e-5)


def test_equal_pictures_do_not_differ_and_order_does_not_matter() -> None:
    net = random_net(3)
    a, b = net.features(picture(80, 70, 1)), net.features(picture(80, 70, 2))
    assert net.distance(a, a) == 0
    assert net.distance(a, b) == pytest.approx(net.distance(b, a))
    assert net.distance(a, b) > 0


def test_the_true_weights_see_noise_grow(real: lpips.Lpips) -> None:
    ramp = np.linspace(20, 230, 96)[None, :, None] + np.linspace(-20, 20, 80)[:, None, None] + np.zeros(3)
    noise = np.random.default_rng(0).normal(0, 1, ramp.shape)
    pictures = [np.clip(ramp + sigma * noise, 0, 255).astype(np.uint8) for sigma in (0, 2, 8, 32)]
    first, *others = (real.features(rgb) for rgb in pictures)
    found = [real.distance(other, first) for other in others]
    assert found == sorted(found)
    assert found[-1] > 0.3
    assert all((head >= 0).all() for head in real.heads)


def test_absent_weights_are_no_error_but_a_wrong_place_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(lpips.importlib.util, "find_spec", lambda _: None)
    monkeypatch.delenv(lpips.WEIGHTS, raising=False)
    assert lpips.find_weights() is None
    monkeypatch.setenv(lpips.WEIGHTS, str(tmp_path))
    with pytest.raises(ModelError, match=r"there is no alexnet\.ckpt"):
        lpips.find_weights()


def test_another_file_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "alexnet.ckpt").write_bytes(pickle.dumps({"AlexNet_0": 1}))
    monkeypatch.setenv(lpips.WEIGHTS, str(tmp_path))
    lpips.load.cache_clear()
    try:
        with pytest.raises(ModelError, match="not the LPIPS weights"):
            lpips.load()
    finally:
        lpips.load.cache_clear()


def test_a_pickle_can_name_nothing_but_arrays(tmp_path: Path) -> None:
    path = tmp_path / "evil"
    path.write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    with path.open("rb") as file, pytest.raises(ModelError, match=r"os\.system, which is no array"):
        lpips._Arrays(file).load()
    path.write_bytes(pickle.dumps({"a": np.arange(3, dtype=np.float32)}, protocol=3))
    with path.open("rb") as file:
        assert lpips._Arrays(file).load()["a"].tolist() == [0, 1, 2]
