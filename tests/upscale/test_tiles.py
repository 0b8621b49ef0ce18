"""Tiles: every block once, nothing lost between cutting and putting back, and no seams whatever the shape."""

from __future__ import annotations

import msgspec
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from upscale_frames import L420, L422, L444, enlarged, noise_frame, same_picture

from edge_vsr.errors import BackendError
from edge_vsr.frame import ChromaLayout, Frame
from edge_vsr.models.store import Model
from edge_vsr.upscale import tiles
from edge_vsr.upscale.analyse.condition import Condition
from edge_vsr.upscale.backends.backend import Backend
from edge_vsr.upscale.backends.ort import OrtBackend
from edge_vsr.upscale.backends.reference import ReferenceBackend
from edge_vsr.upscale.enlarge import Enlarger
from edge_vsr.upscale.resample import KERNELS, resample_frame

CORES = st.tuples(st.integers(1, 70), st.integers(1, 100))
SCALES = (1, 2, 3, 4)
SEEN = Condition(41, 87)


@given(st.tuples(st.integers(1, 120), st.integers(1, 250)), CORES)
@settings(max_examples=50)
def test_kept_parts_cover_every_block_exactly_once(blocks: tuple[int, int], core: tuple[int, int]) -> None:
    covered = np.zeros(blocks, int)
    for tile in tiles.grid(blocks, core):
        assert tile.top >= 0
        assert tile.left >= 0
        assert tile.top + core[0] <= max(blocks[0], core[0])
        assert tile.left + core[1] <= max(blocks[1], core[1])
        rows = slice(tile.top + tile.keep_top, tile.top + core[0])
        columns = slice(tile.left + tile.keep_left, tile.left + core[1])
        covered[rows, columns] += 1
    assert np.all(covered == 1)


@given(st.integers(1, 9000), st.integers(1, 9000))
def test_blocks_cover_odd_pictures(width: int, height: int) -> None:
    rows, columns = tiles.blocks_of(width, height)
    assert 2 * rows - 1 <= height <= 2 * rows
    assert 2 * columns - 1 <= width <= 2 * columns


def phases(plane: npt.NDArray[np.int64], side: int) -> npt.NDArray[np.int64]:
    """(H, W) to (side^2, H / side, W / side), phases row by row: written out, not reshaped."""
    return np.stack([plane[dy::side, dx::side] for dy in range(side) for dx in range(side)])


@given(st.integers(1, 40), st.integers(1, 40), st.tuples(st.integers(1, 9), st.integers(1, 9)), st.integers(0, 5))
@settings(max_examples=60)
def test_gathered_cores_are_the_picture(width: int, height: int, core: tuple[int, int], halo: int) -> None:
    y, u, v = noise_frame(width, height).planes
    packed = tiles.pack((y, u, v), halo, core)  # type: ignore[arg-type]
    rows, columns = tiles.blocks_of(width, height)
    for tile in tiles.grid((rows, columns), core):
        (seen,) = tiles.gather(packed, [tile], SEEN, halo, core)
        assert seen.shape == (8, core[0] + 2 * halo, core[1] + 2 * halo)
        assert np.all(seen[6] == SEEN.noise)
        assert np.all(seen[7] == SEEN.coding)
        for r in range(min(core[0], rows - tile.top)):
            for c in range(min(core[1], columns - tile.left)):
                block, at = (tile.top + r, tile.left + c), (halo + r, halo + c)
                for phase in range(4):
                    py, px = 2 * block[0] + phase // 2, 2 * block[1] + phase % 2
                    if py < height and px < width:
                        assert seen[phase][at] == y[py, px]
                assert seen[4][at] == u[block]
                assert seen[5][at] == v[block]


def test_beyond_the_edge_the_picture_is_mirrored() -> None:
    y = np.arange(64, dtype=np.uint8).reshape(8, 8)
    u = np.arange(16, dtype=np.uint8).reshape(4, 4)
    packed = tiles.pack((y, u, u + 100), 2, (4, 4))
    assert packed.shape == (6, 8, 8)
    assert packed[0, 2].tolist()[:4] == [4, 2, 0, 2]  # luma column -4, -2, 0, 2: mirrored about column 0
    assert packed[1, 2].tolist()[:4] == [3, 1, 1, 3]
    assert packed[4, 2].tolist() == [2, 1, 0, 1, 2, 3, 2, 1]
    assert packed[5, :, 2].tolist() == [108, 104, 100, 104, 108, 112, 108, 104]


@given(
    st.integers(1, 40),
    st.integers(1, 40),
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    st.sampled_from([8, 10]),
    st.sampled_from([1, 2, 3, 4]),
    st.integers(0, 99),
)
@settings(max_examples=60)
def test_a_residual_that_is_what_the_base_lacks_gives_the_truth(
    width: int, height: int, core: tuple[int, int], bits: int, factor: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    unit, peak = 1 << (bits - 8), (1 << bits) - 1
    rows, columns = tiles.blocks_of(width, height)
    dtype = np.uint8 if bits == 8 else np.uint16
    sides = (2 * factor, factor, factor)
    sizes = [(height * factor, width * factor), *[(-(-height * factor // 2), -(-width * factor // 2))] * 2]
    base, truth, residual = [], [], []
    for side, size in zip(sides, sizes, strict=True):
        lacking = rng.integers(-128, 128, (rows * side, columns * side))
        plane = rng.integers(0, peak + 1, size).astype(dtype)
        base.append(plane)
        truth.append(np.clip(plane + unit * lacking[: size[0], : size[1]], 0, peak).astype(dtype))
        residual.append(phases(lacking, side))
    whole = (np.concatenate(residual) + 128).astype(np.uint8)
    planes = (base[0], base[1], base[2])
    for tile in tiles.grid((rows, columns), core):
        at = (tile.top + tile.keep_top, tile.left + tile.keep_left)
        part = whole[:, at[0] : tile.top + core[0], at[1] : tile.left + core[1]]
        tiles.scatter(part, at, planes, tiles.Scale(1.0, 128, unit, peak), factor, chroma=True)
    assert all(np.array_equal(got, want) for got, want in zip(planes, truth, strict=True))


@pytest.mark.parametrize(("bits", "code", "expected"), [(8, 100, 100 + 9), (10, 400, 400 + 36), (10, 1000, 1023)])
def test_a_step_is_worth_its_code_values(bits: int, code: int, expected: int) -> None:
    dtype = np.uint8 if bits == 8 else np.uint16
    base = tuple(np.full(shape, code, dtype) for shape in ((4, 4), (2, 2), (2, 2)))
    scale = tiles.Scale(0.75, 128, 1 << (bits - 8), (1 << bits) - 1)
    residual = np.full((24, 1, 1), 140, np.uint8)
    tiles.scatter(residual, (0, 0), base, scale, 2, chroma=False)  # type: ignore[arg-type]
    assert np.all(base[0] == expected)
    assert np.all(base[1] == code)
    assert np.all(base[2] == code)


def test_a_float_residual_is_rounded_once() -> None:
    base = tuple(np.full(shape, 10, np.uint8) for shape in ((4, 4), (2, 2), (2, 2)))
    residual = np.full((24, 1, 1), -2.7, np.float32)
    tiles.scatter(residual, (0, 0), base, tiles.Scale(1.0, 0, 1, 255), 2, chroma=True)  # type: ignore[arg-type]
    assert all(np.all(plane == 7) for plane in base)


# -- no seams ---------------------------------------------------------------------------------------------------------


def tiled_by(model: Model, backend: Backend, frame: Frame, core: tuple[int, int]) -> Frame:
    return enlarged(Enlarger(model.manifest, backend, core), frame)


def one_tile(frame: Frame) -> tuple[int, int]:
    return tiles.blocks_of(frame.width_px, frame.height_px)


# (width, height, core): remainders of one pixel and one block, cores larger than the picture, a picture of one block.
AWKWARD = [
    (8, 8, (3, 3)),
    (8, 8, (60, 96)),
    (9, 7, (2, 4)),
    (9, 7, (5, 6)),
    (1, 1, (2, 2)),
    (2, 2, (1, 1)),
    (3, 50, (7, 2)),
    (34, 18, (8, 16)),
    (33, 17, (8, 16)),
    (31, 15, (8, 16)),
    (32, 16, (8, 16)),
    (30, 14, (8, 16)),
    (47, 31, (8, 8)),
]


@pytest.mark.parametrize(("width", "height", "core"), AWKWARD)
@pytest.mark.parametrize("bits", [8, 10])
@pytest.mark.parametrize("layout", ChromaLayout)
@pytest.mark.parametrize("scale", SCALES)
def test_tiles_make_the_picture_that_one_tile_makes(
    width: int,
    height: int,
    core: tuple[int, int],
    bits: int,
    layout: ChromaLayout,
    scale: int,
    integer_models: dict[int, Model],
) -> None:
    model = integer_models[scale]
    frame, backend = noise_frame(width, height, bits, layout), ReferenceBackend(model)
    whole = tiled_by(model, backend, frame, one_tile(frame))
    tiled = tiled_by(model, backend, frame, core)
    assert (whole.width_px, whole.height_px, whole.layout) == (scale * width, scale * height, layout)
    assert whole.planes[1].shape == whole.planes[2].shape == layout.plane_size(scale * width, scale * height)[::-1]
    assert same_picture(tiled, whole)
    base = resample_frame(frame, scale * width, scale * height, KERNELS["bicubic"], layout, frame.siting)
    assert not np.array_equal(whole.planes[0], base.planes[0])  # or nothing was tested
    assert all(int(plane.max()) < 1 << bits for plane in tiled.planes)


@pytest.mark.parametrize("bits", [8, 10])
@pytest.mark.parametrize("scale", SCALES)
def test_a_strip_as_wide_as_8k_has_no_seams_in_tiles_of_the_real_size(
    bits: int, scale: int, integer_models: dict[int, Model]
) -> None:
    model = integer_models[scale]
    frame, backend = noise_frame(7680, 16, bits), ReferenceBackend(model)
    whole = tiled_by(model, backend, frame, one_tile(frame))
    assert same_picture(tiled_by(model, backend, frame, (8, 96)), whole)


@pytest.mark.parametrize("layout", [L422, L444])
@pytest.mark.parametrize("scale", SCALES)
def test_only_shared_chroma_takes_the_nets_chroma(
    layout: ChromaLayout, scale: int, integer_models: dict[int, Model]
) -> None:
    frame, model = noise_frame(41, 23, 10, layout), integer_models[scale]
    made = tiled_by(model, ReferenceBackend(model), frame, (10, 20))
    base = resample_frame(frame, 41 * scale, 23 * scale, KERNELS["bicubic"], layout, frame.siting)
    assert not np.array_equal(made.planes[0], base.planes[0])
    assert np.array_equal(made.planes[1], base.planes[1])
    assert np.array_equal(made.planes[2], base.planes[2])


@pytest.mark.parametrize("scale", SCALES)
def test_shared_chroma_takes_the_nets_chroma(scale: int, integer_models: dict[int, Model]) -> None:
    frame, model = noise_frame(41, 23), integer_models[scale]
    made = tiled_by(model, ReferenceBackend(model), frame, (10, 20))
    base = resample_frame(frame, 41 * scale, 23 * scale, KERNELS["bicubic"], L420, frame.siting)
    assert not any(np.array_equal(a, b) for a, b in zip(made.planes, base.planes, strict=True))


@pytest.mark.parametrize(
    ("width", "height", "core"),
    [(8, 8, (60, 96)), (9, 7, (2, 4)), (243, 125, (60, 96)), (386, 242, (60, 96)), (7680, 16, (60, 96))],
)
@pytest.mark.parametrize(("bits", "layout"), [(8, L420), (10, L422)])
@pytest.mark.parametrize("kind", ["asym", "sym", "float"])
def test_onnxruntime_makes_no_seams(
    width: int, height: int, core: tuple[int, int], bits: int, layout: ChromaLayout, kind: str, factory_model: Model
) -> None:
    frame, backend = noise_frame(width, height, bits, layout), OrtBackend(factory_model, "cpu", kind=kind)
    whole = tiled_by(factory_model, backend, frame, one_tile(frame))
    tiled = tiled_by(factory_model, backend, frame, core)
    if kind == "float":  # sums run in another order: a tie may fall to the other side
        gap = max(int(np.abs(a.astype(int) - b).max()) for a, b in zip(tiled.planes, whole.planes, strict=True))
        assert gap <= 1
    else:
        assert same_picture(tiled, whole)


@pytest.mark.parametrize("kind", ["asym", "sym"])
@pytest.mark.parametrize(("width", "height"), [(9, 7), (243, 125)])
def test_the_shipped_model_makes_no_seams(width: int, height: int, kind: str, shipped_model: Model) -> None:
    frame, backend = noise_frame(width, height), OrtBackend(shipped_model, "cpu", kind=kind)
    whole = tiled_by(shipped_model, backend, frame, one_tile(frame))
    assert same_picture(tiled_by(shipped_model, backend, frame, tiles.CORE), whole)


class Witness:
    """A backend that remembers what it was shown, and has nothing to add."""

    name, step, zero = "witness", 0.75, 128

    def __init__(self, scale: int = 2) -> None:
        self.seen: list[npt.NDArray[np.uint8]] = []
        self._channels = 6 * scale**2

    def run(self, picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        self.seen.append(picture.copy())
        return np.full((len(picture), self._channels, picture.shape[2] - 6, picture.shape[3] - 6), 128, np.uint8)

    def close(self) -> None:
        pass


@pytest.mark.parametrize("layout", ChromaLayout)
def test_the_net_sees_any_frame_as_8_bit_420(layout: ChromaLayout, integer_model: Model) -> None:
    eight = noise_frame(40, 24)
    deeper = eight.with_(planes=tuple(p.astype(np.uint16) * 4 + 1 for p in eight.planes), bit_depth=10)
    if layout is not L420:
        deeper = resample_frame(deeper, 40, 24, KERNELS["bicubic"], layout, deeper.siting)
        halved = resample_frame(deeper, 40, 24, KERNELS["bicubic"], L420, eight.siting)
        eight = eight.with_(planes=tuple(np.rint(p / 4).clip(0, 255).astype(np.uint8) for p in halved.planes))
    shown, expected = Witness(), Witness()
    made = tiled_by(integer_model, shown, deeper, (12, 20))
    tiled_by(integer_model, expected, eight, (12, 20))
    assert all(np.array_equal(a, b) for a, b in zip(shown.seen, expected.seen, strict=True))
    base = resample_frame(deeper, 80, 48, KERNELS["bicubic"], layout, deeper.siting)
    assert same_picture(made, base)  # a residual of nothing changes nothing


@pytest.mark.parametrize(("width", "height"), [(40, 24), (33, 17)])
@pytest.mark.parametrize(("bits", "layout"), [(8, L420), (10, L420), (10, L422), (8, L444)])
@pytest.mark.parametrize("scale", SCALES)
def test_a_residual_of_nothing_gives_the_base(
    width: int, height: int, bits: int, layout: ChromaLayout, scale: int, integer_models: dict[int, Model]
) -> None:
    frame = noise_frame(width, height, bits, layout)
    made = tiled_by(integer_models[scale], Witness(scale), frame, (8, 8))
    base = resample_frame(frame, width * scale, height * scale, KERNELS["bicubic"], layout, frame.siting)
    assert same_picture(made, base)
    assert scale != 1 or same_picture(made, frame)  # at x1 nothing is resampled


@pytest.mark.parametrize(
    ("source", "told"), [("any", (False, True)), ("clean", (False, False)), ("coded", (True, True))]
)
def test_a_net_is_told_of_no_source_that_it_was_not_made_for(
    source: str, told: tuple[bool, bool], integer_model: Model
) -> None:
    manifest = msgspec.structs.replace(integer_model.manifest, source=source)
    for coded, heard in zip((False, True), told, strict=True):
        shown = Witness()
        enlarged(Enlarger(manifest, shown, (8, 8)), noise_frame(40, 24), coded=coded)
        assert all(bool((batch[:, 7] > 0).all()) == heard for batch in shown.seen)


@pytest.mark.parametrize("frame", [noise_frame(40, 24), noise_frame(40, 24, 10, L444)], ids=["8 bit", "10 bit"])
@pytest.mark.parametrize("scale", SCALES)
def test_enlarging_leaves_its_input_alone(frame: Frame, scale: int, integer_models: dict[int, Model]) -> None:
    model = integer_models[scale]
    before = [plane.copy() for plane in frame.planes]
    assert not any(plane.flags.writeable for plane in frame.planes)
    first = tiled_by(model, ReferenceBackend(model), frame, (8, 8))
    kept = [plane.copy() for plane in first.planes]
    tiled_by(model, ReferenceBackend(model), noise_frame(40, 24, seed=9), (8, 8))
    assert all(np.array_equal(a, b) for a, b in zip(frame.planes, before, strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(first.planes, kept, strict=True))  # nor is a result reused


def test_a_backend_of_the_wrong_shape_is_an_error_not_a_picture(integer_model: Model) -> None:
    manifest = msgspec.structs.replace(integer_model.manifest, channels=(8, 54))
    with pytest.raises(BackendError, match="shape"):
        enlarged(Enlarger(manifest, ReferenceBackend(integer_model), (8, 8)), noise_frame(16, 16))


@pytest.mark.parametrize("halo", [2, 4])
def test_a_halo_that_is_not_the_nets_is_an_error_not_a_picture(halo: int, integer_model: Model) -> None:
    manifest = msgspec.structs.replace(integer_model.manifest, halo=halo)
    with pytest.raises(BackendError, match="shape"):
        enlarged(Enlarger(manifest, ReferenceBackend(integer_model), (8, 8)), noise_frame(16, 16))
