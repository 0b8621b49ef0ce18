"""LiteRT (formerly TensorFlow Lite): for boards whose accelerator speaks only that; XNNPACK on every CPU.

XNNPACK rescales in float32, as the reference does, and gives its integers exactly. The runtime's own kernels,
used where a build lacks XNNPACK, rescale in fixed point and round twice: a step off in one place of a thousand
after one layer, in 5 to 12 of a hundred after five. Such a build fails the comparison and is passed over.
"""

from __future__ import annotations

import importlib
import threading
from importlib.util import find_spec
from typing import Any

import numpy as np

from edge_vsr.errors import BackendError
from edge_vsr.models.store import Model
from edge_vsr.upscale.backends.backend import Picture, Residual

NAME = "litert"
_RUNTIMES = ("ai_edge_litert", "tflite_runtime")  # the first one there: the second is its predecessor
_SIGN = np.uint8(0x80)  # flips between a code value and the int8 that is 128 less


def available() -> list[str]:
    """``litert`` where a runtime is installed; not imported yet, so it may still turn out not to work."""
    return [NAME] if any(find_spec(runtime) for runtime in _RUNTIMES) else []


class LiteRtBackend:
    """One model on LiteRT's CPU kernels; an interpreter for each thread and batch shape.

    kind: the reference's variant that holds the same integers. Raises BackendError without a runtime, ModelError
    without the model's .tflite file.
    """

    name = NAME
    kind = "asym"
    zero = 128

    def __init__(self, model: Model) -> None:
        self.step = model.manifest.residual_step
        self._path = model.file("tflite")
        self._make = _interpreter_class()
        self._interpreters: dict[tuple[int, ...], Any] = {}  # by thread and shape

    def run(self, picture: Picture) -> Residual:
        try:
            place = (threading.get_ident(), *picture.shape)
            interpreter = self._interpreters.get(place) or self._open(place)
            fed = (picture.transpose(0, 2, 3, 1) ^ _SIGN).view(np.int8)
            interpreter.set_tensor(interpreter.get_input_details()[0]["index"], np.ascontiguousarray(fed))
            interpreter.invoke()
            out = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
        except Exception as error:  # bare RuntimeErrors and ValueErrors out of C++
            reason = (str(error) or type(error).__name__).splitlines()[0]
            raise BackendError(f"{self.name}: {reason}") from error
        residual: Residual = np.ascontiguousarray(out.view(np.uint8).transpose(0, 3, 1, 2)) ^ _SIGN
        return residual

    def close(self) -> None:
        self._interpreters.clear()

    def _open(self, place: tuple[int, ...]) -> Any:
        """An interpreter for a thread and pictures of a NCHW shape."""
        interpreter = self._make(model_path=str(self._path), num_threads=1)
        _, n, channels, height, width = place
        index = interpreter.get_input_details()[0]["index"]
        interpreter.resize_tensor_input(index, [n, height, width, channels], strict=True)  # only free axes may change
        interpreter.allocate_tensors()
        self._interpreters[place] = interpreter
        return interpreter


def _interpreter_class() -> Any:
    """The first runtime that imports. An old one that chokes on a new numpy is a BackendError, not a crash."""
    reasons = []
    for runtime in _RUNTIMES:
        try:
            return importlib.import_module(f"{runtime}.interpreter").Interpreter
        except Exception as error:  # AttributeError, SystemError: whatever its C++ half thinks of this numpy
            reasons.append(f"{error}")
    raise BackendError(f"{NAME}: no runtime can be imported ({'; '.join(reasons)}): pip install ai-edge-litert")
