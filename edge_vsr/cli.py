"""The command line: which verbs there are, and how every run ends. What a verb does is in ``commands``.

A verb's module is imported when the verb is used, so that ``edge-vsr --help`` answers at once. Exit codes:
0 done, 1 a check failed, 2 the request cannot be met, 70 a fault of ours, 130 stopped, 141 nobody reads.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from io import TextIOWrapper
from typing import NoReturn, Protocol

from edge_vsr import __version__
from edge_vsr.errors import EdgeVsrError, Interrupted, UsageError

DEBUG = "EDGE_VSR_DEBUG"
_REQUEST, _FAULT, _INTERRUPTED, _NO_READER = 2, 70, 130, 141

_EPILOG = """examples:
  edge-vsr upscale old_film.mkv old_film_4k.mkv      a film to 4K, sound and subtitles kept
  edge-vsr probe old_film.mkv                        what is in it, and what would be done to it
  edge-vsr doctor                                    is everything in order on this machine?
  edge-vsr demo                                      see the difference on a clip drawn for it

edge-vsr VERB --help tells more about each verb.
"""


class Command(Protocol):
    """What a verb's module offers."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare options, description and examples."""
        ...

    def run(self, args: argparse.Namespace) -> int:
        """Do it; the exit code. Raises EdgeVsrError."""
        ...


@dataclass(frozen=True, slots=True)
class Verb:
    """One line of ``--help``: the module that does it, or the verbs under it."""

    help: str
    module: str = ""
    verbs: dict[str, Verb] = field(default_factory=dict)


VERBS = {
    "upscale": Verb("clean and enlarge a film, a picture or a picture sequence", "edge_vsr.commands.upscale"),
    "probe": Verb("say what a file is and what would be done to it", "edge_vsr.commands.probe"),
    "devices": Verb("list what can compute, encode and capture here", "edge_vsr.commands.devices"),
    "doctor": Verb("check that everything works on this machine", "edge_vsr.commands.doctor"),
    "demo": Verb("make a clip, upscale it, measure and show the difference", "edge_vsr.commands.demo"),
    "bench": Verb(
        "measure quality and speed",
        verbs={
            "quality": Verb("PSNR and SSIM on still pictures, against other methods", "edge_vsr.bench.quality"),
            "video": Verb("the same on clips coded by real encoders", "edge_vsr.bench.video"),
            "ladder": Verb("quality against CPU time, ours beside others' nets", "edge_vsr.bench.ladder"),
            "live": Verb("keeping pace with a clock: 1080p to 4K, and what a budget buys", "edge_vsr.bench.live"),
            "speed": Verb("frames a second and where the time goes", "edge_vsr.bench.speed"),
        },
    ),
}


class _Parser(argparse.ArgumentParser):
    """Mistakes become UsageError: one line, like every other error."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message} (see {self.prog} --help)")


def parse(argv: Sequence[str]) -> tuple[argparse.Namespace, Command]:
    """The arguments and the module of the verb they name. Raises UsageError, SystemExit for --help."""
    parser = _Parser(
        prog="edge-vsr",
        description="Cleans and upscales video to 4K with small INT8 networks.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"edge-vsr {__version__}")
    words = [word for word in argv if not word.startswith("-")]
    command = _add_verbs(parser, VERBS, words)
    args = parser.parse_args(argv)
    assert command is not None, "argparse lets no unknown verb pass"
    return args, command


def _add_verbs(parser: argparse.ArgumentParser, verbs: dict[str, Verb], words: list[str]) -> Command | None:
    """Declare all verbs, with the options of the one that ``words`` begins with; its module."""
    commands = parser.add_subparsers(metavar="VERB", required=True)
    chosen: Command | None = None
    for name, verb in verbs.items():
        under = commands.add_parser(
            name, help=verb.help, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
        )
        if words[:1] != [name]:
            continue
        if verb.verbs:
            chosen = _add_verbs(under, verb.verbs, words[1:])
        else:
            chosen = _load(verb.module)
            chosen.add_arguments(under)
    return chosen


def _load(module: str) -> Command:
    command: Command = importlib.import_module(module)
    return command


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; every way it can end becomes an exit code and at most one line on standard error."""
    words = list(sys.argv[1:] if argv is None else argv)
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # file names need not be text
    try:
        args, command = parse(words)
        code = command.run(args)
        print(end="", flush=True)  # a reader that is gone is noticed here, not when the interpreter ends
    except Interrupted as stopped:
        return _fail(str(stopped), _INTERRUPTED, words)
    except EdgeVsrError as error:
        return _fail(str(error), _REQUEST, words)
    except KeyboardInterrupt:
        return _fail("stopped", _INTERRUPTED, words)
    except BrokenPipeError:
        return _nobody_reads()
    except Exception as error:  # a fault of ours: the top level says so in one line
        if os.environ.get(DEBUG):
            traceback.print_exc()
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        return _fail(f"this should not happen, please report it ({reason}; {DEBUG}=1 shows where)", _FAULT, words)
    return code


def _fail(message: str, code: int, words: list[str]) -> int:
    line = " ".join(message.splitlines())
    try:
        if "--json" in words:
            print(json.dumps({"event": "error", "message": line, "exit_code": code}), flush=True)
        print(f"edge-vsr: error: {line}", file=sys.stderr, flush=True)
    except BrokenPipeError:
        _nobody_reads()
    return code


def _nobody_reads() -> int:
    """Whoever read our output is gone. Nothing is said, and the interpreter's last flush goes nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    return _NO_READER
