"""The video bench's figures: tables for people, a summary for machines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from edge_vsr.bench.contenders import BASELINE
from edge_vsr.bench.intervals import LEAST, Interval, interval
from edge_vsr.bench.video_score import Measures

# Measure, heading, decimals, whether more is better.
_COLUMNS = (
    ("psnr_y_db", "PSNR-Y", 2, True),
    ("ssim_y", "SSIM-Y", 4, True),
    ("psnr_c_db", "PSNR-C", 2, True),
    ("lpips", "LPIPS", 4, False),
    ("vmaf", "VMAF", 2, True),
    ("vmaf_neg", "NEG", 2, True),
    ("tof_px", "tOF", 3, False),
    ("flicker", "flicker", 3, False),
    ("invention", "invent.", 3, False),
)
_GAINS = ("psnr_y_db", "vmaf_neg", "lpips")


@dataclass(frozen=True, slots=True)
class Row:
    """One clip, one encoder setting, one method. bit_s: measured rate of the coded clip."""

    clip: str
    setting: str
    bit_s: float
    method: str
    measures: Measures

    def value(self, measure: str) -> float | None:
        """One of the measures by its name."""
        found: float | None = getattr(self.measures, measure)
        return found


def gains(rows: Sequence[Row], measure: str) -> dict[str, Interval]:
    """By method: the mean difference to the baseline of the same clip at the same setting, and its interval.

    Settings of one clip are no independent finds: each clip counts once, with its mean over settings.
    """
    base = {(row.clip, row.setting): row.value(measure) for row in rows if row.method == BASELINE}
    out = {}
    for method in methods_of(rows):
        found: dict[str, list[float]] = {}
        for row in rows:
            value, before = row.value(measure), base[row.clip, row.setting]
            if row.method == method and value is not None and before is not None:
                found.setdefault(row.clip, []).append(value - before)
        if found and method != BASELINE:
            out[method] = interval([float(np.mean(of_clip)) for of_clip in found.values()])
    return out


def methods_of(rows: Iterable[Row]) -> list[str]:
    """In the order in which they were measured."""
    return list(dict.fromkeys(row.method for row in rows))


def mean(rows: Iterable[Row], measure: str) -> float | None:
    """Over rows that have a value; None if none has."""
    values = [value for value in (row.value(measure) for row in rows) if value is not None]
    return float(np.mean(values)) if values else None


def summary(rows: Sequence[Row], scale: int, frames: int) -> dict[str, object]:
    """Everything that was found, as JSON takes it."""
    return {
        "scale": scale,
        "frames": frames,
        "clips": list(dict.fromkeys(row.clip for row in rows)),
        "settings": list(dict.fromkeys(row.setting for row in rows)),
        "gain_over_baseline": {
            measure: {method: asdict(gain) for method, gain in gains(rows, measure).items()} for measure, *_ in _COLUMNS
        },
        "rows": [
            {"clip": r.clip, "setting": r.setting, "bit_s": r.bit_s, "method": r.method, **asdict(r.measures)}
            for r in rows
        ],
    }


def print_tables(rows: Sequence[Row], scale: int, baseline: str) -> None:
    """One table for each setting, one of the means with the gains."""
    clips = len({row.clip for row in rows})
    settings = list(dict.fromkeys(row.setting for row in rows))
    columns = [column for column in _COLUMNS if mean(rows, column[0]) is not None]
    for setting in settings:
        chosen = [row for row in rows if row.setting == setting]
        rate = np.mean([row.bit_s for row in chosen]) / 1000
        _print(f"x{scale}, {setting}, mean of {clips} clips, {rate:.0f} kbit/s", chosen, columns, baseline)
    _print(f"x{scale}, mean over {clips} clips and {len(settings)} settings", rows, columns, baseline)
    if len(methods_of(rows)) == 1:
        return
    spread = "95 % bootstrap interval" if clips >= LEAST else "least and most (too few for an interval)"
    print(f"\nGain over {baseline}, each clip's mean over its settings: mean and {spread} over n = {clips} clips")
    shown = [column for column in columns if column[0] in _GAINS]
    found = {column[0]: gains(rows, column[0]) for column in shown}
    print(f"  {'':<24}" + "".join(f"{heading:>28}" for _, heading, _, _ in shown))
    for method in methods_of(rows)[1:]:
        cells = [str(found[measure].get(method, "")) for measure, *_ in shown]
        print(f"  {method:<24}" + "".join(f"{cell:>28}" for cell in cells))


def _print(title: str, rows: Sequence[Row], columns: Sequence[tuple[str, str, int, bool]], baseline: str) -> None:
    print(f"\n{title}\n  {'':<24}" + "".join(f"{heading:>9}" for _, heading, _, _ in columns))
    for method in methods_of(rows):
        chosen = [row for row in rows if row.method == method]
        cells = [_cell(mean(chosen, measure), places) for measure, _, places, _ in columns]
        name = baseline if method == BASELINE else method
        print(f"  {name:<24}" + "".join(f"{cell:>9}" for cell in cells))


def _cell(value: float | None, places: int) -> str:
    return "" if value is None else f"{value:.{places}f}"
