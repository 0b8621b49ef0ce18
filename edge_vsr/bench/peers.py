"""Other people's nets, for comparison: ONNX graphs from R'G'B' to R'G'B', float32 0..1, NCHW."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime as ort

from edge_vsr.bench.rgb import Rgb
from edge_vsr.errors import SourceError


def load_peers(folder: Path, scale: int, threads: int = 0) -> dict[str, Callable[[Rgb], Rgb]]:
    """Every ``NAME_xSCALE.onnx`` of a folder as a function on (H, W, 3) pictures. Raises SourceError."""
    found = sorted(folder.glob(f"*_x{scale}.onnx"))
    if not found:
        raise SourceError(f"{folder}: holds no *_x{scale}.onnx")
    return {f"{path.stem.rsplit('_x', 1)[0]} fp32": load_peer(path, threads) for path in found}


def load_peer(path: Path, threads: int = 0) -> Callable[[Rgb], Rgb]:
    """One net as a function on (H, W, 3) pictures."""
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def run(rgb: Rgb) -> Rgb:
        picture = np.ascontiguousarray(rgb.transpose(2, 0, 1)[None], np.float32) / np.float32(255)
        out = session.run(["rgb_up"], {"rgb": picture})[0][0].transpose(1, 2, 0)
        return np.asarray(np.clip(np.rint(out * 255), 0, 255), np.uint8)

    return run
