"""ARCHITECTURE.md draws the tree as it is."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent


def drawn() -> set[str]:
    """The modules in the tree, by path."""
    text = (ROOT / "ARCHITECTURE.md").read_text()
    tree = text[text.index("\nedge_vsr/\n") : text.index("\nmodels_quantized/")]
    folder, found = "", set()
    for line in tree.splitlines():
        if match := re.match(r"  (\w+)/", line):
            folder = f"{match[1]}/"
        elif match := re.match(r"( {2,4})([\w/]+\.py)", line):
            found.add(f"edge_vsr/{folder if len(match[1]) == 4 else ''}{match[2]}")
    return found


def test_every_module_has_its_line() -> None:
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "edge_vsr").rglob("*.py")}
    modules = {path for path in modules if not path.endswith("/__init__.py")}
    assert drawn() == modules
