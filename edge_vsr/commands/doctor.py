"""``edge-vsr doctor``: is everything in order here? One line a check; the checks are in ``checks``."""

from __future__ import annotations

import argparse
import json

from edge_vsr.commands.checks import Finding, Verdict, all_checks
from edge_vsr.commands.options import add_output_form


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See Command."""
    parser.description = (
        "Checks software, processor, memory, models, backends and codecs, and runs one frame through the engine. "
        "The exit code is 0 unless a check fails; a warning means: works, but slower or with less than it could."
    )
    add_output_form(parser)


def run(args: argparse.Namespace) -> int:
    """See Command."""
    findings: list[Finding] = []
    for finding in all_checks():
        findings.append(finding)
        if not args.json:
            print(f"{finding.verdict.value:<4}  {finding.check:<10} {finding.says}", flush=True)
    if args.json:
        rows = [{"check": f.check, "verdict": f.verdict.value, "says": f.says} for f in findings]
        print(json.dumps(rows, indent=1))
    return int(any(finding.verdict is Verdict.FAIL for finding in findings))
