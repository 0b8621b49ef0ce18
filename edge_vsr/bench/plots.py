"""The bench's pictures, drawn by matplotlib (extra ``bench``): rate-quality curves, the ladder, budgets."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from edge_vsr.bench import extras
from edge_vsr.bench.contenders import BASELINE
from edge_vsr.bench.points import BICUBIC, Point, stairs
from edge_vsr.bench.video_report import Row, mean, methods_of
from edge_vsr.durable import write_atomic, writing

_INK, _FAINT, _GRID = "#1d2330", "#6b7385", "#e3e6ec"
_OURS = ("#d9480f", "#f08c00", "#c2255c", "#862e9c", "#5c940d")
_OTHERS = ("#1971c2", "#0c8599", "#2f9e44", "#6741d9", "#495057", "#66a80f")
_BASE = "#868e96"
_MEASURES = (("psnr_y_db", "PSNR-Y, dB"), ("vmaf_neg", "VMAF-NEG"))


def rate_curves(rows: Sequence[Row], path: Path) -> None:
    """Rate (log) against quality: a row of panels for each clip, a line for each method and encoder.

    Raises UsageError without matplotlib, SinkError.
    """
    plt = extras.pyplot()
    clips = list(dict.fromkeys(row.clip for row in rows))
    measures = [m for m in _MEASURES if mean(rows, m[0]) is not None]
    colors = method_colors(methods_of(rows))
    size = (6.2 * len(measures), 3.6 * len(clips) + 0.7)
    figure, axes = plt.subplots(len(clips), len(measures), figsize=size, squeeze=False, layout="constrained")
    for clip, line in zip(clips, axes, strict=True):
        for (measure, heading), panel in zip(measures, line, strict=True):
            style(panel)
            panel.set_title(clip, loc="left", color=_INK, fontsize=10, fontweight="bold")
            panel.set(xlabel="kbit/s", ylabel=heading)
            _curves(panel, [row for row in rows if row.clip == clip], measure, colors)
    handles, names = axes[0][0].get_legend_handles_labels()
    figure.legend(
        handles, names, loc="outside upper center", ncols=len(names) if len(names) < 8 else 6, frameon=False, fontsize=9
    )
    figure.suptitle("solid: H.264, dashed: MPEG-2", fontsize=8, color=_FAINT, x=0.01, ha="left", y=0.005, va="bottom")
    save(figure, path)


def _curves(panel: Any, rows: Sequence[Row], measure: str, colors: dict[str, str]) -> None:
    for method, color in colors.items():
        for family, dash in (("x264", "-"), ("mpeg2", "--")):
            found = [
                (r.bit_s / 1000, r.value(measure)) for r in rows if r.method == method and r.setting.startswith(family)
            ]
            points = sorted((rate, value) for rate, value in found if value is not None)
            label = method if family == "x264" else None
            panel.plot(*zip(*points, strict=True), dash, color=color, marker="o", ms=3.5, lw=1.5, label=label)
    rates = [row.bit_s / 1000 for row in rows]
    _log_ticks(panel, min(rates) / 1.15, max(rates) * 1.15)


def draw_ladder(points: Sequence[Point], where: str, path: Path) -> None:
    """Cost (log) against quality: ours connected, peers as points, bicubic as the line below.

    Raises UsageError without matplotlib, SinkError.
    """
    plt = extras.pyplot()
    figure, panel = plt.subplots(figsize=(8.4, 5.2), layout="constrained")
    style(panel)
    base = next(point for point in points if point.name == BICUBIC)
    peers = [point for point in points if not point.ours and point is not base]
    steps = stairs(points)
    panel.axhline(base.psnr_y_db, color=_BASE, lw=1.2, ls=(0, (4, 3)), zorder=1)
    panel.plot([p.cpu_ms for p in peers], [p.psnr_y_db for p in peers], "o", ms=8, color=_OTHERS[0], zorder=2)
    panel.plot([p.cpu_ms for p in steps], [p.psnr_y_db for p in steps], "-o", ms=10, lw=2.4, color=_OURS[0], zorder=3)
    _room(panel, points)
    for point in peers:
        _name(panel, point, _OTHERS[0], (9, -4), "left")
    for point in steps:
        _name(panel, point, _OURS[0], (0, 11), "center", fontweight="bold")
    left = panel.get_xlim()[0]
    panel.annotate(
        f" {base.name}, {base.cpu_ms:.0f} ms", (left, base.psnr_y_db), (4, 5), textcoords="offset points", color=_FAINT
    )
    panel.set(xlabel="CPU milliseconds for a 1080p frame, enlarged to 4K (all threads)", ylabel=f"PSNR-Y, dB ({where})")
    panel.set_title("Quality against cost", loc="left", color=_INK, fontweight="bold", fontsize=13)
    panel.text(
        1, 1.02, "upper left is better", transform=panel.transAxes, ha="right", color=_FAINT, fontsize=9, style="italic"
    )
    save(figure, path)


def draw_budgets(curves: Mapping[str, Sequence[tuple[float, float]]], path: Path) -> None:
    """Budget for a frame in ms against the share of the gain that is reached (1: all of it), a line for each clip.

    A clip without points has no line. Raises UsageError without matplotlib, SinkError.
    """
    plt = extras.pyplot()
    figure, panel = plt.subplots(figsize=(8.4, 5.2), layout="constrained")
    style(panel)
    told = {clip: points for clip, points in curves.items() if points}
    for (clip, points), color in zip(told.items(), (_OURS + _OTHERS) * 9, strict=False):
        budgets, shares = [budget for budget, _ in sorted(points)], [100 * share for _, share in sorted(points)]
        panel.plot(budgets, shares, "-o", ms=5, lw=2, color=color, label=clip)
    panel.axhline(100, color=_BASE, lw=1.2, ls=(0, (4, 3)), zorder=1)
    panel.set(xlabel="budget for a frame, milliseconds of wall time", ylabel="gain over the base, % of every tile's")
    panel.set_title("What a budget buys", loc="left", color=_INK, fontweight="bold", fontsize=13)
    if told:
        figure.legend(loc="outside lower center", ncols=min(len(told), 4), frameon=False, fontsize=9)
    save(figure, path)


def _room(panel: Any, points: Sequence[Point]) -> None:
    """Limits with space for names; plain numbers on a logarithmic axis."""
    costs = [point.cpu_ms for point in points if point.name != BICUBIC]
    _log_ticks(panel, min(costs) / 1.8, max(costs) * 3.4)
    low, high = min(p.psnr_y_db for p in points), max(p.psnr_y_db for p in points)
    panel.set_ylim(low - 0.08 * (high - low), high + 0.12 * (high - low))


def _log_ticks(panel: Any, low: float, high: float) -> None:
    """A logarithmic axis from ``low`` to ``high`` with plain round numbers: 1, 2, 5, 10."""
    panel.set_xscale("log")
    panel.set_xlim(low, high)
    ticks = [t * 10**e for e in range(7) for t in (1, 2, 5) if low <= t * 10**e <= high]
    panel.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    panel.set_xticks([], minor=True)


def _name(panel: Any, point: Point, color: str, offset: tuple[int, int], side: str, **more: Any) -> None:
    where = (point.cpu_ms, point.psnr_y_db)
    panel.annotate(point.name, where, offset, textcoords="offset points", color=color, ha=side, fontsize=10, **more)


def method_colors(methods: Sequence[str]) -> dict[str, str]:
    """Grey for the baseline, cold colours for others' nets, warm ones for ours."""
    cold, warm = iter(_OTHERS * 9), iter(_OURS * 9)
    out = {}
    for method in methods:
        ours = not (method in (BASELINE, "lanczos3") or method.endswith("fp32"))
        out[method] = _BASE if method == BASELINE else next(warm) if ours else next(cold)
    return out


def style(panel: Any) -> None:
    """Quiet axes: no box, a faint grid."""
    panel.grid(color=_GRID, lw=0.8)
    panel.set_axisbelow(True)
    panel.tick_params(colors=_FAINT, labelsize=8)
    for side in ("top", "right"):
        panel.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        panel.spines[side].set_color(_FAINT)
    for label in (panel.xaxis.label, panel.yaxis.label):
        label.set_color(_INK)


def save(figure: Any, path: Path) -> None:
    """As PNG, in one step. Raises SinkError."""
    buffer = io.BytesIO()
    figure.get_layout_engine().set(w_pad=0.12, h_pad=0.1)
    figure.savefig(buffer, format="png", dpi=150, facecolor="white")
    extras.pyplot().close(figure)
    with writing(path):
        write_atomic(path, buffer.getvalue())
