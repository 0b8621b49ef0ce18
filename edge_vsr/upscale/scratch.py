"""Buffers that a thread uses over and over, for what is needed only until the next call.

Memory that is new to the process costs more than what is done with it: see ``heap``.
"""

from __future__ import annotations

import math
import threading
from typing import Any

import numpy as np
import numpy.typing as npt

_ALIGNED = 64  # bytes
_own = threading.local()


def scratch(name: str, shape: tuple[int, ...], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """An array of that shape with anything in it; this thread's next one of the same name takes its place."""
    kept: dict[str, npt.NDArray[np.uint8]] = _own.__dict__.setdefault("kept", {})
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if name not in kept or kept[name].size < size + _ALIGNED:
        kept[name] = np.empty(size + _ALIGNED, np.uint8)
    begin = -kept[name].ctypes.data % _ALIGNED
    return kept[name][begin : begin + size].view(dtype).reshape(shape)
