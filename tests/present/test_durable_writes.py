"""Durable writes: whole or not at all, and errors in one line."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from edge_vsr import durable
from edge_vsr.errors import SinkError


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "file.bin"
    durable.write_atomic(target, b"old")

    def full(path: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(durable, "sync_file", full)
    with pytest.raises(SinkError, match="disk is full") as caught, durable.writing(target):
        durable.write_atomic(target, b"new")
    assert "\n" not in str(caught.value)
    assert target.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["file.bin"]


@pytest.mark.parametrize(("code", "words"), [(errno.EACCES, "not allowed"), (errno.EIO, "cannot be written")])
def test_other_troubles(tmp_path: Path, code: int, words: str) -> None:
    with pytest.raises(SinkError, match=words), durable.writing(tmp_path):
        raise OSError(code, "x")
