"""Durable writes: temporary name in the same directory, fsync, rename, fsync of the directory.

After a power cut a file written this way is either the old one or the new one, never a half. Whether a
path is worth a durable write is the caller's business; what is in it, too.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge_vsr.errors import SinkError


def temporary(path: Path) -> Path:
    """The name a file carries until it is complete: hidden, same directory, same suffix."""
    return path.with_name(f".{path.stem}.tmp{path.suffix}")


def write_atomic(path: Path, data: bytes) -> None:
    """Write a whole file in one step. Raises OSError, and leaves no temporary file behind then."""
    temp = temporary(path)
    try:
        temp.write_bytes(data)
        commit(temp, path)
    except BaseException:
        temp.unlink(missing_ok=True)
        raise


def commit(temp: Path, final: Path) -> None:
    """Make ``temp`` durable and give it its final name, replacing what was there. Raises OSError."""
    sync_file(temp)
    temp.replace(final)
    sync_directory(final.parent)


def sync_file(path: Path) -> None:
    """Push a file's content to the disk. Raises OSError."""
    _fsync(path, os.O_RDONLY)


def sync_directory(path: Path) -> None:
    """Push a directory's names to the disk; filesystems that cannot (some network ones) are let pass."""
    try:
        _fsync(path, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF):
            raise


def _fsync(path: Path, flags: int) -> None:
    handle = os.open(path, flags)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Translate every OSError inside into a SinkError of one line that names ``path`` and the way out."""
    try:
        yield
    except OSError as error:
        raise SinkError(_explain(path, error)) from error


def _explain(path: Path, error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{path}: the disk is full; free some space and run the same command again, finished work is kept"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{path}: not allowed to write here ({os.strerror(error.errno)})"
    reason = os.strerror(error.errno) if error.errno else str(error)
    return f"{path}: cannot be written ({reason})"
