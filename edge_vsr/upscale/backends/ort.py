"""ONNX Runtime: one backend per execution provider, in the order that pays.

TensorRT and CUDA come with a GPU build of onnxruntime; OpenVINO comes as a plugin, which offers itself on
Intel processors only; CPU is always there. Sessions are made per batch shape, so that providers that
compile for fixed shapes compile few.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort

from edge_vsr.errors import BackendError
from edge_vsr.models.store import Model
from edge_vsr.upscale.backends.backend import Picture, Residual, usable_cores

OPENVINO = "OpenVINOExecutionProvider"
_NAMES = {
    "tensorrt": "TensorrtExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "openvino": OPENVINO,
    "cpu": "CPUExecutionProvider",
}
_OPENVINO_REGISTERED = "edge-vsr-openvino"


def _openvino_devices() -> list[Any]:
    """OpenVINO's CPU device as the plugin offers it; empty where the plugin or the processor is not there."""
    try:
        import onnxruntime_ep_openvino as plugin  # noqa: PLC0415  an absent plugin disables one provider, not the program
    except ImportError:
        return []
    devices = [d for d in ort.get_ep_devices() if d.ep_name == OPENVINO]
    if not devices:
        try:
            ort.register_execution_provider_library(_OPENVINO_REGISTERED, plugin.get_library_path())
        except Exception as error:  # the binding raises bare RuntimeErrors and its own kinds
            if "already" not in str(error):
                return []
        devices = [d for d in ort.get_ep_devices() if d.ep_name == OPENVINO]
    return [d for d in devices if d.device.type == ort.OrtHardwareDeviceType.CPU]


def available() -> list[str]:
    """Providers of this machine by short name, best first."""
    offered = set(ort.get_available_providers())
    if _openvino_devices():
        offered.add(OPENVINO)
    return [name for name, provider in _NAMES.items() if provider in offered]


def wanted_kind(provider: str) -> str:
    """The variant of a model that a provider runs best."""
    return "sym" if provider == "tensorrt" else "asym"


class OrtBackend:
    """One model on one provider.

    kind: asym, sym, float or half (default: what the provider wants). wide_sums: keep U8S8 products from
    saturating at 16 bits on processors without VNNI; about three times slower, so only where it is needed.
    """

    def __init__(self, model: Model, provider: str, *, kind: str = "", wide_sums: bool = False) -> None:
        self.name = provider
        self._wide_sums = wide_sums
        self.kind = kind or wanted_kind(provider)
        in_code_values = self.kind in {"float", "half"}
        self.step, self.zero = (1.0, 0) if in_code_values else (model.manifest.residual_step, 128)
        self._path = model.file(self.kind)
        self._sessions: dict[tuple[int, ...], ort.InferenceSession] = {}

    def run(self, picture: Picture) -> Residual:
        try:
            session = self._sessions.get(picture.shape) or self._open(picture.shape)
            fed = (picture ^ np.uint8(0x80)).view(np.int8) if self.kind == "sym" else picture
            out: Residual = session.run(["residual"], {"picture": fed})[0]
        except Exception as error:  # ORT raises many kinds, none of them public
            reason = (str(error) or type(error).__name__).splitlines()[0]
            raise BackendError(f"{self.name}: {reason}") from error
        return (out.view(np.uint8) ^ np.uint8(0x80)) if self.kind == "sym" else out

    def close(self) -> None:
        self._sessions.clear()

    def _open(self, shape: tuple[int, ...]) -> ort.InferenceSession:
        options = ort.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = 1  # calls are spread over threads, not each call
        options.add_session_config_entry("session.x64quantprecision", "1" if self._wide_sums else "0")
        for axis, size in zip(("batch", "height", "width"), (shape[0], *shape[2:]), strict=True):
            options.add_free_dimension_override_by_name(axis, size)
        if self.name == "openvino":
            session = _openvino_session(self._path, options)
        else:
            session = ort.InferenceSession(self._path, options, providers=[_NAMES[self.name], *_fallbacks(self.name)])
        self._sessions[shape] = session
        return session


def _fallbacks(provider: str) -> Iterable[str]:
    return () if provider == "cpu" else (_NAMES["cpu"],)


def _openvino_session(path: Path, options: ort.SessionOptions) -> ort.InferenceSession:
    """A stream for each core. OpenVINO is told only by a JSON file, which it reads when the session is made."""
    cores = usable_cores()
    with tempfile.NamedTemporaryFile("w", suffix=".json") as config:
        json.dump({"CPU": {"INFERENCE_NUM_THREADS": cores, "NUM_STREAMS": cores}}, config)
        config.flush()
        options.add_provider_for_devices(_openvino_devices(), {"load_config": config.name})
        return ort.InferenceSession(path, options)
