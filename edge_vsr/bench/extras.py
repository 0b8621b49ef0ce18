"""What every bench shares at its edges: JSON, and libraries that need not be there."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from pathlib import Path
from typing import Any

from edge_vsr.durable import write_atomic, writing
from edge_vsr.errors import UsageError

STDOUT = "-"


def add_json(parser: argparse.ArgumentParser) -> None:
    """``--json``: instead of the table; ``--json FILE``: beside it."""
    parser.add_argument(
        "--json", nargs="?", const=STDOUT, metavar="FILE", help="print JSON instead of the table, or write it to FILE"
    )


def write_json(where: str, content: object) -> None:
    """To standard output or a file. Raises SinkError."""
    text = json.dumps(content, indent=1, allow_nan=False)
    if where == STDOUT:
        print(text)
        return
    with writing(Path(where)):
        write_atomic(Path(where), text.encode() + b"\n")


def pyplot() -> Any:
    """matplotlib.pyplot, drawing into files. Raises UsageError with the way to get it."""
    try:
        importlib.import_module("matplotlib").use("Agg")
        return importlib.import_module("matplotlib.pyplot")
    except ImportError as error:
        raise UsageError("--plot needs matplotlib: pip install 'edge-vsr[bench]'") from error


def left_out(what: str, how: str) -> None:
    """One line on standard error: a column is missing, and how to get it."""
    print(f"{what} is left out; to have it: {how}", file=sys.stderr)
