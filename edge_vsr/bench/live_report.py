"""The live bench's figures: a few short tables for each clip, a summary for machines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from edge_vsr.bench.live_content import SETTING
from edge_vsr.bench.live_curve import BudgetRow, Gain
from edge_vsr.bench.live_pace import Paced
from edge_vsr.bench.live_stretch import FULL, LIVE, Shown

_FIRST = ("reused", "base")  # kinds of tiles before the nets


@dataclass(frozen=True)
class Report:
    """All that was found of one clip. base_db, full_db: PSNR-Y of the base and of every tile over the curve's frames.

    pace_gain: over the pace run's samples. shown: see ``measure_stretch``.
    """

    clip: str
    own_px: tuple[int, int]
    seen_px: tuple[int, int]
    frames: int
    rung: str
    base_db: float
    full_db: float
    curve: list[BudgetRow]
    paced: Paced
    pace_gain: Gain
    shown: dict[str, Shown]

    @property
    def points(self) -> list[tuple[float, float]]:
        """(budget in ms, share of the gain), where there is a budget, and something to gain."""
        pairs = [(row.budget_ms, row.gain.share) for row in self.curve]
        return [(budget, share) for budget, share in pairs if budget is not None and share is not None]


def summary(report: Report) -> dict[str, object]:
    """As JSON takes it."""
    paced = report.paced
    p50, p99, most = paced.wall_ms(50, 99, 100)
    return {
        "clip": report.clip,
        "own_px": report.own_px,
        "seen_px": report.seen_px,
        "frames": report.frames,
        "rung": report.rung,
        "base_db": report.base_db,
        "every_tile_db": report.full_db,
        "curve": [asdict(row) for row in report.curve],
        "pace": {
            "frames": len(paced.beats),
            "budget_ms": paced.budget_ms,
            "fps": paced.fps,
            "misses": paced.misses,
            "drops": paced.drops,
            "wall_ms": {"p50": p50, "p99": p99, "max": most},
            "cpu_ms": paced.cpu_ms,
            "kinds": dict(paced.tally.kinds),
            "late": paced.tally.late,
            "cuts": paced.tally.cuts,
            "gain": asdict(report.pace_gain),
            "samples": len(paced.samples),
        },
        "stretch": {name: asdict(shown) for name, shown in report.shown.items()},
    }


def print_report(report: Report) -> None:
    own, seen = (f"{wide}x{tall}" for wide, tall in (report.own_px, report.seen_px))
    print(f"\n{report.clip}: a clip of {own}, mirrored out to the screen; {seen} of it seen, {SETTING.name}")
    print(f"  {report.frames} frames forth and back, decoded beforehand; {report.rung}")
    gained = report.full_db - report.base_db
    print(f"  PSNR-Y: base {report.base_db:.2f} dB, every tile computed {report.full_db:.2f} dB ({gained:+.2f})")
    _print_curve(report.curve)
    _print_pace(report)
    _print_stretch(report.shown, report.paced)


def _print_curve(rows: Sequence[BudgetRow]) -> None:
    kinds = _kinds([row.kinds for row in rows])
    heads = ("gain dB", "share", "p50 ms", "p95 ms", "max ms", "over", "late")
    print(
        "\n  "
        + f"{'budget':<10}"
        + "".join(f"{head:>9}" for head in heads)
        + "".join(f"{kind:>{_wide(kind)}}" for kind in kinds)
    )
    for row in rows:
        budget = "none" if row.budget_ms is None else f"{row.budget_ms:g} ms"
        walls = "".join(f"{wall:9.1f}" for wall in (row.wall_p50_ms, row.wall_p95_ms, row.wall_max_ms))
        cells = "".join(f"{_percent(row.kinds, kind):>{_wide(kind)}}" for kind in kinds)
        gain = f"{row.gain.db:9.3f}{_share(row.gain):>9}"
        print(f"  {budget:<10}{gain}{walls}{row.overruns:9d}{row.late:9d}{cells}")


def _print_pace(report: Report) -> None:
    paced, gain = report.paced, report.pace_gain
    p50, p99, most = paced.wall_ms(50, 99, 100)
    print(f"\n  pace: a frame every {paced.frame_ns / 1e6:.1f} ms, budget {paced.budget_ms:.1f} ms less what it waited")
    print(f"    {len(paced.beats)} frames at {paced.fps:.2f} a second, {paced.misses} late, {paced.drops} dropped")
    print(f"    wall ms p50 {p50:.1f}, p99 {p99:.1f}, max {most:.1f}; CPU {paced.cpu_ms:.1f} ms a frame")
    kinds = paced.tally.kinds
    tiles = ", ".join(f"{kind} {_percent(kinds, kind)}" for kind in _kinds([kinds]))
    print(f"    tiles: {tiles}; put off {paced.tally.late}; cuts {paced.tally.cuts}")
    share = f"{_share(gain)} of every tile's" if gain.share is not None else "where every tile gains nothing"
    print(f"    gain {gain.db:+.3f} dB, {share}, on {len(paced.samples)} of the frames")


def _print_stretch(shown: dict[str, Shown], paced: Paced) -> None:
    heads = ("CPU ms", "x live", "x every", "PSNR-Y", "NEG", "still", "identical", "tOF px")
    print("\n  " + f"{'a short stretch':<22}" + "".join(f"{head:>11}" for head in heads))
    for name, one in shown.items():
        cost = paced.cpu_ms if name == LIVE else one.cpu_ms
        cells = f"{cost:11.1f}{cost / paced.cpu_ms:11.2f}{cost / shown[FULL].cpu_ms:11.2f}"
        cells += f"{one.psnr_y_db:11.2f}{_cell(one.vmaf_neg, 2):>11}"
        cells += "".join(f"{_cell(value, 3):>11}" for value in (one.still, one.identical, one.tof_px))
        print(f"  {name:<22}{cells}")
    print("  CPU of live is the pace run's; still, identical: change from frame to frame where the source")
    print("  stands still within its noise, or to the bit, in code values; tOF: error of motion in the middle")


def _kinds(found: Sequence[dict[str, int]]) -> list[str]:
    names = sorted({kind for kinds in found for kind in kinds} - set(_FIRST))
    return [*_FIRST, *names]


def _wide(kind: str) -> int:
    return max(9, len(kind) + 2)


def _percent(kinds: dict[str, int], kind: str) -> str:
    return f"{100 * kinds.get(kind, 0) / max(1, sum(kinds.values())):.0f} %"


def _share(gain: Gain) -> str:
    return "" if gain.share is None else f"{100 * gain.share:.0f} %"


def _cell(value: float | None, places: int) -> str:
    return "" if value is None else f"{value:.{places}f}"
