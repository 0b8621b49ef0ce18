"""Options that several verbs share, and the values they take."""

from __future__ import annotations

import argparse
import re

from edge_vsr.errors import UsageError
from edge_vsr.models.ladder import DEFAULT_RUNG
from edge_vsr.upscale.geometry import Fit

DEINTERLACE = ("auto", "off", "field", "frame", "telecine")


def add_picture_options(parser: argparse.ArgumentParser) -> None:
    """Size, shape, fields and net: what ``upscale`` does and ``probe`` foretells."""
    parser.add_argument(
        "--to", default="4k", metavar="SIZE", help="4k, 2k, 1080p, x2, x3, x4 or WIDTHxHEIGHT (default: %(default)s)"
    )
    parser.add_argument(
        "--fit",
        default=Fit.LETTERBOX.value,
        choices=[fit.value for fit in Fit],
        help="where the shapes differ: black bars (letterbox), fill and cut (crop), fill and distort (stretch), "
        "or no bars and a smaller output (inside) (default: %(default)s)",
    )
    parser.add_argument(
        "--deinterlace",
        default="auto",
        choices=DEINTERLACE,
        help="auto looks at the pictures; field: every field a frame, twice the rate; frame: one frame for two "
        "fields; telecine: film frames out of 30 a second; off (default: %(default)s)",
    )
    parser.add_argument(
        "--model",
        default=DEFAULT_RUNG,
        metavar="NAME",
        help="light, fast, balanced or best, with the nets that the size asks for; or one net by its name or folder; "
        "none: resample only (default: %(default)s)",
    )


def add_output_form(parser: argparse.ArgumentParser) -> None:
    """``--json`` for verbs that answer a question."""
    parser.add_argument("--json", action="store_true", help="print JSON, for other programs")


def seconds(text: str) -> float:
    """``90``, ``1:30``, ``00:01:30.5`` as seconds. Raises UsageError."""
    match = re.fullmatch(r"(?:(?:(\d{1,3}):)?(\d{1,3}):)?(\d{1,9}(?:\.\d*)?)", text.strip())
    hours, minutes, rest = (float(part or 0) for part in match.groups()) if match else (0.0, 0.0, 0.0)
    if match is None or (match[1] and minutes >= 60) or (match[2] and rest >= 60):
        raise UsageError(f"{text!r} is not a time: use seconds (90, 12.5) or HH:MM:SS")
    return 3600 * hours + 60 * minutes + rest
