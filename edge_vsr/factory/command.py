"""How a command of the factory ends: a mistake is one line on standard error and exit code 2, never a traceback."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from edge_vsr.errors import EdgeVsrError, UsageError


def run(main: Callable[[], int | None]) -> NoReturn:
    """Do it and exit with its code. What is no EdgeVsrError or OSError is a fault of ours and keeps its traceback."""
    try:
        code = main()
    except (EdgeVsrError, OSError) as error:
        print(f"error: {' '.join(str(error).splitlines())}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        sys.exit(130)
    sys.exit(code)


def folder_of(option: str, path: Path) -> Path:
    """The folder that an option names. Raises UsageError where there is none."""
    if not path.is_dir():
        raise UsageError(f"{option} {path}: no such folder")
    return path
