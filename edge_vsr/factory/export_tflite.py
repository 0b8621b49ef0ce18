"""The integers of a net as one .tflite file, written field by field: no converter, no TensorFlow.

TFLite knows int8 activations only, so every tensor between layers carries the levels of ``asym`` less 128
(zero point -128): the same 256 levels, the same weights, the same biases. Shapes are NHWC:

    picture   (N, h, w, I) int8     code value - 128; scale 1, zero point 0
    residual  (N, h - 2L, w - 2L, O) int8     scale: code values a step, zero point 0

N, h and w are free (``resize_tensor_input``); the file names one tile of ``DEFAULT_CORE``. Convolutions are
valid, so no zero point is ever padded in.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import flatbuffers
import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from edge_vsr.factory.quantize import IntLayer

DEFAULT_CORE = (60, 96)  # output size that the file names: one tile of the engine
_VERSION = 3  # of the schema
_IDENTIFIER = b"TFL3"
_CONV_VERSION = 3  # the first CONV_2D with int8 and a scale for each output channel
_ALIGNMENT = 16  # bytes, demanded by the schema for constants; flatbuffers for Python does not see to it
_LOWEST = -128  # where a rectified activation starts
_IDLE_SCALE = np.float32(1.0)


class _AlignedBuffer(schema.BufferT):  # type: ignore[misc]  # generated, untyped
    """A constant whose bytes stand where SIMD loads may touch them."""

    def Pack(self, builder: flatbuffers.Builder) -> int:  # noqa: N802  the generated name
        raw = self.data.tobytes() if self.data is not None else b""
        if raw:
            builder.StartVector(1, len(raw), _ALIGNMENT)
            builder.head -= len(raw)
            builder.Bytes[builder.head : builder.head + len(raw)] = raw
            data = builder.EndVector()
        schema.BufferStart(builder)
        if raw:
            schema.BufferAddData(builder, data)
        return int(schema.BufferEnd(builder))


@dataclass
class _Tensors:
    """Collects tensors and their bytes; buffer 0 is the empty one, by the format's rule."""

    tensors: list[schema.TensorT] = field(default_factory=list)
    buffers: list[_AlignedBuffer] = field(default_factory=lambda: [_AlignedBuffer()])

    def constant(self, name: str, value: npt.NDArray[np.generic], scale: npt.NDArray[np.float32]) -> int:
        """Stored int8 or int32 with a scale for each output channel (axis 0)."""
        kind = {np.dtype(np.int8): schema.TensorType.INT8, np.dtype(np.int32): schema.TensorType.INT32}[value.dtype]
        self.buffers.append(_AlignedBuffer(data=np.ascontiguousarray(value)))
        parameters = _quantisation(scale, np.zeros(len(scale), np.int64))
        return self._add(name, kind, list(value.shape), parameters, buffer=len(self.buffers) - 1)

    def activation(self, name: str, shape: tuple[int, ...], scale: np.float32, zero: int) -> int:
        """Computed int8 with one scale; all axes but the channels' are free."""
        parameters = _quantisation(np.array([scale], np.float32), np.array([zero], np.int64))
        index = self._add(name, schema.TensorType.INT8, list(shape), parameters, buffer=0)
        self.tensors[index].shapeSignature = np.array([-1, -1, -1, shape[3]], np.int32)
        return index

    def _add(
        self, name: str, kind: int, shape: list[int], parameters: schema.QuantizationParametersT, buffer: int
    ) -> int:
        self.tensors.append(
            schema.TensorT(
                name=name,
                type=kind,
                shape=np.array(shape, np.int32),
                quantization=parameters,
                buffer=buffer,
                hasRank=True,
            )
        )
        return len(self.tensors) - 1


def _quantisation(scale: npt.NDArray[np.float32], zero: npt.NDArray[np.int64]) -> schema.QuantizationParametersT:
    return schema.QuantizationParametersT(scale=scale, zeroPoint=zero, quantizedDimension=0)


def tflite_model(layers: list[IntLayer], name: str) -> bytes:
    """The flatbuffer of the ``asym`` layers. Raises ValueError for layers of another variant's making."""
    tensors, operators = _Tensors(), []
    depth = len(layers)
    height, width = (side + 2 * depth for side in DEFAULT_CORE)
    quantised = tensors.activation("picture", (1, height, width, layers[0].weight.shape[1]), layers[0].scale_in, 0)
    for index, layer in enumerate(layers):
        last = index == depth - 1
        inputs = [quantised, *_constants(tensors, index, layer)]
        height, width = height - 2, width - 2
        shape = (1, height, width, len(layer.weight))
        title, zero = ("residual", 0) if last else (f"q{index}", _LOWEST)
        quantised = tensors.activation(title, shape, layer.scale_out, zero)
        operators.append(_convolution(inputs, quantised, rectified=not last))
    graph = schema.SubGraphT(
        name=name,
        tensors=tensors.tensors,
        inputs=np.array([0], np.int32),
        outputs=np.array([quantised], np.int32),
        operators=operators,
    )
    return _serialised(graph, tensors.buffers)


def _constants(tensors: _Tensors, index: int, layer: IntLayer) -> tuple[int, int]:
    """Weight (O, 3, 3, I) and bias (O,) of a layer."""
    # A channel that holds nothing has a scale near zero, which runtimes refuse: any other scale says the same.
    idle = ~layer.weight.any(axis=(1, 2, 3)) & (layer.bias == 0)
    scale = np.where(idle, _IDLE_SCALE, layer.scale_weight).astype(np.float32)
    weight = tensors.constant(f"weight{index}", layer.weight.transpose(0, 2, 3, 1), scale)
    return weight, tensors.constant(f"bias{index}", layer.bias, layer.scale_in * scale)


def _convolution(inputs: list[int], output: int, rectified: bool) -> schema.OperatorT:
    activation = schema.ActivationFunctionType
    return schema.OperatorT(
        opcodeIndex=0,
        inputs=np.array(inputs, np.int32),
        outputs=np.array([output], np.int32),
        builtinOptionsType=schema.BuiltinOptions.Conv2DOptions,
        builtinOptions=schema.Conv2DOptionsT(
            padding=schema.Padding.VALID,
            strideW=1,
            strideH=1,
            fusedActivationFunction=activation.RELU if rectified else activation.NONE,
        ),
    )


def _serialised(graph: schema.SubGraphT, buffers: list[_AlignedBuffer]) -> bytes:
    code = schema.BuiltinOperator.CONV_2D
    model = schema.ModelT(
        version=_VERSION,
        operatorCodes=[schema.OperatorCodeT(deprecatedBuiltinCode=code, builtinCode=code, version=_CONV_VERSION)],
        subgraphs=[graph],
        description="edge-vsr",
        buffers=buffers,
    )
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), file_identifier=_IDENTIFIER)
    return bytes(builder.Output())
