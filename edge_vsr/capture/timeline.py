"""Presentation times: exactly what the file says, mended only where it says nothing or runs backwards."""

from __future__ import annotations

from fractions import Fraction


class Timeline:
    """Gives every decoded frame a pts, strictly increasing, in the stream's time base.

    A pts that increases is never touched. A missing one is derived from the decode time or the frame
    rate. After a jump back (streams joined end to end, a wrapped 33-bit clock) time goes on from where
    it was, and the rest of the stream is shifted by as much.
    """

    def __init__(self, time_base: Fraction, frame_rate: Fraction | None) -> None:
        self._nominal_step = max(1, round(1 / (frame_rate * time_base))) if frame_rate else 1
        self._jump_limit = max(self._nominal_step, round(1 / time_base))
        self._last: int | None = None
        self._step = self._nominal_step
        self._shift = 0
        self.mended = 0
        self.jumps = 0

    def place(self, pts: int | None, dts: int | None) -> int:
        """The pts of the next frame in presentation order. ``dts`` stands in where ``pts`` is missing."""
        known = pts if pts is not None else dts
        if self._last is None:
            self._last = known if known is not None else 0
            return self._last
        expected = self._last + self._step
        placed = expected if known is None else known + self._shift
        if known is None:
            self.mended += 1
        if placed <= self._last:
            if self._last - placed >= self._jump_limit:
                self._shift += expected - placed
                self.jumps += 1
            else:
                self.mended += 1
            placed = expected if self._last - placed >= self._jump_limit else self._last + 1
        elif pts is not None:
            self._step = min(placed - self._last, self._jump_limit)
        self._last = placed
        return placed

    def warnings(self) -> list[str]:
        """What was mended, one plain sentence each."""
        said = []
        if self.mended:
            said.append(f"{self.mended} frames had no usable time; it was derived from their neighbours.")
        if self.jumps:
            said.append(f"The clock of the stream jumped back {self.jumps} times; time goes on without a jump.")
        return said
