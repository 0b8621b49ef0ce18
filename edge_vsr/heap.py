"""Memory of the process: buffers of whole pictures come and go with every frame."""

from __future__ import annotations

import ctypes

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # mallopt(3)
_LARGEST, _KEPT = 32 << 20, 256 << 20  # bytes; the first is the most that glibc takes


def keep_freed_memory() -> None:
    """Let the C library keep what was freed instead of giving it back to the system, and asking for it again.

    A page that is new to the process costs a fault: on a virtual machine they took 9 of 20 ms of a 4K base picture.
    Does nothing where the C library is not glibc.
    """
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):
        library.mallopt(_MMAP_THRESHOLD, _LARGEST)
        library.mallopt(_TRIM_THRESHOLD, _KEPT)
        library.mallopt(_ARENA_MAX, 1)  # what one thread freed another takes
