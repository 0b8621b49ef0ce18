"""True pictures: what moves keeps its pixels, shutters skew, walls and clips are cut as said, drawn pages are sharp."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest
from factory_pictures import drawn_photo

from edge_vsr.bench.metrics import psnr
from edge_vsr.factory import shots, synthetic
from edge_vsr.factory.dataset import HR

Rgb = npt.NDArray[np.uint8]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six frames of a pan, a little larger than a sample and not a multiple of 4."""
    path = tmp_path_factory.mktemp("clips") / "pan.mp4"
    write_pan(path, HR + 14)
    return path


def write_pan(path: Path, side: int) -> None:
    wall = drawn_photo(side + 46, side, 5)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(25), options={"preset": "ultrafast", "crf": "4"})
        stream.width, stream.height, stream.pix_fmt = side, side, "yuv420p"
        for t in range(6):
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(wall[:, 3 * t : 3 * t + side]), format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))


def test_only_usable_photos_are_cut(photos: Path) -> None:
    cut = shots.read_photos(photos, HR)
    assert len(cut) == 6
    assert all(photo.shape == (HR, HR, 3) and photo.dtype == np.uint8 for photo in cut)
    assert np.array_equal(cut[0], drawn_photo(2 * HR + 5, HR + 3, 0)[:HR, :HR])


def test_turns_are_the_eight_of_a_square() -> None:
    photo = np.arange(4 * 4 * 3, dtype=np.uint8).reshape(4, 4, 3)
    seen = {shots.turned(photo, np.random.default_rng(seed)).tobytes() for seed in range(80)}
    assert len(seen) == 8


def test_whole_pixels_are_moved_and_edges_mirrored() -> None:
    photo = drawn_photo(40, 32, 1)
    moved = shots.shifted(photo, 3.0, -2.0)
    assert np.array_equal(moved[:-2, 3:], photo[2:, :-3])
    assert np.array_equal(moved[:-2, :3], photo[2:, 2::-1])
    assert np.array_equal(shots.shifted(photo, 0.0, 0.0), photo)


def test_half_pixels_come_and_go_without_much_loss() -> None:
    photo = drawn_photo(96, 96, 1)
    back = shots.shifted(shots.shifted(photo, 0.5, 0.25), -0.5, -0.25)
    assert psnr(back[8:-8, 8:-8], photo[8:-8, 8:-8]) > 36


@pytest.mark.parametrize("skew", [4.0, -6.5])
def test_a_rolling_shutter_shifts_rows_the_further_the_later_they_are_read(skew: float) -> None:
    x = np.arange(120.0)
    ramp = np.repeat(np.repeat((2 * x)[None, :, None], 61, 0), 3, 2).astype(np.uint8)
    skewed = shots.shifted(ramp, 0.0, 0.0, (skew, 0.0)).astype(float)
    shift = -(skewed - ramp)[:, 20:100, 0].mean(axis=1) / 2
    assert shift == pytest.approx(skew * (np.arange(61) / 60 - 0.5), abs=0.3)


def test_a_pan_moves_every_photo_by_its_own_drift(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shots, "CAPTIONED", 0.0)
    photos = [drawn_photo(96, 96, seed) for seed in range(5)]
    for seed in range(8):
        shot = shots.panned_shot(photos, 2, 0.0, np.random.default_rng(seed))
        assert [frame.shape for frame in shot.frames] == [(192, 192, 3)] * shots.FRAMES
        assert (shot.drift_px.shape, shot.grid_px) == ((2, 2, 2), 96)
        assert np.abs(shot.drift_px).max() <= shots.FASTEST_PX
        first, second = shot.frames[2:4]
        for j, i in np.ndindex(2, 2):
            cell = np.s_[96 * j + 20 : 96 * j + 76, 96 * i + 20 : 96 * i + 76]
            dx, dy = shot.drift_px[j, i]
            whole = shots.shifted(first[96 * j : 96 * j + 96, 96 * i : 96 * i + 96], dx, dy)[20:76, 20:76]
            assert psnr(whole, second[cell]) > 29


def test_three_photos_are_enough() -> None:
    photos = [drawn_photo(96, 96, seed) for seed in range(3)]
    assert shots.panned_shot(photos, 2, 0.5, np.random.default_rng(0)).frames[0].shape == (192, 192, 3)


def test_a_clip_gives_consecutive_frames_cut_to_a_multiple(clip: Path) -> None:
    shot = shots.clip_shot(clip, np.random.default_rng(0), 12, frames=4)
    assert [frame.shape for frame in shot.frames] == [(HR + 12, HR + 12, 3)] * 4
    assert shot.grid_px == 12
    assert not shot.drift_px.any()
    for a, b in pairwise(shot.frames):
        assert psnr(b[:, :-3], a[:, 3:]) > psnr(b, a) + 3


def test_a_clip_shorter_than_a_shot_gives_what_it_has(clip: Path) -> None:
    assert len(shots.clip_shot(clip, np.random.default_rng(0), 4, frames=20).frames) == 6


def test_clips_that_are_too_small_are_left(clip: Path, tmp_path: Path) -> None:
    write_pan(tmp_path / "small.mp4", HR - 20)
    (tmp_path / "large.mp4").write_bytes(clip.read_bytes())
    assert shots.clips_of(tmp_path, HR) == [tmp_path / "large.mp4"]


def test_shots_come_from_photos_clips_and_the_drawing_board(clip: Path) -> None:
    photos = [drawn_photo(96, 96, seed) for seed in range(4)]
    kinds = [shots.draw_shot(photos, [clip], 96, 2, 0.5, np.random.default_rng(seed)).grid_px for seed in range(12)]
    assert set(kinds) == {4, 96}


def test_drawn_shots_rest_or_move_by_whole_pixels() -> None:
    shot = shots.drawn_shot(96, 2, np.random.default_rng(1))
    assert shot.frames[0].shape == (192, 192, 3)
    assert np.array_equal(shot.drift_px, np.rint(shot.drift_px))
    first, second = shot.frames[3:5]
    for i in range(2):
        dx, dy = shot.drift_px[0, i]
        a, b = first[:96, 96 * i : 96 * i + 96], second[:96, 96 * i : 96 * i + 96]
        assert np.array_equal(shots.shifted(a, dx, dy)[12:-12, 12:-12], b[12:-12, 12:-12])
    assert (first[96:] == second[96:]).mean() > 0.3  # the page rests
    assert not np.array_equal(first[96:], second[96:])  # but for ticker and arrow


@pytest.mark.parametrize("draw", [synthetic.text_page, synthetic.line_art, synthetic.screen])
def test_drawn_pages_are_drawn_sharp_and_antialiased(draw: Callable[[int, float, np.random.Generator], Rgb]) -> None:
    pages = [draw(96, 1.0, np.random.default_rng(seed)) for seed in range(6)]
    assert all(page.shape == (96, 96, 3) and page.dtype == np.uint8 for page in pages)
    assert len({page.tobytes() for page in pages}) == 6
    steps = [np.abs(np.diff(page.astype(int), axis=1)).max() for page in pages]
    assert np.median(steps) > 60  # hard edges
    assert np.median([len(np.unique(page.reshape(-1, 3), axis=0)) for page in pages]) > 12  # and shades between
    again = draw(96, 1.0, np.random.default_rng(0))
    assert np.array_equal(again, pages[0])


def test_ink_stands_out_from_paper_both_ways() -> None:
    rng = np.random.default_rng(0)
    pairs = np.array([synthetic.ink_and_paper(rng) for _ in range(200)]) @ [0.299, 0.587, 0.114]
    contrast = pairs[:, 0] - pairs[:, 1]
    assert np.abs(contrast).min() >= 70
    assert 0.3 < (contrast > 0).mean() < 0.7


def test_boxes_of_a_screen_lie_on_whole_pixels() -> None:
    fine = np.zeros((80, 80, 3), np.uint8)
    synthetic._box(fine, 3, 5, 8, 6, (200.0,) * 3, (100.0,) * 3)
    kept = synthetic._averaged(fine)[..., 0]
    assert set(np.unique(kept)) == {0, 100, 200}
    assert np.argwhere(kept == 100)[0].tolist() == [5, 3]
    assert (kept == 200).sum() == 6 * 4


def test_captions_rest_on_what_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shots, "CAPTIONED", 1.0)
    grey = [np.full((96, 96, 3), 128, np.uint8)] * 4
    written = shots.panned_shot(grey, 2, 0.5, np.random.default_rng(0)).frames
    assert len(np.unique(written[0])) > 10
    assert all(np.array_equal(frame, written[0]) for frame in written)
    opacity, color = synthetic.caption(96, 2, np.random.default_rng(2))
    assert (opacity.shape, opacity.dtype) == ((96, 96, 1), np.float32)
    assert (opacity.min(), opacity.max()) == (0.0, 1.0)
    assert 0 < opacity.mean() < 0.6
    assert len(color) == 3


def test_an_arrow_points_at_its_place() -> None:
    pointed = synthetic.with_cursor(np.full((40, 40, 3), 128, np.uint8), 10.0, 12.0, 19.0)
    touched = np.argwhere((pointed != 128).any(axis=-1))
    assert np.abs(touched.min(axis=0) - [12, 10]).max() <= 1
    assert pointed.max() == 255
    assert pointed.min() == 0
