"""``python -m edge_vsr``."""

from __future__ import annotations

import sys

from edge_vsr.cli import main

if __name__ == "__main__":
    sys.exit(main())
