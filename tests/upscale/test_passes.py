"""Deadlines and rungs: what a frame may cost, what is put off, and that it is made up for.

Time is told, not waited for: the clock stands still but for the nets, each of whose tiles takes a millisecond.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from upscale_frames import L420, L422, L444, enlarged, format_of, noise_frame, same_picture

from edge_vsr.errors import BackendError
from edge_vsr.frame import ChromaLayout, Frame
from edge_vsr.models.store import Model
from edge_vsr.telemetry import Stages
from edge_vsr.upscale import costs, gains, passes
from edge_vsr.upscale import engine as engine_module
from edge_vsr.upscale.analyse.analysis import Analysis, Area
from edge_vsr.upscale.backends.backend import Picture, Residual
from edge_vsr.upscale.backends.reference import ReferenceBackend
from edge_vsr.upscale.engine import Engine
from edge_vsr.upscale.enlarge import Enlarger, only
from edge_vsr.upscale.feather import FADE
from edge_vsr.upscale.geometry import Fit, parse_target
from edge_vsr.upscale.layout import Layout
from edge_vsr.upscale.passes import Effort, Pass
from edge_vsr.upscale.resample import KERNELS, resample_frame
from edge_vsr.upscale.workers import Workers

CORE = (20, 24)
SIZE = (5 * 48, 4 * 40)  # 20 tiles, of 40 x 48 pixels
TILES = 20
TILE_NS = 1_000_000
PLENTY = 10**12


@dataclass
class Clock:
    """Stands for the module ``time`` where deadlines are kept."""

    now: int = 5 * 10**9

    def monotonic_ns(self) -> int:
        return self.now


class Timed:
    """The reference; every tile it computes takes its time. begun: when each call was begun, and of how many tiles."""

    def __init__(self, model: Model, clock: Clock, tile_ns: int = TILE_NS) -> None:
        self._inner, self._clock, self._halo = ReferenceBackend(model), clock, model.manifest.halo
        self.name, self.step, self.zero, self.tile_ns = "timed", self._inner.step, self._inner.zero, tile_ns
        self.begun: list[tuple[int, int]] = []
        self.hiccup_ns = 0  # what the next call takes besides
        self.broken = False

    def run(self, picture: Picture) -> Residual:
        count, _, tall, wide = picture.shape
        tiles = round(count * (tall - 2 * self._halo) * (wide - 2 * self._halo) / (CORE[0] * CORE[1]))
        self.begun.append((self._clock.now, tiles))
        self._clock.now += tiles * self.tile_ns + self.hiccup_ns
        self.hiccup_ns = 0
        if self.broken:
            raise BackendError("the provider gave up")
        return self._inner.run(picture)

    def close(self) -> None:
        """Nothing to release."""


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    told = Clock()
    for module in (passes, costs, engine_module):
        monkeypatch.setattr(module, "time", told)
    return told


@pytest.fixture
def backend(integer_model: Model, clock: Clock) -> Timed:
    return Timed(integer_model, clock)


@pytest.fixture
def net(integer_model: Model, backend: Timed) -> Enlarger:
    return Enlarger(integer_model.manifest, backend, CORE)


def pass_of(net: Enlarger) -> Pass:
    return Pass(net, *SIZE, True, Workers(1))


def base_of(frame: Frame) -> Frame:
    size = 2 * frame.width_px, 2 * frame.height_px
    return resample_frame(frame, *size, KERNELS["bicubic"], frame.layout, frame.siting)


def areas() -> tuple[Area, ...]:
    return Layout.of(*SIZE, CORE, 2, KERNELS["bicubic"]).areas


def there(frame: Frame, area: Area, inset_px: int = 0) -> npt.NDArray[Any]:
    """Luma of an area, given on the source, in a picture of twice its size."""
    return frame.planes[0][
        2 * area.top + inset_px : 2 * area.bottom - inset_px, 2 * area.left + inset_px : 2 * area.right - inset_px
    ]


class Player:
    """Plays frames to a pass, each with a budget in tiles."""

    def __init__(self, net: Enlarger, clock: Clock, sparsity: float = 0.0) -> None:
        self.one, self._clock, self._sparsity = pass_of(net), clock, sparsity

    def show(self, frame: Frame, tiles: float) -> Frame:
        budget_ns = PLENTY if tiles == np.inf else round(tiles * TILE_NS)
        return self.one.process(frame, Stages(), Effort(self._sparsity, self._clock.now + budget_ns))

    def show_all(self, frame: Frame) -> Frame:
        return self.one.process(frame, Stages(), Effort(self._sparsity))


@pytest.fixture
def player(net: Enlarger, clock: Clock) -> Player:
    return Player(net, clock)


# -- one frame's budget -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("bits", "layout"), [(8, L420), (10, L420), (10, L422), (8, L444)])
def test_without_time_every_frame_is_its_base(bits: int, layout: ChromaLayout, player: Player, backend: Timed) -> None:
    for seed in (1, 1, 2):
        frame = noise_frame(*SIZE, bits, layout, seed=seed)
        assert same_picture(player.show(frame, 0), base_of(frame))
    assert backend.begun == []


def test_a_frame_that_was_late_when_it_came_is_its_base(player: Player, clock: Clock) -> None:
    frame = noise_frame(*SIZE)
    assert same_picture(player.show(frame, -500), base_of(frame))


def test_with_time_for_everything_every_tile_is_made(player: Player, net: Enlarger) -> None:
    for seed in (1, 2, 2, 1):
        frame = noise_frame(*SIZE, seed=seed)
        assert same_picture(player.show(frame, np.inf), enlarged(net, frame))
    assert player.one.tally.kinds == {net.manifest.name: 3 * TILES, "reused": TILES}


@pytest.mark.parametrize("tiles", [0.5, 1.5, 4, 7.5, 13, 19.5])
def test_no_call_is_begun_once_the_time_is_gone(tiles: float, player: Player, backend: Timed, clock: Clock) -> None:
    for index in range(6):
        backend.begun.clear()
        deadline = clock.now + round(tiles * TILE_NS)
        player.show(noise_frame(*SIZE, seed=index), tiles)
        assert all(begun < deadline for begun, _ in backend.begun)
        most = max((size for _, size in backend.begun), default=0)
        assert clock.now - deadline <= most * TILE_NS
        if index > 2:  # by then it is known what a tile takes
            assert clock.now <= deadline
            assert sum(size for _, size in backend.begun) >= tiles - 8


def test_a_net_that_turns_slow_is_found_out(player: Player, backend: Timed, clock: Clock) -> None:
    for index in range(12):
        player.show(noise_frame(*SIZE, seed=index), 10)
    backend.tile_ns *= 3
    overrun = []
    for index in range(20):
        deadline = clock.now + 10 * TILE_NS
        player.show(noise_frame(*SIZE, seed=index), 10)
        overrun.append(clock.now > deadline)
    assert not any(overrun[-6:])
    assert player.one.tally.late > 0


def test_after_a_hiccup_no_call_is_begun_that_would_end_too_late(player: Player, backend: Timed, clock: Clock) -> None:
    for index in range(4):  # until it is known what a tile takes
        player.show(noise_frame(*SIZE, seed=index), np.inf)
    backend.begun.clear()
    backend.hiccup_ns = round(13.5 * TILE_NS)
    deadline, late = clock.now + 20 * TILE_NS, player.one.tally.late
    player.show(noise_frame(*SIZE, seed=5), 20)
    assert clock.now <= deadline
    assert player.one.tally.late - late == TILES - sum(size for _, size in backend.begun) > 0


# -- what is put off --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sparsity", [0.0, 1.0])
@pytest.mark.parametrize("tiles", [2, 5, 9])
def test_what_is_put_off_on_a_still_picture_is_made_in_the_frames_that_follow_and_then_nothing_more(
    tiles: int, sparsity: float, net: Enlarger, backend: Timed, clock: Clock
) -> None:
    player, frame = Player(net, clock, sparsity), noise_frame(*SIZE)
    base, shown = base_of(frame), player.show(frame, tiles)
    for _ in range(2 * TILES // tiles + 4):
        before, shown = shown, player.show(frame, tiles)
        for area in areas():  # nothing is lost on the way
            if not np.array_equal(there(before, area), there(base, area)):
                assert np.array_equal(there(shown, area), there(before, area))
    assert not any(np.array_equal(there(shown, area), there(base, area)) for area in areas())
    backend.begun.clear()
    assert same_picture(player.show(frame, np.inf), shown)
    assert backend.begun == []
    assert player.one.tally.kinds[net.manifest.name] == TILES


@pytest.mark.parametrize("bits", [8, 10])
def test_a_tile_made_later_is_the_same_but_for_its_edges(bits: int, player: Player, net: Enlarger) -> None:
    frame, inset = noise_frame(*SIZE, bits), FADE * 4
    whole = enlarged(net, frame)
    for _ in range(12):
        shown = player.show(frame, 3)
    for area in areas():
        assert there(shown, area, inset).size
        assert np.array_equal(there(shown, area, inset), there(whole, area, inset))


def test_a_still_picture_without_time_catches_up_when_there_is_some(player: Player, net: Enlarger) -> None:
    frame = noise_frame(*SIZE)
    for _ in range(3):
        player.show(frame, 0)
    assert same_picture(player.show(frame, np.inf), enlarged(net, frame))


def test_pictures_that_were_handed_out_are_never_touched_again(player: Player) -> None:
    handed = []
    for seed, tiles in ((1, 4), (1, 4), (1, 30), (2, 0), (2, 7), (2, 50), (2, 50)):
        made = player.show(noise_frame(*SIZE, seed=seed), tiles)
        handed.append((made, [plane.copy() for plane in made.planes]))
    for made, copies in handed:
        assert all(np.array_equal(plane, copy) for plane, copy in zip(made.planes, copies, strict=True))


def test_every_tile_has_its_turn_where_all_of_them_change(player: Player) -> None:
    """A scene that flickers all over, with time for a quarter of its tiles: none waits for ever."""
    scene, served = noise_frame(*SIZE), np.zeros(TILES, int)
    for index in range(80):
        frame = scene.with_(planes=(scene.planes[0] // 2 + np.uint8(40 * (index % 2)), *scene.planes[1:]))
        base, made = base_of(frame), player.show(frame, 5)
        served += [not np.array_equal(there(made, area), there(base, area)) for area in areas()]
    assert player.one.tally.cuts == 0
    assert served.min() > 0


def test_a_tile_keeps_no_picture_of_old_when_time_is_short(player: Player, net: Enlarger) -> None:
    first, second = noise_frame(*SIZE, seed=1), noise_frame(*SIZE, seed=2)
    player.show(first, np.inf)
    made, base = player.show(second, 6), base_of(second)
    whole, inset = enlarged(net, second), FADE * 4
    kinds = [
        (np.array_equal(there(made, area), there(base, area)))
        or np.array_equal(there(made, area, inset), there(whole, area, inset))
        for area in areas()
    ]
    assert all(kinds)


def test_frames_without_any_limit_change_nothing_of_what_comes(net: Enlarger, clock: Clock) -> None:
    """A frame in full between two with a budget: the later one still knows how the tiles that it keeps end."""
    first, second = noise_frame(*SIZE), noise_frame(*SIZE)
    planes = tuple(plane.copy() for plane in second.planes)
    planes[0][60:64, 100:104] ^= 0xFF
    second = second.with_(planes=planes)
    made = []
    for between in (False, True):
        player = Player(net, clock)
        for _ in range(3):
            player.show(first, 3)
        if between:
            assert same_picture(player.show_all(first), enlarged(net, first))
        made.append(player.show(second, np.inf))
    assert same_picture(*made)


def test_after_a_cut_nothing_is_owed_to_tiles_of_the_old_scene(player: Player, monkeypatch: pytest.MonkeyPatch) -> None:
    promise(monkeypatch, np.linspace(2, 1, TILES))
    scene, new = noise_frame(*SIZE), noise_frame(*SIZE, seed=9)
    for index in range(30):  # some tiles wait for long; at the end none shows a net
        flicker = scene.planes[0] // 2 + np.uint8(40 * (index % 2))
        player.show(scene.with_(planes=(flicker, *scene.planes[1:])), 4 if index < 29 else 0)
    assert player.one.tally.cuts == 0
    made, base = player.show(new, 5), base_of(new)
    assert player.one.tally.cuts == 1
    served = [not np.array_equal(there(made, area), there(base, area)) for area in areas()]
    assert np.flatnonzero(served).tolist() == [0, 1, 2, 3, 4]  # those that promise most


# -- accounts ---------------------------------------------------------------------------------------------------------


def test_the_tally_adds_up(player: Player, backend: Timed, net: Enlarger) -> None:
    rng = np.random.default_rng(3)
    still = noise_frame(*SIZE)
    for index in range(1, 25):
        planes = tuple(plane.copy() for plane in still.planes)
        left = int(rng.integers(0, SIZE[0] - 8))
        planes[0][:, left : left + 8] ^= 0x55
        player.show(still.with_(planes=planes), float(rng.choice([0, 2, 6, 40])))
        tally = player.one.tally
        assert tally.frames == index
        assert sum(tally.kinds.values()) == index * TILES
        assert tally.kinds[net.manifest.name] == sum(size for _, size in backend.begun)
    assert all(tally.kinds[kind] > 0 for kind in ("reused", "base", net.manifest.name))


def test_what_a_deadline_cut_off_is_late(player: Player, backend: Timed) -> None:
    player.show(noise_frame(*SIZE), 6)  # nothing is known of prices yet: all is ordered, and most of it is cut off
    assert player.one.tally.late == TILES - sum(size for _, size in backend.begun) > 0


@pytest.mark.parametrize("target", ["x3", "x4"])
def test_two_passes_share_a_budget_and_a_tally(target: str, net: Enlarger, backend: Timed, clock: Clock) -> None:
    frame = noise_frame(*SIZE)
    engine = Engine(
        format_of(frame), target=parse_target(target), fit=Fit.LETTERBOX, layout=L420, nets=only(net), threads=1
    )
    size = engine.output.width_px, engine.output.height_px
    base = resample_frame(base_of(base_of(frame)), *size, KERNELS["bicubic"], L420, frame.siting)
    assert same_picture(engine.process(frame, 0), base)
    assert backend.begun == []
    by_hand = enlarged(net, enlarged(net, frame), coded=False)
    by_hand = resample_frame(by_hand, *size, KERNELS["bicubic"], L420, frame.siting)
    assert same_picture(engine.process(frame, PLENTY), by_hand)
    tally = engine.tally
    assert tally.frames == 4  # of two passes
    assert sum(tally.kinds.values()) == 2 * (TILES + 4 * TILES)
    backend.begun.clear()
    deadline = clock.now + 50 * TILE_NS
    engine.process(noise_frame(*SIZE, seed=2), 50 * TILE_NS)
    assert clock.now <= deadline
    assert len({size for _, size in backend.begun}) <= 3
    assert sum(engine.tally.kinds.values()) == 3 * (TILES + 4 * TILES)


def test_a_first_pass_leaves_the_second_its_share(
    integer_model: Model, integer_models: dict[int, Model], clock: Clock
) -> None:
    first, second = Timed(integer_model, clock), Timed(integer_models[2], clock)
    nets = [Enlarger(integer_model.manifest, first, CORE), Enlarger(integer_models[2].manifest, second, CORE)]
    frame = noise_frame(*SIZE)
    engine = Engine(
        format_of(frame),
        target=parse_target("x4"),
        fit=Fit.LETTERBOX,
        layout=L420,
        nets=lambda ratio, coded: nets,
        threads=1,
    )
    engine.process(frame, PLENTY)  # it is known what a tile takes
    first.begun.clear()
    second.begun.clear()
    engine.process(noise_frame(*SIZE, seed=2), 50 * TILE_NS)
    assert 0 < sum(size for _, size in first.begun) <= 10  # a fifth: the second has four times the picture
    assert sum(size for _, size in second.begun) > 30


@pytest.mark.parametrize("tiles", [4, 9, np.inf])
def test_after_a_net_has_failed_the_pass_goes_on(tiles: float, player: Player, net: Enlarger, backend: Timed) -> None:
    first, second = noise_frame(*SIZE, seed=1), noise_frame(*SIZE, seed=2)
    player.show(first, tiles)
    backend.broken = True
    with pytest.raises(BackendError, match="gave up"):
        player.show(second, tiles)
    backend.broken = False
    for _ in range(12):
        shown = player.show(second, tiles)
    whole, inset = enlarged(net, second), FADE * 4
    assert all(np.array_equal(there(shown, area, inset), there(whole, area, inset)) for area in areas())


# -- rungs ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def ladder(integer_models: dict[int, Model], integer_model: Model, clock: Clock) -> Enlarger:
    """Two nets; the cheaper one takes a fifth of the time."""
    cheap, dear = integer_models[2], integer_model
    assert cheap.manifest.name != dear.manifest.name
    lower = Enlarger(cheap.manifest, Timed(cheap, clock, TILE_NS // 5), CORE)
    return Enlarger(dear.manifest, Timed(dear, clock), CORE, (lower,))


def promise(monkeypatch: pytest.MonkeyPatch, *gain: npt.NDArray[np.floating[Any]]) -> None:
    """Let the rungs, cheapest first, promise the gains (tiles,)."""
    rungs = [np.asarray(each, np.float32) for each in gain]

    def expected(analysis: Analysis, weights: Sequence[float]) -> npt.NDArray[np.float32]:
        asked.append(0)
        return rungs[(len(asked) - 1) % len(rungs)]

    asked: list[int] = []
    monkeypatch.setattr(gains, "expected", expected)


@pytest.mark.parametrize("seed", range(12))
def test_any_mixture_of_base_and_rungs_is_shown_as_routed(
    seed: int, ladder: Enlarger, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(seed)
    rung = rng.choice(3, TILES, p=((0.3, 0.4, 0.3), (0.8, 0.1, 0.1), (0.1, 0.1, 0.8))[seed % 3])
    promise(monkeypatch, 1.0 * (rung > 0), 1.0 * (rung > 0) + (rung > 1))
    frame, player = noise_frame(*SIZE, seed=seed), Player(ladder, clock, 1.0)
    made, lower = player.show_all(frame), ladder.cheaper[0]
    wholes = [base_of(frame), enlarged(lower, frame), enlarged(Enlarger(ladder.manifest, ladder.backend, CORE), frame)]
    for area, one in zip(areas(), rung, strict=True):
        inset = FADE * 4 if one else 0
        assert np.array_equal(there(made, area, inset), there(wholes[one], area, inset))
    counts = {lower.manifest.name: 1, ladder.manifest.name: 2, "base": 0}
    assert player.one.tally.kinds == {
        name: int((rung == one).sum()) for name, one in counts.items() if (rung == one).any()
    }


def test_with_little_time_the_cheaper_net_serves_and_the_better_one_follows(
    ladder: Enlarger, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    promise(monkeypatch, np.full(TILES, 3.0), np.full(TILES, 5.0))
    frame, player = noise_frame(*SIZE), Player(ladder, clock)
    for seed in range(2, 6):  # until it is known what a tile takes
        player.show(noise_frame(*SIZE, seed=seed), 24)
    known = player.one.tally.kinds[ladder.cheaper[0].manifest.name]
    player.show(frame, 5)
    assert player.one.tally.kinds[ladder.cheaper[0].manifest.name] > known
    for _ in range(30):
        shown = player.show(frame, 5)
    whole, inset = enlarged(Enlarger(ladder.manifest, ladder.backend, CORE), frame), FADE * 4
    assert all(np.array_equal(there(shown, area, inset), there(whole, area, inset)) for area in areas())


def test_without_a_limit_every_tile_gets_the_best_rung(ladder: Enlarger, clock: Clock) -> None:
    frame, player = noise_frame(*SIZE), Player(ladder, clock)
    made = player.show_all(frame)
    assert player.one.tally.kinds == {ladder.manifest.name: TILES}
    assert same_picture(made, enlarged(Enlarger(ladder.manifest, ladder.backend, CORE), frame))
