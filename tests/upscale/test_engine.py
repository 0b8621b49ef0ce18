"""The engine: sizes, passes, bars, and what it may and may not do to a frame."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from upscale_frames import L420, L422, L444, enlarged, flat_frame, format_of, noise_frame, same_picture

from edge_vsr.color import BT709_LIMITED, ColorSpace, Matrix, Range
from edge_vsr.errors import UsageError
from edge_vsr.frame import ChromaLayout, Frame, Siting, default_siting
from edge_vsr.models.store import Model
from edge_vsr.telemetry import Stages
from edge_vsr.upscale.backends.choose import choose
from edge_vsr.upscale.backends.reference import ReferenceBackend
from edge_vsr.upscale.engine import Engine
from edge_vsr.upscale.enlarge import Enlarger, only
from edge_vsr.upscale.geometry import Fit, parse_target
from edge_vsr.upscale.resample import KERNELS, resample_frame

FULL = ColorSpace(Matrix.BT709, Range.FULL, 1, 1)


@pytest.fixture
def net(integer_model: Model) -> Enlarger:
    return Enlarger(integer_model.manifest, ReferenceBackend(integer_model), (12, 16))


def engine_for(frame: Frame, target: str, fit: Fit = Fit.LETTERBOX, **more: Any) -> Engine:
    layout = more.pop("layout", frame.layout)
    return Engine(format_of(frame), target=parse_target(target), fit=fit, layout=layout, **more)


# -- sizes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "sar", "target", "fit", "out"),
    [
        ((64, 48), Fraction(1), "x2", Fit.LETTERBOX, (128, 96)),
        ((64, 48), Fraction(1), "x3", Fit.LETTERBOX, (192, 144)),
        ((64, 48), Fraction(1), "x4", Fit.LETTERBOX, (256, 192)),
        ((64, 48), Fraction(1), "x1", Fit.LETTERBOX, (64, 48)),
        ((45, 36), Fraction(64, 45), "x2", Fit.LETTERBOX, (128, 72)),
        ((64, 48), Fraction(1), "160x90", Fit.LETTERBOX, (160, 90)),
        ((64, 48), Fraction(1), "160x90", Fit.CROP, (160, 90)),
        ((64, 48), Fraction(1), "160x90", Fit.STRETCH, (160, 90)),
        ((64, 48), Fraction(1), "160x90", Fit.INSIDE, (120, 90)),
        ((64, 48), Fraction(1), "32x32", Fit.LETTERBOX, (32, 32)),
        ((33, 17), Fraction(1), "x2", Fit.LETTERBOX, (66, 34)),
        ((8, 8), Fraction(1), "x4", Fit.LETTERBOX, (32, 32)),
    ],
)
@pytest.mark.parametrize("layout", ChromaLayout)
def test_frames_come_out_in_the_promised_size(
    size: tuple[int, int],
    sar: Fraction,
    target: str,
    fit: Fit,
    out: tuple[int, int],
    layout: ChromaLayout,
    net: Enlarger,
) -> None:
    frame = noise_frame(*size, sar=sar)
    engine = engine_for(frame, target, fit, layout=layout, nets=only(net))
    made = engine.process(frame)
    assert (engine.output.width_px, engine.output.height_px) == out
    assert made.planes[0].shape == out[::-1]
    assert made.planes[1].shape == made.planes[2].shape == layout.plane_size(*out)[::-1]
    assert (made.layout, made.siting, made.sar) == (layout, engine.output.siting, 1)
    assert engine.output.siting == (frame.siting if layout is frame.layout else default_siting(layout))


@pytest.mark.parametrize("target", ["x2", "x3", "151x133"])
def test_stills_keep_odd_sizes(target: str, net: Enlarger) -> None:
    frame = noise_frame(31, 23, 10, L444)
    engine = engine_for(frame, target, Fit.INSIDE, exact=True, nets=only(net))
    made = engine.process(frame)
    assert made.planes[0].shape == {"x2": (46, 62), "x3": (69, 93), "151x133": (112, 151)}[target]
    assert made.planes[0].shape == made.planes[2].shape == (engine.output.height_px, engine.output.width_px)


def test_a_target_beyond_all_bounds_is_refused() -> None:
    with pytest.raises(UsageError, match="neither side may exceed 16384"):
        engine_for(flat_frame(8200, 16, (0, 0, 0)), "x2")


# -- passes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "rung"),
    [("x1", "base"), ("x2", "random on reference"), ("x3", "random twice on reference"), ("32x24", "base")],
)
def test_the_rung_says_what_runs(target: str, rung: str, net: Enlarger) -> None:
    assert engine_for(noise_frame(64, 48), target, nets=only(net)).rung == rung
    assert engine_for(noise_frame(64, 48), target).rung == "base"


@pytest.mark.parametrize("layout", ChromaLayout)
@pytest.mark.parametrize(("target", "passes"), [("x2", 1), ("x3", 2), ("x4", 2), ("90x68", 1)])
def test_passes_are_the_net_over_and_over_and_a_resample_for_the_rest(
    target: str, passes: int, layout: ChromaLayout, net: Enlarger
) -> None:
    frame = noise_frame(40, 30, 10, layout)
    engine = engine_for(frame, target, nets=only(net))
    by_hand = frame
    for index in range(passes):  # what the first pass has cleaned counts as never coded
        by_hand = enlarged(net, by_hand, coded=index == 0)
    size = (engine.output.width_px, engine.output.height_px)
    by_hand = resample_frame(by_hand, *size, KERNELS["bicubic"], layout, frame.siting)
    assert same_picture(engine.process(frame), by_hand)
    assert not same_picture(engine.process(frame), engine.base_of(frame))


@pytest.fixture
def nets(integer_models: dict[int, Model]) -> dict[int, Enlarger]:
    """A net for every scale, 1 to 4."""
    return {
        scale: Enlarger(model.manifest, ReferenceBackend(model), (12, 16)) for scale, model in integer_models.items()
    }


@pytest.mark.parametrize("layout", ChromaLayout)
@pytest.mark.parametrize(
    ("target", "scales", "rung"),
    [
        ("x3", (3,), "random-x3 on reference"),
        ("x4", (4,), "random-x4 on reference"),
        ("240x180", (3, 2), "random-x3, then random-x2 on reference"),
        ("x3", (2, 2), "random-x2 twice on reference"),
        ("x1", (1,), "random-x1 on reference"),
    ],
)
def test_a_plan_is_run_net_by_net(
    target: str, scales: tuple[int, ...], rung: str, layout: ChromaLayout, nets: dict[int, Enlarger]
) -> None:
    frame = noise_frame(40, 30, 10, layout)
    engine = engine_for(frame, target, nets=lambda ratio, coded: [nets[scale] for scale in scales])
    by_hand = frame
    for index, scale in enumerate(scales):
        by_hand = enlarged(nets[scale], by_hand, coded=index == 0)
    size = (engine.output.width_px, engine.output.height_px)
    by_hand = resample_frame(by_hand, *size, KERNELS["bicubic"], layout, frame.siting)
    assert same_picture(engine.process(frame), by_hand)
    assert engine.rung == rung


def test_each_size_of_frame_is_planned_once_and_every_net_is_closed(nets: dict[int, Enlarger]) -> None:
    asked, closed = [], []

    class Closing:
        def __init__(self, scale: int) -> None:
            inner = nets[scale].backend
            self.name, self.step, self.zero, self.run = f"on-{scale}", inner.step, inner.zero, inner.run
            self.close = lambda: closed.append(scale)

    planned = {scale: replace(nets[scale], backend=Closing(scale)) for scale in (2, 4)}

    def plans(ratio: float, coded: bool) -> list[Enlarger]:
        asked.append((ratio, coded))
        return [planned[4 if ratio > 2 else 2]]

    engine = engine_for(noise_frame(64, 48), "x2", nets=plans)
    assert asked == [(2, True)]
    for size in ((64, 48), (32, 24), (64, 48), (32, 24)):
        assert engine.process(noise_frame(*size)).planes[0].shape == (96, 128)
    assert asked == [(2, True), (4, True)]
    assert engine.rung == "random-x2 on on-2"
    engine.close()
    assert sorted(closed) == [2, 4]


def test_backends_are_named_one_by_one_where_they_differ(nets: dict[int, Enlarger]) -> None:
    backend = ReferenceBackend.__new__(ReferenceBackend)
    backend.__dict__.update(nets[2].backend.__dict__, name="other")
    passes = [nets[4], replace(nets[2], backend=backend)]
    engine = engine_for(noise_frame(16, 16), "256x256", nets=lambda ratio, coded: passes)
    assert engine.rung == "random-x4 on reference, then random-x2 on other"


@pytest.mark.parametrize("layout", ChromaLayout)
@pytest.mark.parametrize("size", [(40, 30), (33, 17)])
def test_a_x1_net_cleans_and_enlarges_nothing(
    size: tuple[int, int], layout: ChromaLayout, nets: dict[int, Enlarger]
) -> None:
    frame = noise_frame(*size, 8, layout)
    engine = engine_for(frame, "x1", exact=True, nets=only(nets[1]))
    assert engine.notes == (f"The source is {size[0]}x{size[1]} already: its picture is cleaned, not enlarged.",)
    assert same_picture(engine.process(frame), enlarged(nets[1], frame))
    assert not same_picture(engine.process(frame), frame)
    assert same_picture(engine.base_of(frame), frame)


@pytest.mark.parametrize(
    ("target", "note"),
    [
        ("20x16", "The source (40x32) is larger than its target: cleaned, then scaled down to 20x16."),
        ("x2", "random-x1 does not enlarge: the picture is cleaned, then resampled."),
    ],
)
def test_a_x1_net_that_was_asked_for_runs_at_any_target(target: str, note: str, nets: dict[int, Enlarger]) -> None:
    frame = noise_frame(40, 32)
    engine = engine_for(frame, target, nets=only(nets[1]))
    size = (engine.output.width_px, engine.output.height_px)
    cleaned = enlarged(nets[1], frame)
    assert same_picture(engine.process(frame), resample_frame(cleaned, *size, KERNELS["bicubic"], L420, frame.siting))
    assert engine.notes == (note,)


def test_the_net_is_told_whether_a_codec_was_at_work(net: Enlarger) -> None:
    frame = noise_frame(40, 30)
    for coded in (True, False):
        told = replace(format_of(frame), coded=coded)
        engine = Engine(told, target=parse_target("x2"), fit=Fit.LETTERBOX, layout=L420, nets=only(net))
        assert same_picture(engine.process(frame), enlarged(net, frame, coded=coded))
    assert not same_picture(enlarged(net, frame, coded=True), enlarged(net, frame, coded=False))


@pytest.mark.parametrize("layout", ChromaLayout)
@pytest.mark.parametrize("target", ["x2", "x3", "32x24"])
def test_the_base_is_the_resampled_source(target: str, layout: ChromaLayout, net: Enlarger) -> None:
    frame = noise_frame(40, 30).with_(siting=Siting(0.5, 0.5))
    engine = engine_for(frame, target, layout=layout, nets=only(net))
    size, siting = (engine.output.width_px, engine.output.height_px), engine.output.siting
    base = resample_frame(frame, *size, KERNELS["bicubic"], layout, siting)
    assert same_picture(engine.base_of(frame), base)
    assert same_picture(engine_for(frame, target, layout=layout).process(frame), base)


# -- bars and crops ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("color", "bits", "black"),
    [
        (BT709_LIMITED, 8, (16, 128, 128)),
        (FULL, 8, (0, 128, 128)),
        (BT709_LIMITED, 10, (64, 512, 512)),
        (FULL, 10, (0, 512, 512)),
    ],
)
@pytest.mark.parametrize("layout", ChromaLayout)
@pytest.mark.parametrize("across", [True, False])
def test_bars_are_black(
    color: ColorSpace, bits: int, black: tuple[int, int, int], layout: ChromaLayout, across: bool
) -> None:
    codes = (90 << (bits - 8), 60 << (bits - 8), 200 << (bits - 8))
    frame = flat_frame(32, 24, codes, bits, color=color)
    engine = engine_for(frame, "96x48" if across else "64x80", layout=layout)
    made = engine.process(frame)
    bar = 16  # luma pixels on each side: 96 - 64, or 80 - 48
    for index, (plane, inside, outside) in enumerate(zip(made.planes, codes, black, strict=True)):
        step = (layout.step_x if across else layout.step_y) if index else 1
        lines = plane.T if across else plane
        assert lines.shape[0] == (96 if across else 80) // step
        assert np.all(lines[: bar // step] == outside)
        assert np.all(lines[-(bar // step) :] == outside)
        assert np.all(lines[bar // step : -(bar // step)] == inside)


@pytest.mark.parametrize("layout", ChromaLayout)
@pytest.mark.parametrize(("target", "size"), [("96x48", (96, 72)), ("64x72", (96, 72)), ("72x48", (72, 54))])
def test_a_crop_shows_the_middle(target: str, size: tuple[int, int], layout: ChromaLayout) -> None:
    frame = noise_frame(32, 24, 8, layout)
    made = engine_for(frame, target, Fit.CROP).process(frame)
    whole = resample_frame(frame, *size, KERNELS["bicubic"], layout, frame.siting)
    left, top = ((size[0] - made.width_px) // 2) & ~1, ((size[1] - made.height_px) // 2 + 1) & ~1
    for index, (part, plane) in enumerate(zip(made.planes, whole.planes, strict=True)):
        x, y = (left // layout.step_x, top // layout.step_y) if index else (left, top)
        assert np.array_equal(part, plane[y : y + part.shape[0], x : x + part.shape[1]])


def test_a_stretch_fills_everything() -> None:
    made = engine_for(flat_frame(32, 24, (90, 60, 200)), "96x48", Fit.STRETCH)
    frame = made.process(flat_frame(32, 24, (90, 60, 200)))
    assert all(np.all(plane == code) for plane, code in zip(frame.planes, (90, 60, 200), strict=True))


# -- notes ------------------------------------------------------------------------------------------------------------


def test_a_source_of_the_target_size_passes_unchanged_and_the_notes_say_so(net: Enlarger) -> None:
    frame = noise_frame(64, 48)
    engine = engine_for(frame, "64x48", nets=only(net))
    assert engine.notes == ("The source is 64x48 already: its picture passes unchanged.",)
    assert same_picture(engine.process(frame), frame)


def test_a_source_larger_than_the_target_is_scaled_down_and_the_notes_say_so(net: Enlarger) -> None:
    engine = engine_for(noise_frame(64, 48), "32x24", nets=only(net))
    assert engine.notes == ("The source (64x48) is larger than its target: scaled down to 32x24.",)


def test_the_notes_say_when_there_is_no_net(net: Enlarger) -> None:
    assert engine_for(noise_frame(64, 48), "x2").notes == ("No net was used: the picture is resampled only.",)
    assert engine_for(noise_frame(64, 48), "x2", nets=only(net)).notes == ()


# -- streams ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fit",
    [
        Fit.LETTERBOX,
        Fit.CROP,
        Fit.STRETCH,
        Fit.INSIDE,
    ],
)
@pytest.mark.parametrize("target", ["x2", "160x90"])
@pytest.mark.parametrize("size", [(48, 48), (80, 30), (200, 100), (33, 61)])
def test_a_stream_that_changes_size_keeps_its_canvas(
    size: tuple[int, int], target: str, fit: Fit, net: Enlarger
) -> None:
    engine = engine_for(noise_frame(64, 48), target, fit, nets=only(net))
    before = engine.process(noise_frame(64, 48))
    later = engine.process(noise_frame(*size))
    assert [p.shape for p in later.planes] == [p.shape for p in before.planes]
    assert later.planes[0].shape == (engine.output.height_px, engine.output.width_px)
    assert same_picture(engine.process(noise_frame(64, 48)), before)


def test_a_change_of_pixel_shape_alone_is_seen() -> None:
    engine = engine_for(flat_frame(64, 48, (90, 128, 128)), "x2")
    wide = engine.process(flat_frame(64, 48, (90, 128, 128), sar=Fraction(2)))
    assert wide.planes[0].shape == (96, 128)
    assert wide.planes[0][:, 64].tolist() == [16] * 24 + [90] * 48 + [16] * 24


def test_everything_a_frame_carries_arrives(net: Enlarger) -> None:
    color = ColorSpace(Matrix.BT2020_NCL, Range.LIMITED, 9, 16)
    frame = noise_frame(
        40, 30, 10, color=color, pts=90017, time_base=Fraction(1, 90000), stamps={"capture": 5}, sar=Fraction(4, 3)
    )
    engine = engine_for(frame, "160x96", nets=only(net))
    made = engine.process(frame)
    assert (made.pts, made.time_base, made.color, made.bit_depth) == (90017, Fraction(1, 90000), color, 10)
    assert made.stamps["capture"] == 5
    assert made.sar == 1
    told = engine.output
    assert (told.bit_depth, told.color, told.time_base, told.sar) == (10, color, frame.time_base, 1)


@pytest.mark.parametrize(("height", "matrix"), [(30, Matrix.SMPTE170M), (720, Matrix.BT709)])
def test_an_untagged_matrix_is_settled_by_the_source_before_it_grows(height: int, matrix: Matrix) -> None:
    frame = flat_frame(16, height, (90, 128, 128), color=ColorSpace(primaries=9))
    engine = engine_for(frame, "1080p")
    assert engine.output.color == engine.process(frame).color == engine.base_of(frame).color
    assert engine.output.color == ColorSpace(matrix, Range.LIMITED, primaries=9)
    assert f"{matrix.name}, usual at its size, was assumed" in engine.notes[-1]


@pytest.mark.parametrize("target", ["x2", "x3", "40x30", "20x16", "160x90"])
@pytest.mark.parametrize(("bits", "layout"), [(8, L420), (10, L420), (10, L422), (8, L444)])
def test_a_read_only_frame_is_left_as_it_is(target: str, bits: int, layout: ChromaLayout, net: Enlarger) -> None:
    frame = noise_frame(40, 30, bits, layout)
    assert not any(plane.flags.writeable for plane in frame.planes)
    kept = [plane.copy() for plane in frame.planes]
    engine = engine_for(frame, target, nets=only(net))
    engine.process(frame)
    engine.base_of(frame)
    assert all(np.array_equal(a, b) for a, b in zip(frame.planes, kept, strict=True))


def test_frames_do_not_depend_on_the_frames_before(net: Enlarger) -> None:
    first, second = noise_frame(40, 30, seed=1), noise_frame(40, 30, seed=2)
    engine = engine_for(first, "x2", nets=only(net))
    alone = engine_for(first, "x2", nets=only(net)).process(second)
    kept = [plane.copy() for plane in engine.process(first).planes]
    again = engine.process(first)
    assert same_picture(engine.process(second), alone)
    assert all(np.array_equal(a, b) for a, b in zip(again.planes, kept, strict=True))


def test_the_engine_knows_where_its_time_went(net: Enlarger) -> None:
    ticks = iter(range(1000))
    engine = engine_for(noise_frame(40, 30), "160x90", nets=only(net), stages=Stages(lambda: next(ticks)))
    engine.process(noise_frame(40, 30))
    assert set(engine.stages.total_ns) == {"base", "gather", "analyse", "infer", "guard", "scatter"}
    assert all(spent > 0 for spent in engine.stages.total_ns.values())


def test_an_engine_can_be_closed_twice(net: Enlarger) -> None:
    for engine in (engine_for(noise_frame(40, 30), "x2", nets=only(net)), engine_for(noise_frame(40, 30), "x2")):
        engine.close()
        engine.close()


# -- the shipped model ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("luma", [16, 60, 126, 200, 235])
@pytest.mark.parametrize("bits", [8, 10])
def test_flat_grey_stays_flat_grey(luma: int, bits: int, shipped_model: Model) -> None:
    unit = 1 << (bits - 8)
    frame = flat_frame(80, 64, (luma * unit, 128 * unit, 128 * unit), bits)
    net = Enlarger(shipped_model.manifest, choose(shipped_model).backend)
    made = engine_for(frame, "x2", nets=only(net)).process(frame)
    for plane, code in zip(made.planes, (luma, 128, 128), strict=True):
        assert np.abs(plane.astype(int) - code * unit).max() <= 2 * unit


def test_the_shipped_model_is_closer_to_the_truth_than_its_base(shipped_model: Model) -> None:
    """A drawn picture, shrunk as the papers shrink: the net must win where resampling blurs."""
    rows, columns = np.indices((192, 192)).astype(np.float64)
    rings = 126 + 90 * np.sign(np.sin(np.hypot(rows - 30, columns - 50) / 7) + 0.3 * np.sin(columns / 23))
    truth = np.clip(np.rint(rings), 16, 235).astype(np.uint8)
    chroma = np.full((96, 96), 128, np.uint8)
    true = Frame((truth, chroma, chroma), 8, L420, BT709_LIMITED, default_siting(L420))
    small = resample_frame(true, 96, 96, KERNELS["bicubic"], L420, true.siting)
    net = Enlarger(shipped_model.manifest, choose(shipped_model).backend)
    engine = engine_for(small, "x2", nets=only(net))

    def error(frame: Frame) -> float:
        return float(np.square(frame.planes[0].astype(float) - truth).mean())

    assert error(engine.process(small)) < 0.8 * error(engine.base_of(small))
