"""What a run says of itself: ``log.csv``, a line every so many steps, and ``plot.png`` drawn from it.

Columns: step, seconds, loss since the line before, gain over the base in dB on held-back clean and coded
samples (empty where it was not measured), and whether the run had just been resumed.
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path

_COLUMNS = ("step", "seconds", "loss", "clean_db", "coded_db", "resumed")
_GAINS = (("clean_db", "clean"), ("coded_db", "coded"))


@dataclass
class TrainLog:
    """Appends to the log of a run; lines past ``step`` were lost with a kill and are dropped.

    taught: a teacher answered for the truth that gains are measured against.
    """

    run: Path
    step: int
    taught: bool = False

    def __post_init__(self) -> None:
        self._resumed = self.step > 0
        kept = [row for row in read(self.run) if int(row["step"]) <= self.step]
        with (self.run / "log.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, _COLUMNS)
            writer.writeheader()
            writer.writerows(kept)

    def add(self, step: int, seconds: float, loss: float, clean_db: float, coded_db: float) -> None:
        gains = ["" if math.isnan(gain) else f"{gain:.3f}" for gain in (clean_db, coded_db)]
        with (self.run / "log.csv").open("a", newline="") as file:
            csv.writer(file).writerow([step, f"{seconds:.0f}", f"{loss:.4f}", *gains, int(self._resumed)])
        self._resumed = False

    def plot(self) -> None:
        """Draw loss and gains against steps; a dashed line where the run was taken up again."""
        from matplotlib.figure import Figure  # noqa: PLC0415  only a run that ends draws

        rows = read(self.run)
        figure = Figure(figsize=(9, 4), layout="constrained")
        left, right = figure.subplots(1, 2)
        left.plot([int(r["step"]) for r in rows], [float(r["loss"]) for r in rows], lw=1)
        left.set(xlabel="step", ylabel="loss, code values", title=self.run.name)
        for column, label in _GAINS:
            seen = [(int(r["step"]), float(r[column])) for r in rows if r[column]]
            if seen:
                right.plot(*zip(*seen, strict=True), marker=".", label=label)
        truth = ", against the teacher's answer" if self.taught else ""
        right.set(xlabel="step", ylabel="gain over the base, dB", title=f"samples held back{truth}")
        for axes in (left, right):
            for row in rows:
                if row["resumed"] == "1":
                    axes.axvline(int(row["step"]), ls="--", lw=0.8, color="grey")
            axes.grid(alpha=0.3)
        if right.lines:
            right.legend()
        figure.savefig(self.run / "plot.png", dpi=110)


def read(run: Path) -> list[dict[str, str]]:
    """The lines of a run's log; empty where there is none."""
    path = run / "log.csv"
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))
