"""The work directory of a job: ``OUT.edge-vsr/`` beside the output, and what it remembers.

It holds the finished segments, the spooled standard input, a lock against a second job on the same output,
and ``journal.json``: which settings and which source the work belongs to, and which file at OUT is ours.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path
from types import TracebackType

import msgspec

from edge_vsr.durable import write_atomic, writing
from edge_vsr.errors import SinkError, UsageError

FORMAT = 1
LOCK = "lock"
SPOOL = "stdin"


class Identity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Tells whether a file is still the one it was; renaming keeps it."""

    inode: int
    size_bytes: int
    mtime_ns: int


class Journal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the work belongs to.

    settings: every setting that shapes the output, as text, so that a difference can be named.
    placed: the file we last put (or are about to put) at OUT; ``complete``: it is the whole film.
    tidying: the output stands, complete; what is left here is being taken away.
    """

    settings: dict[str, str]
    placed: list[Identity] = []
    complete: bool = False
    tidying: bool = False
    format: int = FORMAT


def identity(path: Path) -> Identity | None:
    """The identity of a file, ``None`` if there is none."""
    try:
        stat = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return Identity(stat.st_ino, stat.st_size, stat.st_mtime_ns)


def work_directory(output: Path) -> Path:
    """Where the work for ``output`` lies until it is finished."""
    return output.with_name(f"{output.name}.edge-vsr")


class Workplace:
    """The work directory, locked for this process as long as the context is open."""

    def __init__(self, output: Path) -> None:
        self.output = output
        self.directory = work_directory(output)
        self._lock = -1

    def __enter__(self) -> Workplace:
        with writing(self.directory):
            self._acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._lock)  # the lock goes with it, also when the process is killed

    def _acquire(self) -> None:
        while True:
            self.directory.mkdir(exist_ok=True)
            try:
                handle = os.open(self.directory / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            except FileNotFoundError:
                continue  # another job finished and removed the directory between the two calls
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if identity(self.directory / LOCK) == _of_handle(handle):
                    self._lock = handle
                    return
            except BlockingIOError:
                os.close(handle)
                raise SinkError(f"{self.output}: another job is writing this file at this moment") from None
            os.close(handle)

    @property
    def _path(self) -> Path:
        return self.directory / "journal.json"

    def load(self) -> Journal | None:
        """The journal; ``None`` where there is none or it cannot be read (the work is then begun anew)."""
        try:
            found = msgspec.json.decode(self._path.read_bytes(), type=Journal)
        except (OSError, msgspec.DecodeError):
            return None
        return found if found.format == FORMAT else None

    def save(self, journal: Journal) -> None:
        """Make the journal durable. Raises SinkError."""
        with writing(self.directory):
            write_atomic(self._path, msgspec.json.encode(journal))

    def clear(self, keep: frozenset[str] = frozenset()) -> None:
        """Forget all work but the lock and the files named. Raises SinkError."""
        with writing(self.directory):
            # The journal first: pieces without one are worth nothing, a journal without its pieces is harmless.
            self._path.unlink(missing_ok=True)
            for entry in self.directory.iterdir():
                if entry.name not in {LOCK, *keep}:
                    entry.unlink()

    def remove(self) -> None:
        """The job is done: take the directory away, journal and lock last. Raises SinkError."""
        found = self.load()
        if found is not None:
            self.save(msgspec.structs.replace(found, tidying=True))
        with writing(self.directory):
            for entry in self.directory.iterdir():
                if entry.name not in {LOCK, self._path.name}:
                    entry.unlink()
            self._path.unlink(missing_ok=True)
            shutil.rmtree(self.directory)

    def remove_if_empty(self) -> None:
        """After a failure: leave no directory behind that holds nothing worth going on from."""
        names = {entry.name for entry in self.directory.iterdir()} if self.directory.is_dir() else set()
        found = self.load()
        # A journal that knows a partial film at OUT as ours is worth keeping.
        if names and names <= {LOCK, self._path.name} and not (found and (found.placed or found.tidying)):
            shutil.rmtree(self.directory, ignore_errors=True)


def adopt(
    workplace: Workplace, settings: dict[str, str], overwrite: bool, keep: frozenset[str] = frozenset()
) -> Journal:
    """The journal to go on with: the one found if it belongs to the same job, else a fresh one.

    May be called again with more settings once they are known; work begun without them is then marked with
    them. keep: files that survive a fresh start. Raises UsageError if other work lies there and may not be thrown away.
    """
    found = workplace.load()
    known = found.settings if found else {}
    differing = sorted(key for key, value in settings.items() if known.get(key, value) != value)
    if found is not None and not differing:
        if known.keys() >= settings.keys():
            return found
        journal = msgspec.structs.replace(found, settings={**known, **settings})
    else:
        if found is not None and not overwrite:
            raise UsageError(
                f"{workplace.directory} holds unfinished work with other settings ({', '.join(differing)}); "
                "use the same settings to go on, or --overwrite to start anew"
            )
        workplace.clear(keep)
        # What we once put at OUT stays ours although the work is begun anew.
        journal = Journal(settings, placed=found.placed if found else [])
    workplace.save(journal)
    return journal


def _of_handle(handle: int) -> Identity:
    stat = os.fstat(handle)
    return Identity(stat.st_ino, stat.st_size, stat.st_mtime_ns)
