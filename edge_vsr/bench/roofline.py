"""How near the nets come to what this processor can do: multiply-adds a second beside those of a large product.

The roofline of Williams, Waterman and Patterson (CACM 52:4, 2009), of which this is the flat part: a product of large
matrices of bytes by the same runtime, on one thread, moves little memory for its arithmetic.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import onnxruntime as ort

from edge_vsr.bench import extras, ours
from edge_vsr.models.manifest import Manifest
from edge_vsr.upscale import tiles
from edge_vsr.upscale.calls import calls_for
from edge_vsr.upscale.layout import Layout
from edge_vsr.upscale.resample import KERNELS

_SIDES = (1024, 2048)  # the larger one is slower where it leaves the second level of cache
_TRIES = 5


@dataclass(frozen=True, slots=True)
class Macs:
    """Multiply-adds of a frame. useful: for the tiles that were made; halo: for context, on top of them."""

    useful: float
    halo: float


@dataclass(frozen=True, slots=True)
class Roofline:
    """used, with_halo: INT8 multiply-adds by the nets, for a second of CPU time in ``infer``; peak: see above."""

    used_gmac_s: float
    with_halo_gmac_s: float
    peak_gmac_s: float

    @property
    def share(self) -> float:
        """Of the peak that is used."""
        return self.used_gmac_s / self.peak_gmac_s


def roofline(word: str, size: tuple[int, int], ratio: float, coded: bool, infer_ms: float) -> Roofline | None:
    """Of frames of ``size`` (width, height) with every tile computed in ``infer_ms``; None, and a line, without onnx.

    Raises ModelError.
    """
    peak = peak_gmac_s()
    if peak is None or not infer_ms:
        return None
    macs, (wide, tall) = Macs(0.0, 0.0), size
    for passes in ours.plans(word, ratio, coded):
        one = frame_macs(passes[0].manifest, wide, tall)
        macs = Macs(macs.useful + one.useful, macs.halo + one.halo)
        wide, tall = (side * passes[0].manifest.scale for side in (wide, tall))
    per_s = 1 / (infer_ms * 1e6)  # multiply-adds in a nanosecond are thousand millions a second
    return Roofline(macs.useful * per_s, (macs.useful + macs.halo) * per_s, peak)


def frame_macs(net: Manifest, width_px: int, height_px: int) -> Macs:
    """For a frame of which every tile is computed, in the calls that the engine makes of it."""
    grid = Layout.of(width_px, height_px, tiles.CORE, net.scale, KERNELS[net.base_kernel]).grid
    count = len(grid.tiles)
    useful, computed = 0.0, 0.0
    for call in calls_for(grid, np.ones(count, np.int8), range(count)):
        rows, columns = call.core
        useful += len(call.cuts) * rows * columns * 4 * net.macs_per_px
        computed += len(call.cuts) * sum(
            macs * (rows + 2 * (net.halo - depth)) * (columns + 2 * (net.halo - depth))
            for depth, macs in enumerate(_layers(net), 1)
        )
    return Macs(useful, computed - useful)


def _layers(net: Manifest) -> list[float]:
    """Multiply-adds for a block by layer: valid 3x3 convolutions of one width, scaled to what the manifest says."""
    channels = [net.channels[0], *[net.width] * (net.depth - 1), net.channels[1]]
    layers = [before * after for before, after in pairwise(channels)]
    return [4 * net.macs_per_px * layer / sum(layers) for layer in layers]


def peak_gmac_s() -> float | None:
    """Of one thread, by unsigned bytes times signed ones to 32 bits, the best of some tries; None without onnx."""
    graphs = {side: _product(side) for side in _SIDES}
    if None in graphs.values():
        extras.left_out("The roofline", "pip install onnx")
        return None
    return max(_gmac_s(graph, side) for side, graph in graphs.items())


def _gmac_s(graph: bytes | None, side: int) -> float:
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    fed = {"a": np.random.default_rng(0).integers(0, 256, (side, side)).astype(np.uint8)}
    session.run(None, fed)
    best_ns = min(_thread_ns(session, fed) for _ in range(_TRIES))
    return side**3 / best_ns


def _thread_ns(session: ort.InferenceSession, fed: Mapping[str, object]) -> int:
    begin = time.thread_time_ns()
    session.run(None, fed)
    return time.thread_time_ns() - begin


def _product(side: int) -> bytes | None:
    """A graph of one MatMulInteger with constant weights, as those of a net are; None without onnx."""
    try:
        from onnx import TensorProto, helper, numpy_helper  # noqa: PLC0415  an extra
    except ImportError:
        return None
    weights = np.random.default_rng(1).integers(-127, 128, (side, side)).astype(np.int8)
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["a", "b"], ["product"])],
        "product",
        [helper.make_tensor_value_info("a", TensorProto.UINT8, [side, side])],
        [helper.make_tensor_value_info("product", TensorProto.INT32, [side, side])],
        [numpy_helper.from_array(weights, "b")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    return bytes(model.SerializeToString())
