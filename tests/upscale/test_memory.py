"""What is remembered from frame to frame: reused to the code, followed where it changes, forgotten when it must be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from upscale_frames import L420, L422, L444, enlarged, flat_frame, format_of, noise_frame, same_picture

from edge_vsr.color import BT709_LIMITED
from edge_vsr.errors import BackendError
from edge_vsr.frame import ChromaLayout, Frame, default_siting
from edge_vsr.models.store import Model
from edge_vsr.upscale.analyse.analysis import Analyser, Area
from edge_vsr.upscale.backends.backend import Picture, Residual
from edge_vsr.upscale.backends.reference import ReferenceBackend
from edge_vsr.upscale.engine import Engine
from edge_vsr.upscale.enlarge import Enlarger, only
from edge_vsr.upscale.geometry import Fit, parse_target
from edge_vsr.upscale.layout import Layout
from edge_vsr.upscale.memory import Memory
from edge_vsr.upscale.resample import KERNELS

AGES = 10**15  # ns: a budget that is never spent; without sparsity, a tile then changes with every bit of its source
CORE = (12, 16)
MARGIN = 6  # luma pixels around a tile that its net sees, with a halo of 3 blocks
FORMATS = [(8, L420), (10, L420), (10, L422), (8, L444)]


class Counting:
    """The reference, which counts its calls; the one numbered ``fails`` fails."""

    def __init__(self, model: Model) -> None:
        self._inner = ReferenceBackend(model)
        self.name, self.step, self.zero = "counting", self._inner.step, self._inner.zero
        self.calls, self.fails = 0, -1

    def run(self, picture: Picture) -> Residual:
        self.calls += 1
        if self.calls - 1 == self.fails:
            raise BackendError("the provider gave up")
        return self._inner.run(picture)

    def close(self) -> None:
        """Nothing to release."""


@pytest.fixture
def backend(integer_model: Model) -> Counting:
    return Counting(integer_model)


@pytest.fixture
def net(integer_model: Model, backend: Counting) -> Enlarger:
    return Enlarger(integer_model.manifest, backend, CORE)


def engine_for(frame: Frame, net: Enlarger, target: str = "x2", **more: Any) -> Engine:
    told = {"nets": only(net), "threads": 1, **more}
    return Engine(format_of(frame), target=parse_target(target), fit=Fit.LETTERBOX, layout=frame.layout, **told)


def with_patch(frame: Frame, box: Area) -> Frame:
    """The frame with all codes inside a box (even sides) turned about."""
    planes = [plane.copy() for plane in frame.planes]
    for plane, (x, y) in zip(planes, ((1, 1), frame.layout.value, frame.layout.value), strict=True):
        part = plane[box.top // y : box.bottom // y, box.left // x : box.right // x]
        part[:] = (1 << frame.bit_depth) - 1 - part
    return frame.with_(planes=tuple(planes))


def part_of(frame: Frame, area: Area, factor: int) -> list[npt.NDArray[Any]]:
    """An area, given on the source, in the planes of a frame ``factor`` times as large."""
    steps = ((1, 1), frame.layout.value, frame.layout.value)
    return [
        plane[
            area.top * factor // y : -(-area.bottom * factor // y),
            area.left * factor // x : -(-area.right * factor // x),
        ]
        for plane, (x, y) in zip(frame.planes, steps, strict=True)
    ]


def same_there(a: Frame, b: Frame, area: Area, factor: int = 2) -> bool:
    return all(np.array_equal(p, q) for p, q in zip(part_of(a, area, factor), part_of(b, area, factor), strict=True))


def apart_px(a: Area, b: Area) -> int:
    """How many pixels lie between two areas, the wider way; negative where they overlap."""
    return max(b.top - a.bottom, a.top - b.bottom, b.left - a.right, a.left - b.right)


def areas_of(frame: Frame) -> tuple[Area, ...]:
    return Layout.of(frame.width_px, frame.height_px, CORE, 2, KERNELS["bicubic"]).areas


# -- still pictures ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["x2", "x4", "x3", "150x100"])
@pytest.mark.parametrize(("bits", "layout"), FORMATS)
def test_a_still_picture_is_shown_again_to_the_code_and_nothing_is_computed(
    bits: int, layout: ChromaLayout, target: str, net: Enlarger, backend: Counting
) -> None:
    frame = noise_frame(60, 44, bits, layout)
    engine = engine_for(frame, net, target, sparsity=1.0)
    first = engine.process(frame)
    computed = backend.calls
    assert computed > 0
    for _ in range(3):
        assert same_picture(engine.process(frame), first)
    assert backend.calls == computed


@pytest.mark.parametrize(("bits", "layout"), FORMATS)
def test_a_net_that_only_cleans_is_reused_too(
    bits: int, layout: ChromaLayout, integer_models: dict[int, Model]
) -> None:
    frame, model = noise_frame(60, 44, bits, layout), integer_models[1]
    cleaner = Enlarger(model.manifest, ReferenceBackend(model), CORE)
    moved = with_patch(frame, Area(4, 6, 8, 10))
    engine = engine_for(frame, cleaner, "x1", sparsity=1.0)
    first = engine.process(frame)
    assert same_picture(engine.process(frame), first)
    assert same_picture(first, enlarged(cleaner, frame))
    later, whole, areas = engine.process(moved), enlarged(cleaner, moved), areas_of(frame)
    assert same_there(later, whole, areas[0], 1)
    assert same_there(later, first, areas[-1], 1)
    assert not any(np.shares_memory(a, b) for a in first.planes for b in frame.planes)


def test_the_first_frame_is_the_all_tiles_result(net: Enlarger) -> None:
    frame = noise_frame(90, 70)
    assert same_picture(engine_for(frame, net, sparsity=1.0).process(frame), enlarged(net, frame))


def test_a_reused_picture_carries_its_own_time(net: Enlarger) -> None:
    engine = engine_for(noise_frame(60, 44), net, sparsity=1.0)
    for pts in (3, 4):
        made = engine.process(noise_frame(60, 44, pts=pts, stamps={"capture": pts}))
        assert (made.pts, made.stamps["capture"]) == (pts, pts)
    assert engine.tally.kinds["reused"] > 0


@pytest.mark.parametrize("amplitude", [1, 2])
def test_noise_that_nobody_sees_is_reused(amplitude: int, net: Enlarger) -> None:
    rng, clean = np.random.default_rng(2), flat_frame(96, 80, (120, 110, 140))
    frames = [
        clean.with_(
            planes=tuple(
                (plane + rng.integers(-amplitude, amplitude + 1, plane.shape)).astype(np.uint8)
                for plane in clean.planes
            )
        )
        for _ in range(8)
    ]
    engine = engine_for(clean, net, sparsity=1.0)
    made = [engine.process(frame) for frame in frames]
    tiles = len(areas_of(clean))
    assert engine.tally.kinds["reused"] >= 6 * tiles
    assert same_picture(made[-1], made[-2])


# -- what moves -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "box", [Area(30, 40, 34, 46), Area(22, 30, 26, 34), Area(0, 0, 2, 2), Area(26, 36, 28, 38), Area(42, 90, 44, 92)]
)
@pytest.mark.parametrize("bits", [8, 10])
def test_every_bit_of_a_moving_object_is_followed_and_all_else_is_kept(bits: int, box: Area, net: Enlarger) -> None:
    still = noise_frame(128, 96, bits)
    moved = with_patch(still, box)
    engine = engine_for(still, net)
    before = engine.process(still, AGES)
    assert same_picture(before, enlarged(net, still))
    after, whole = engine.process(moved, AGES), enlarged(net, moved)
    touched = [apart_px(area, box) < MARGIN for area in areas_of(still)]
    for area, anew in zip(areas_of(still), touched, strict=True):
        assert same_there(after, whole if anew else before, area)
    assert engine.tally.kinds["reused"] == touched.count(False)


@pytest.mark.parametrize(("bits", "layout"), FORMATS)
def test_with_sparsity_tiles_under_an_object_are_made_anew_and_those_away_from_it_are_kept(
    bits: int, layout: ChromaLayout, net: Enlarger
) -> None:
    still, engine = noise_frame(128, 96, bits, layout), None
    before, box, path = None, None, [Area(2 * at, 6 * at, 2 * at + 8, 6 * at + 8) for at in range(0, 18, 3)]
    for now in path:
        frame = with_patch(still, now)
        engine = engine or engine_for(still, net, sparsity=1.0)
        after, whole = engine.process(frame), enlarged(net, frame)
        for area in areas_of(still):
            if apart_px(area, now) < 0 or (box and apart_px(area, box) < 0):
                assert same_there(after, whole, area)
            elif before and box and min(apart_px(area, now), apart_px(area, box)) > MARGIN + 8 + 4:
                assert same_there(after, before, area)
        before, box = after, now
    assert engine is not None
    assert engine.tally.kinds["reused"] > 16


def test_pictures_that_were_handed_out_are_never_touched_again(net: Enlarger) -> None:
    still = noise_frame(128, 96)
    engine = engine_for(still, net, sparsity=1.0)
    handed: list[tuple[Frame, list[npt.NDArray[Any]]]] = []
    for at in (0, 0, 2, 20, 20, 40, 40, 0):
        made = engine.process(with_patch(still, Area(at, at, at + 10, at + 14)))
        handed.append((made, [plane.copy() for plane in made.planes]))
    for made, copies in handed:
        assert all(np.array_equal(plane, copy) for plane, copy in zip(made.planes, copies, strict=True))


def test_a_source_that_uses_its_buffers_again_is_seen_to_change(net: Enlarger) -> None:
    buffer = tuple(plane.copy() for plane in noise_frame(96, 64).planes)
    frame = noise_frame(96, 64).with_(planes=buffer)
    engine = engine_for(frame, net, sparsity=1.0)
    engine.process(frame)
    for plane, other in zip(buffer, noise_frame(96, 64, seed=9).planes, strict=True):
        plane[:] = other
    assert same_picture(engine.process(frame), enlarged(net, noise_frame(96, 64, seed=9)))


@pytest.mark.parametrize(("bits", "layout"), FORMATS)
def test_without_sparsity_every_frame_is_made_as_if_it_were_the_only_one(
    bits: int, layout: ChromaLayout, net: Enlarger
) -> None:
    still = noise_frame(96, 64, bits, layout)
    engine = engine_for(still, net)
    for at in (0, 0, 2, 30):
        frame = with_patch(still, Area(at, at, at + 8, at + 8))
        assert same_picture(engine.process(frame), enlarged(net, frame))
    assert engine.tally.kinds == {net.manifest.name: 4 * len(areas_of(still))}
    assert (engine.tally.frames, engine.tally.cuts, engine.tally.late) == (4, 0, 0)


def test_more_threads_make_the_same_pictures(net: Enlarger) -> None:
    still = noise_frame(128, 96)
    alone, many = (engine_for(still, net, sparsity=1.0, threads=count) for count in (1, 3))
    for at in (0, 0, 8, 40):
        frame = with_patch(still, Area(at, at, at + 12, at + 30))
        assert same_picture(alone.process(frame), many.process(frame))
    assert alone.tally == many.tally
    many.close()


class Sharper:
    """A net that stands for any: half of what tells a pixel from the mean of its block, added to it."""

    name, step, zero = "sharper", 1.0, 128

    def __init__(self, halo: int) -> None:
        self._halo = halo

    def run(self, picture: Picture) -> Residual:
        core = picture[:, :6, self._halo : -self._halo, self._halo : -self._halo].astype(int)
        detail = 128 + (core[:, :4] - core[:, :4].mean(axis=1, keepdims=True)) / 2
        luma = np.stack([detail[:, 2 * (dy // 2) + dx // 2] for dy in range(4) for dx in range(4)], axis=1)
        residual = np.concatenate([luma, np.full((len(core), 8, *core.shape[2:]), 128)], axis=1)
        return np.asarray(np.clip(np.rint(residual), 0, 255), np.uint8)

    def close(self) -> None:
        """Nothing to release."""


@pytest.mark.parametrize(("bits", "per_frame"), [(8, 0.1), (10, -0.1)])
def test_a_slow_fade_is_followed(bits: int, per_frame: float, integer_model: Model) -> None:
    """After any number of frames the picture is no more than the invisible step behind that of all tiles."""
    net = Enlarger(integer_model.manifest, Sharper(integer_model.manifest.halo), CORE)
    rows, columns = np.indices((64, 96))
    shades = [
        np.asarray(110 + 30 * np.sin(rows / 5) + 25 * np.cos(columns / 4)),
        np.full((32, 48), 120.3),
        np.full((32, 48), 131.8),
    ]
    unit, kind = 1 << (bits - 8), np.uint8 if bits == 8 else np.uint16

    def faded(at: int) -> Frame:
        y, u, v = (np.rint((shade + per_frame * at) * unit).astype(kind) for shade in shades)
        return Frame((y, u, v), bits, L420, BT709_LIMITED, default_siting(L420))

    engine, all_tiles = engine_for(faded(0), net, sparsity=1.0), engine_for(faded(0), net)
    for at in range(60):
        made, whole = engine.process(faded(at)), all_tiles.process(faded(at))
        behind = [np.abs(p.astype(float) - q) / unit for p, q in zip(made.planes, whole.planes, strict=True)]
        assert behind[0].mean() <= 1.5
        assert max(behind[1].mean(), behind[2].mean()) <= 2
        assert behind[0].max() <= 5
    assert engine.tally.kinds["reused"] > 0


# -- forgetting -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sparsity", [0.0, 1.0])
def test_reset_makes_the_next_frame_as_the_first(sparsity: float, net: Enlarger, backend: Counting) -> None:
    frame, other = noise_frame(96, 64), noise_frame(96, 64, seed=4)
    engine = engine_for(frame, net, sparsity=sparsity)
    first, calls = engine.process(frame, AGES), backend.calls
    engine.process(other, 0)
    engine.process(frame, 0)
    engine.reset()
    backend.calls = 0
    assert same_picture(engine.process(frame, AGES), first)
    assert backend.calls == calls


def test_after_a_reset_nothing_is_reused(net: Enlarger, backend: Counting) -> None:
    frame = noise_frame(96, 64)
    engine = engine_for(frame, net, sparsity=1.0)
    for _ in range(3):
        engine.reset()
        backend.calls = 0
        engine.process(frame)
        assert backend.calls > 0
    assert engine.tally.kinds["reused"] == 0


def test_what_was_shown_before_a_change_of_size_is_forgotten(net: Enlarger, backend: Counting) -> None:
    large, small = noise_frame(96, 64), noise_frame(48, 64)
    engine = engine_for(large, net, sparsity=1.0)
    for frame in (large, small, large, small):
        backend.calls = 0
        engine.process(frame)
        assert backend.calls > 0
    assert engine.tally.kinds["reused"] == 0


def test_a_change_of_size_in_mid_stream_begins_anew(net: Enlarger) -> None:
    frames = [noise_frame(96, 64), noise_frame(48, 64), noise_frame(96, 64, seed=7)]
    engine = engine_for(frames[0], net, sparsity=1.0)
    for frame in (frames[0], frames[1], frames[1], frames[2], frames[0], frames[1]):
        alone = engine_for(frames[0], net, sparsity=1.0)
        alone.process(frames[0])
        alone.reset()
        assert same_picture(engine.process(frame), alone.process(frame))


@pytest.mark.parametrize("sparsity", [0.5, 1.0])
def test_after_a_cut_nothing_of_the_old_scene_is_left(sparsity: float, net: Enlarger) -> None:
    scenes = [noise_frame(256, 192, seed=1), noise_frame(256, 192, seed=2)]
    engine = engine_for(scenes[0], net, sparsity=sparsity)
    for scene in (scenes[0], scenes[0], scenes[1], scenes[1], scenes[0]):
        assert same_picture(engine.process(scene), enlarged(net, scene))
    assert engine.tally.cuts == 2


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("fails", [0, 3])
@pytest.mark.parametrize("sparsity", [0.0, 1.0])
def test_a_net_that_fails_once_is_an_error_once(
    sparsity: float, fails: int, threads: int, net: Enlarger, backend: Counting
) -> None:
    first, second = noise_frame(128, 96), noise_frame(128, 96, seed=2)
    engine = engine_for(first, net, sparsity=sparsity, threads=threads)
    shown = engine.process(first)
    backend.fails = backend.calls + fails
    with pytest.raises(BackendError, match="gave up"):
        engine.process(second)
    assert same_picture(engine.process(second), enlarged(net, second))
    assert same_picture(engine.process(first), shown)
    engine.close()


# -- memory itself ----------------------------------------------------------------------------------------------------


def remembered(areas: Sequence[Area], *frames: tuple[Frame, Sequence[Area]]) -> Memory:
    memory = Memory.of(Analyser(20, 12, areas, True), (1, len(areas)))
    for frame, anew in frames:
        y, u, v = (plane.astype(np.uint8) for plane in frame.planes)
        memory.learn((y, u, v), anew)
    return memory


def test_memory_keeps_of_every_tile_the_source_it_was_made_of() -> None:
    left, right = Area(0, 0, 11, 8), Area(0, 8, 11, 19)
    old, new = noise_frame(19, 11, seed=1), noise_frame(19, 11, seed=2)
    memory = remembered([left, right], (old, [left, right]), (new, [right]))
    assert memory.reference is not None
    for kept, first, second, step in zip(memory.reference, old.planes, new.planes, (1, 2, 2), strict=True):
        border = 8 // step
        assert np.array_equal(kept[:, :border], first[:, :border])
        assert np.array_equal(kept[:, border:], second[:, border:])


def test_memory_copies_what_it_keeps() -> None:
    frame = noise_frame(20, 12)
    y, u, v = (plane.copy() for plane in frame.planes)
    memory = Memory.of(Analyser(20, 12, [Area(0, 0, 12, 20)], True), (1, 1))
    memory.learn((y.astype(np.uint8, copy=False), u.astype(np.uint8, copy=False), v.astype(np.uint8, copy=False)), [])
    y[:] = 0
    assert memory.reference is not None
    assert np.array_equal(memory.reference[0], frame.planes[0])


def test_a_fresh_memory_shows_nothing_and_owes_nothing() -> None:
    memory = remembered([Area(0, 0, 12, 10), Area(0, 10, 12, 20)])
    assert memory.shown.tolist() == memory.age.tolist() == [0, 0]
    assert memory.open.shape == (1, 2, 4)
    assert not memory.open.any()
    assert memory.reference is None
    assert memory.output is None
