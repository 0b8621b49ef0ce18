"""Standard input into a file: a pipe cannot be read twice, and a job reads its source once for pictures,
once for sound, and again when it is resumed."""

from __future__ import annotations

import os
import select
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from edge_vsr.durable import commit, writing
from edge_vsr.errors import Interrupted, SourceError

_CHUNK_BYTES = 1 << 20
_TICK_S = 0.1


def spool(stream: BinaryIO, path: Path, should_stop: Callable[[], bool]) -> None:
    """Copy ``stream`` to ``path``, chunk by chunk; the name appears only when the copy is complete.

    A complete copy from an earlier run is used as it is. Raises SinkError, SourceError, Interrupted.
    """
    if path.exists():
        return
    temp = path.with_suffix(".part")
    with writing(path):
        with temp.open("wb") as file:
            for chunk in _chunks(stream, should_stop):
                file.write(chunk)
        if temp.stat().st_size == 0:
            temp.unlink()
            raise SourceError("standard input is empty")
        commit(temp, path)


def _chunks(stream: BinaryIO, should_stop: Callable[[], bool]) -> Iterator[bytes]:
    """What arrives, until the end of it; a silent writer does not keep a stop from being seen."""
    while True:
        ready = select.select([stream], [], [], _TICK_S)[0]
        if should_stop():
            raise Interrupted("stopped while reading standard input; nothing has been made yet")
        if ready:
            chunk = os.read(stream.fileno(), _CHUNK_BYTES)
            if not chunk:
                return
            yield chunk
