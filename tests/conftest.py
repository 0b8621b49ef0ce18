"""Models that several rooms test with: one of plain random integers, one out of the factory, the shipped one."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import settings

from edge_vsr.errors import ModelError
from edge_vsr.models import store
from edge_vsr.models.manifest import MANIFEST, Manifest, ModelFile, sha256_of

settings.register_profile("edge-vsr", deadline=None)  # machines are shared: an example may take its time
settings.load_profile("edge-vsr")


@pytest.fixture(scope="session")
def integer_model(tmp_path_factory: pytest.TempPathFactory) -> store.Model:
    """A net of random integers, 3 layers of 8 channels, for the reference backend alone: needs no torch."""
    folder = tmp_path_factory.mktemp("models") / "random" / "1"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(3)
    arrays: dict[str, np.ndarray] = {}  # type: ignore[type-arg]
    for index, (c_in, c_out, gain) in enumerate(((8, 8, 1.2e-3), (8, 8, 1.4e-3), (8, 24, 2.4e-3))):
        arrays[f"weight{index}"] = rng.integers(-127, 128, (c_out, c_in, 3, 3)).astype(np.int8)
        for kind, louder in (("asym", 1.0), ("sym", 2.2 if index == 2 else 1.0)):
            arrays[f"{kind}_bias{index}"] = rng.integers(-9000, 9000, c_out).astype(np.int32)
            arrays[f"{kind}_multiplier{index}"] = (gain * louder * rng.uniform(0.7, 1.3, c_out)).astype(np.float32)
    np.savez(folder / "weights.npz", **arrays)
    manifest = Manifest(
        format=1,
        name="random",
        version="1",
        family="half-res-yuv420",
        scale=2,
        channels=(8, 24),
        width=8,
        depth=3,
        halo=3,
        base_kernel="bicubic",
        residual_step=0.75,
        macs_per_px=0.0,
        parameters=0,
        files={"reference": ModelFile("weights.npz", sha256_of(folder / "weights.npz"))},
        license="Apache-2.0",
        trained={},
        figures={},
    )
    (folder / MANIFEST).write_bytes(msgspec.json.encode(manifest))
    return store.find(str(folder))


@pytest.fixture(scope="session")
def factory_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that never trained: random weights, louder than usual so that residuals are felt."""
    torch = pytest.importorskip("torch")
    from edge_vsr.factory.feed import Recipe  # noqa: PLC0415
    from edge_vsr.factory.networks import NetConfig, YuvNet  # noqa: PLC0415  torch may be absent

    torch.manual_seed(5)
    net = YuvNet(NetConfig(width=16, depth=3))
    with torch.no_grad():
        net.layers[-1].kernel *= 8
        for layer in net.layers:
            layer.bias.uniform_(-0.1, 0.1)
    run = tmp_path_factory.mktemp("run")
    weights = net.state_dict()
    torch.save(
        {
            "net": weights,
            "ema": weights,
            "optimiser": {},
            "config": asdict(net.config),
            "quantised": True,
            "step": 12,
            "spent_s": 90.0,
        },
        run / "checkpoint.pt",
    )
    (run / "recipe.json").write_text(json.dumps({"recipe": asdict(Recipe(minutes=2.0)), "parent": None}))
    return run


@pytest.fixture(scope="session")
def factory_model(factory_run: Path, tmp_path_factory: pytest.TempPathFactory) -> store.Model:
    """That run as a whole package: asym, sym, float and reference."""
    pytest.importorskip("onnx")
    from edge_vsr.factory.package import package  # noqa: PLC0415  torch may be absent

    out = tmp_path_factory.mktemp("packages")
    package(factory_run, factory_run, out, "tiny", "1")
    return store.find(str(out / "tiny" / "1"))


@pytest.fixture(scope="session")
def shipped_model() -> store.Model:
    """The default model; a candidate can be tested in its place through EDGE_VSR_MODELS."""
    try:
        return store.find(store.DEFAULT_MODEL)
    except ModelError as error:
        pytest.skip(f"no trained model here: {error}")


@pytest.fixture(params=["factory_model", "shipped_model"], scope="session")
def whole_model(request: pytest.FixtureRequest) -> store.Model:
    """A package with every variant: the factory's where torch is, and the shipped one where it is."""
    model: store.Model = request.getfixturevalue(request.param)
    return model
