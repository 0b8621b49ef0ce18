"""The live bench on a drawn clip: what is played, what is counted, what is printed."""

from __future__ import annotations

import argparse
import json
import threading
import time
from collections import Counter
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_vsr.bench import live, live_stretch, ours
from edge_vsr.bench.clips import Clip
from edge_vsr.bench.live_content import SCALE, Content, load, mosaic, ping_pong
from edge_vsr.bench.live_curve import WARM_FRAMES, Judge, curve, since
from edge_vsr.bench.live_pace import SHARE, Mailbox, budget_ns, pace
from edge_vsr.bench.plots import draw_budgets
from edge_vsr.capture.pattern import PatternSource
from edge_vsr.errors import BackendError, EdgeVsrError, ModelError, SourceError, UsageError
from edge_vsr.frame import Frame
from edge_vsr.models.store import Model
from edge_vsr.upscale.engine import Engine
from edge_vsr.upscale.passes import Tally

SCREEN = (640, 432)  # four tiles are seen of it


@lru_cache
def scene() -> tuple[Frame, ...]:
    return tuple(PatternSource(192, 144, frame_count=4).frames())


def drawn(count: int = 4) -> list[Frame]:
    return list(scene()[:count])


@pytest.fixture(scope="module")
def content() -> Content:
    return load(Clip("drawn", Fraction(25), drawn), 3, SCREEN)


class Sleeper:
    """An engine that does nothing, slowly."""

    def __init__(self, takes_s: float, fails: bool = False) -> None:
        self._takes_s, self._fails, self._frames = takes_s, fails, 0
        self.budgets_ns: list[int | None] = []

    @property
    def tally(self) -> Tally:
        return Tally(self._frames, 0, 0, Counter(base=2 * self._frames))

    def process(self, frame: Frame, budget_ns: int | None = None) -> Frame:
        if self._fails and self._frames > WARM_FRAMES:
            raise BackendError("gone")
        time.sleep(self._takes_s)
        self._frames += 1
        self.budgets_ns.append(budget_ns)
        return frame

    def base_of(self, frame: Frame) -> Frame:
        return frame

    def reset(self) -> None:
        pass


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 60), st.integers(1, 60))
def test_a_mosaic_keeps_its_pixels_and_has_no_seam(tall: int, wide: int, to_tall: int, to_wide: int) -> None:
    rng = np.random.default_rng(tall * 41 + wide)
    y = rng.integers(0, 256, (2 * tall, 2 * wide)).astype(np.uint8)
    u, v = (rng.integers(0, 256, (tall, wide)).astype(np.uint8) for _ in range(2))
    made = mosaic(drawn(1)[0].with_(planes=(y, u, v)), 2 * to_wide, 2 * to_tall)
    for plane, own, (h, w) in zip(made.planes, (y, u, v), ((2, 2), (1, 1), (1, 1)), strict=True):
        assert plane.shape == (h * to_tall, w * to_wide)
        kept = np.s_[: min(plane.shape[0], own.shape[0]), : min(plane.shape[1], own.shape[1])]
        assert np.array_equal(plane[kept], own[kept])
        for edge in range(own.shape[0], plane.shape[0], own.shape[0]):
            assert np.array_equal(plane[edge], plane[edge - 1])
        for edge in range(own.shape[1], plane.shape[1], own.shape[1]):
            assert np.array_equal(plane[:, edge], plane[:, edge - 1])


def test_frames_are_played_forth_and_back() -> None:
    assert [ping_pong(step, 4) for step in range(-2, 9)] == [2, 1, 0, 1, 2, 3, 2, 1, 0, 1, 2]
    assert {ping_pong(step, 1) for step in range(-5, 5)} == {0}


@given(st.integers(-500, 500), st.integers(2, 60))
def test_every_step_is_to_a_neighbour(step: int, count: int) -> None:
    here, there = ping_pong(step, count), ping_pong(step + 1, count)
    assert abs(here - there) == 1
    assert {here, there} <= set(range(count))


def test_content_is_the_screen_and_what_is_seen_of_it(content: Content) -> None:
    assert content.own_px == (192, 144)
    assert {(frame.width_px, frame.height_px) for frame in content.truth} == {SCREEN}
    assert (content.video.width_px, content.video.height_px) == (320, 216)
    assert content.video.coded
    assert len(content.truth) == len(content.seen) == 3


def test_the_newest_frame_wins() -> None:
    mailbox = Mailbox()
    for step in range(3):
        mailbox.put(step, step * 10)
    assert mailbox.take() == (2, 20)
    assert mailbox.drops == 2
    mailbox.put(3, 30)
    mailbox.close()
    assert mailbox.take() == (3, 30)
    assert mailbox.take() is None
    assert mailbox.drops == 2


@given(st.integers(1, 10**9), st.integers(0, 2 * 10**9))
def test_what_a_frame_has_waited_is_taken_off_its_budget(frame_ns: int, waited_ns: int) -> None:
    found = budget_ns(frame_ns, waited_ns)
    assert 0 <= found <= budget_ns(frame_ns, 0) == round(SHARE * frame_ns)
    assert found == 0 or found + waited_ns == budget_ns(frame_ns, 0)


def test_a_slow_engine_misses_deadlines_and_frames_are_dropped(content: Content) -> None:
    engine = Sleeper(0.03)
    paced = pace(engine, content.seen, Fraction(100), 15)
    assert paced.drops >= 5
    assert len(paced.beats) + paced.drops == 15
    assert paced.misses == len(paced.beats)
    assert paced.fps < 40
    assert paced.wall_ms(0)[0] >= 30
    assert [beat.step for beat in paced.beats] == sorted({beat.step for beat in paced.beats})
    assert paced.tally == Tally(len(paced.beats), 0, 0, Counter(base=2 * len(paced.beats)))
    assert all(budget is not None and budget <= SHARE * 10_000_000 for budget in engine.budgets_ns)


def test_frames_come_by_the_clock_however_fast_they_are_taken(content: Content) -> None:
    paced = pace(Sleeper(0), content.seen, Fraction(100), 12)
    assert len(paced.beats) + paced.drops == 12
    span_ns = paced.beats[-1].arrived_ns - paced.beats[0].arrived_ns
    assert span_ns >= (paced.beats[-1].step - paced.beats[0].step - 1) * 10_000_000
    assert 1 <= len(paced.samples) <= 12
    assert all(0 <= index < 3 for index, _ in paced.samples)


def test_the_camera_stops_when_the_engine_fails(content: Content) -> None:
    with pytest.raises(BackendError, match="gone"):
        pace(Sleeper(0, fails=True), content.seen, Fraction(200), 100_000)
    assert not [thread for thread in threading.enumerate() if thread.name == "camera"]


def engines(content: Content, model: Model) -> tuple[Engine, Engine]:
    sparse, full = (
        ours.build_engine(str(model.folder), content.video, SCALE, content.video.layout, sparsity=sparsity)
        for sparsity in (ours.SPARSE, 0.0)
    )
    return sparse, full


def test_more_time_computes_no_fewer_tiles(content: Content, shipped_model: Model) -> None:
    sparse, full = engines(content, shipped_model)
    rows = list(curve(content, sparse, Judge(content, full), [1e-6, 1e6, None]))
    computed = [row.kinds.get(shipped_model.manifest.name, 0) for row in rows]
    assert computed[0] == 0 < computed[1] <= computed[2]
    assert rows[0].gain.db == pytest.approx(0, abs=0.05)
    assert rows[0].overruns > 0 == rows[1].overruns == rows[2].overruns
    assert rows[2].late == 0
    assert {sum(row.kinds.values()) for row in rows} == {rows[0].kinds["base"] + rows[0].kinds.get("reused", 0)}


def test_every_tile_gains_all_there_is(content: Content, shipped_model: Model) -> None:
    _, full = engines(content, shipped_model)
    judge = Judge(content, full)
    assert judge.gain([(0, full.process(content.seen[0]))]).share == 1
    assert judge.gain([(0, full.base_of(content.seen[0]))]).share == 0


def test_only_what_came_between_is_counted() -> None:
    before, after = Tally(2, 1, 5, Counter(base=3)), Tally(7, 1, 6, Counter(base=3, reused=4))
    assert since(before, after) == Tally(5, 0, 1, Counter(reused=4))


def test_a_still_source_is_shown_still(shipped_model: Model) -> None:
    still = load(Clip("still", Fraction(25), lambda count: drawn(1) * count), 16, SCREEN)
    still = Content(still.name, still.own_px, still.truth, [still.seen[-1]] * 16)
    sparse, full = engines(still, shipped_model)
    found = live_stretch.measure_stretch(still, sparse, full, Judge(still, full), 10**12, None)
    assert list(found) == ["bicubic", "live", "every tile"]
    assert [(one.still, one.identical) for one in found.values()] == [(0, 0)] * 3
    assert found["live"].psnr_y_db > found["bicubic"].psnr_y_db


def test_a_moving_source_tells_nothing_of_stillness(content: Content, shipped_model: Model) -> None:
    noise = np.random.default_rng(0)
    seen = [
        frame.with_(planes=(noise.integers(0, 256, frame.planes[0].shape).astype(np.uint8), *frame.planes[1:]))
        for frame in content.seen
    ]
    moving = Content("noise", content.own_px, content.truth, seen)
    sparse, full = engines(moving, shipped_model)
    found = live_stretch.measure_stretch(moving, sparse, full, Judge(moving, full), 10**12, None)
    assert {(one.still, one.identical, one.vmaf_neg) for one in found.values()} == {(None, None, None)}


def options(folder: Path, model: str, *more: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(exit_on_error=False)
    live.add_arguments(parser)
    size = f"{SCREEN[0]}x{SCREEN[1]}"
    given = ["--clips", str(folder), "--rung", model, "--to-size", size, "--frames", "6", "--fps", "50", *more]
    return parser.parse_args(given)


def test_the_report_is_complete(
    folder: Path, shipped_model: Model, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib")
    told, plot = tmp_path / "told.json", tmp_path / "told.png"
    more = ("--budgets", "5", "500", "--json", str(told), "--plot", str(plot))
    assert live.run(options(folder, str(shipped_model.folder), *more)) == 0
    out = capsys.readouterr().out
    for line in (
        "drawn: a clip of 192x144, mirrored out to the screen; 320x216 of it seen, x264 crf 23",
        "3 frames forth and back, decoded beforehand",
        "500 ms",
        "pace: a frame every 20.0 ms, budget 17.0 ms less what it waited",
        "of the frames",
        "identical",
    ):
        assert line in out
    clip = json.loads(told.read_text())["clips"][0]
    assert [row["budget_ms"] for row in clip["curve"]] == [5, 500, None]
    assert clip["pace"]["frames"] + clip["pace"]["drops"] == 6
    assert set(clip["stretch"]) == {"bicubic", "live", "every tile"}
    assert clip["stretch"]["live"]["psnr_y_db"] > 20
    assert cv2.imread(str(plot)) is not None


def test_a_plot_without_a_gain_is_empty_and_no_fault(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    draw_budgets({"black": []}, tmp_path / "a.png")
    assert cv2.imread(str(tmp_path / "a.png")) is not None


@pytest.mark.parametrize(
    ("more", "why", "kind"),
    [
        (("--frames", "0"), "--frames must be at least 1", UsageError),
        (("--clip-frames", "0"), "--clip-frames must be at least 1", UsageError),
        (("--budgets", "5", "0"), "--budgets are milliseconds above 0", UsageError),
        (("--budgets", "nan"), "--budgets are milliseconds above 0", UsageError),
        (("--only", "other"), "holds no clip named other", SourceError),
        (("--rung", "nothing"), "unknown model 'nothing'", ModelError),
        (("--rung", "balanced+"), "a [+] stands between two rungs", UsageError),
        (("--peers", "."), "holds no [*]_x2.onnx", SourceError),
    ],
)
def test_what_cannot_work_is_said_at_once(
    folder: Path, more: tuple[str, ...], why: str, kind: type[EdgeVsrError], shipped_model: Model
) -> None:
    with pytest.raises(kind, match=why):
        live.run(options(folder, str(shipped_model.folder), *more))


@pytest.mark.parametrize(
    "more", [("--to-size", "642x432"), ("--to-size", "big"), ("--to-size", "16x16"), ("--fps", "0"), ("--fps", "1/0")]
)
def test_sizes_and_rates_are_read_strictly(folder: Path, more: tuple[str, ...]) -> None:
    with pytest.raises(argparse.ArgumentError, match="is no"):
        options(folder, "light", *more)
