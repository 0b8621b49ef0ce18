"""Models that several rooms test with: one of plain random integers, one out of the factory, the shipped one."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import settings

from edge_vsr.errors import ModelError
from edge_vsr.models import store
from edge_vsr.models.manifest import MANIFEST, Manifest, ModelFile, sha256_of

settings.register_profile("edge-vsr", deadline=None)  # machines are shared: an example may take its time
settings.load_profile("edge-vsr")


def random_net(folder: Path, **told: Any) -> store.Model:
    """A net of random integers, 3 layers of 8 channels, for the reference backend alone: needs no torch.

    told: what its manifest says besides; ``scale`` decides its channels.
    """
    folder.mkdir(parents=True)
    scale = told.get("scale", 2)
    rng = np.random.default_rng(told.pop("seed", 3))
    arrays: dict[str, np.ndarray] = {}  # type: ignore[type-arg]
    for index, (c_in, c_out, gain) in enumerate(((8, 8, 1.2e-3), (8, 8, 1.4e-3), (8, 6 * scale**2, 2.4e-3))):
        arrays[f"weight{index}"] = rng.integers(-127, 128, (c_out, c_in, 3, 3)).astype(np.int8)
        for kind, louder in (("asym", 1.0), ("sym", 2.2 if index == 2 else 1.0)):
            arrays[f"{kind}_bias{index}"] = rng.integers(-9000, 9000, c_out).astype(np.int32)
            arrays[f"{kind}_multiplier{index}"] = (gain * louder * rng.uniform(0.7, 1.3, c_out)).astype(np.float32)
    np.savez(folder / "weights.npz", **arrays)
    facts: dict[str, Any] = {
        "format": 1,
        "name": folder.parent.name,
        "version": folder.name,
        "family": "half-res-yuv420",
        "scale": 2,
        "channels": (8, 6 * scale**2),
        "width": 8,
        "depth": 3,
        "halo": 3,
        "base_kernel": "bicubic",
        "residual_step": 0.75,
        "macs_per_px": 0.0,
        "parameters": 0,
        "files": {"reference": ModelFile("weights.npz", sha256_of(folder / "weights.npz"))},
        "license": "Apache-2.0",
        "trained": {},
        "figures": {},
    }
    (folder / MANIFEST).write_bytes(msgspec.json.encode(Manifest(**{**facts, **told})))
    return store.find(str(folder))


@pytest.fixture(scope="session")
def integer_models(tmp_path_factory: pytest.TempPathFactory) -> dict[int, store.Model]:
    """Nets of random integers by scale, 1 to 4."""
    root = tmp_path_factory.mktemp("models")
    return {scale: random_net(root / f"random-x{scale}" / "1", scale=scale) for scale in (1, 2, 3, 4)}


@pytest.fixture(scope="session")
def integer_model(tmp_path_factory: pytest.TempPathFactory) -> store.Model:
    """One of them, at x2."""
    return random_net(tmp_path_factory.mktemp("models") / "random" / "1")


@pytest.fixture
def ladder_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A whole ladder of random nets, installed: x2 in two flavours and x1, x3, x4 balanced, x2 fast."""
    root = tmp_path / "installed"
    monkeypatch.setenv("EDGE_VSR_MODELS", str(root))
    random_net(root / "x2-fast" / "1", rung="fast", macs_per_px=1.0, seed=9)
    for scale, source in ((1, "any"), (2, "coded"), (2, "clean"), (3, "any"), (4, "any")):
        name = f"x{scale}-balanced" + ("-clean" if source == "clean" else "")
        random_net(root / name / "1", scale=scale, source=source, rung="balanced", macs_per_px=2.0, seed=len(name))
    return root


@pytest.fixture(scope="session")
def factory_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that never trained: random weights, louder than usual so that residuals are felt."""
    torch = pytest.importorskip("torch")
    from edge_vsr.factory.feed import Recipe  # noqa: PLC0415
    from edge_vsr.factory.networks import NetConfig, YuvNet  # noqa: PLC0415  torch may be absent

    torch.manual_seed(5)
    net = YuvNet(NetConfig(width=32, depth=3))
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
    (run / "recipe.json").write_text(json.dumps({"recipe": asdict(Recipe(steps=12)), "parent": None}))
    return run


@pytest.fixture(scope="session")
def factory_model(factory_run: Path, tmp_path_factory: pytest.TempPathFactory) -> store.Model:
    """That run as a whole package, every variant in it."""
    for library in ("onnx", "ai_edge_litert"):
        pytest.importorskip(library)
    from edge_vsr.factory.package import package  # noqa: PLC0415  torch may be absent

    out = tmp_path_factory.mktemp("packages")
    package(factory_run, factory_run, out, "tiny", "1")
    return store.find(str(out / "tiny" / "1"))


@pytest.fixture(scope="session")
def shipped_model() -> store.Model:
    """The default rung's x2 net; a candidate can be tested in its place through EDGE_VSR_MODELS."""
    try:
        return store.typical()
    except ModelError as error:
        pytest.skip(f"no trained model here: {error}")


@pytest.fixture(params=["factory_model", "shipped_model"], scope="session")
def whole_model(request: pytest.FixtureRequest) -> store.Model:
    """A package with every variant: the factory's where torch is, and the shipped one where it is."""
    model: store.Model = request.getfixturevalue(request.param)
    return model
