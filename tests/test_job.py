"""A file job from end to end: times, sound, tags, refusals."""

from __future__ import annotations

import fcntl
import functools
import http.server
import itertools
import os
import threading
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from job_clips import make_clip, packets, times

from edge_vsr.errors import Interrupted, SinkError, UsageError
from edge_vsr.job import JobReport, JobSpec, Progress, run
from edge_vsr.jobs.journal import work_directory
from edge_vsr.upscale.geometry import parse_target


def job(source: Path | str, output: Path, *, target: str = "x1", stop: Any = lambda: False, **fields: Any) -> JobReport:
    spec = JobSpec(str(source), output, parse_target(target), model="none", **fields)
    report = run(spec, lambda progress: None, stop)
    assert not work_directory(output).exists()
    return report


VFR = [0, 40, 95, 100, 180, 333, 334, 500, 720, 1000]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov"])
@pytest.mark.parametrize(
    "clip",
    [
        {},
        {"b_frames": True},
        {"pts": VFR, "time_base": Fraction(1, 1000)},
        {"pts": [p + 1400 for p in VFR], "time_base": Fraction(1, 1000)},
        {"pts": [p * 1001 + 5005 for p in range(12)], "time_base": Fraction(1, 24000), "b_frames": True},
    ],
    ids=["cfr", "b-frames", "vfr", "vfr-offset", "ntsc-offset"],
)
def test_every_frame_keeps_its_time(tmp_path: Path, suffix: str, clip: dict[str, Any]) -> None:
    source = make_clip(tmp_path / "in.mp4", **clip)
    report = job(source, tmp_path / f"out{suffix}", target="x2")
    want, got = times(source), times(report.output)
    if suffix == ".mkv":
        want = [Fraction(round(t * 1000), 1000) for t in want]
    assert got == want
    assert report.frames == len(want)
    assert report.size_px == (128, 96)


@pytest.mark.parametrize("encoder", ["x264", "x265", "svtav1", "ffv1"])
def test_every_encoder_in_mkv(tmp_path: Path, encoder: str) -> None:
    source = make_clip(tmp_path / "in.mkv", frames=12)
    report = job(source, tmp_path / "out.mkv", encoder=encoder)
    assert times(report.output) == times(source)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize("codec", ["aac", "libmp3lame", "libopus", "ac3", "flac"])
def test_sound_is_copied_bit_by_bit(tmp_path: Path, codec: str, suffix: str) -> None:
    source = make_clip(tmp_path / "in.mkv", audio=codec, audio_offset_s=Fraction(1, 10))
    report = job(source, tmp_path / f"out{suffix}")
    before, after = packets(source, "audio"), packets(report.output, "audio")
    assert [data for _, data in after] == [data for _, data in before]
    assert [t for t, _ in after] == pytest.approx([t for t, _ in before], abs=0.0015)
    with av.open(str(report.output)) as film:
        assert film.streams.audio[0].language == "fra"


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_transport_streams_lose_only_their_adts_headers(tmp_path: Path, suffix: str) -> None:
    source = make_clip(tmp_path / "in.ts", audio="aac", b_frames=True)
    report = job(source, tmp_path / f"out{suffix}")
    assert times(report.output) == pytest.approx(times(source), abs=0.0006)
    assert [data for _, data in packets(report.output, "audio")] == [data[7:] for _, data in packets(source, "audio")]


def test_a_source_over_http(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "in.mp4", audio="aac")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    handler.log_message = lambda *words: None  # type: ignore[attr-defined]
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        report = job(f"http://127.0.0.1:{server.server_port}/in.mp4", tmp_path / "out.mp4")
        server.shutdown()
    assert times(report.output) == times(source)
    assert packets(report.output, "audio") == packets(source, "audio")


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_encoder_delay_does_not_move_the_pictures(tmp_path: Path, suffix: str) -> None:
    source = make_clip(tmp_path / "in.mp4", audio="aac")
    report = job(source, tmp_path / f"out{suffix}")
    assert times(report.output)[0] == 0
    assert packets(report.output, "audio")[0][0] == pytest.approx(packets(source, "audio")[0][0], abs=0.001)


def test_matroska_carries_everything(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "in.mkv", audio="aac", subtitles=True, chapters=True, attachment=True)
    report = job(source, tmp_path / "out.mkv")
    assert packets(report.output, "subtitle") == packets(source, "subtitle")
    with av.open(str(source)) as before, av.open(str(report.output)) as after:
        assert after.metadata["title"] == "A film"
        assert after.streams.video[0].metadata["title"] == "the pictures"
        assert after.streams.audio[0].metadata["title"] == "commentaire"
        assert after.streams.subtitles[0].language == "deu"
        assert [(c["start"], c["end"], c["metadata"]) for c in after.chapters()] == [
            (c["start"], c["end"], c["metadata"]) for c in before.chapters()
        ]
        fonts = [s for s in after.streams if s.type == "attachment"]
        assert [(f.name, f.data) for f in fonts] == [("font.ttf", b"not really a font")]
        assert [s.disposition for s in after.streams] == [s.disposition for s in before.streams]


def test_what_mp4_cannot_hold_is_named_with_its_remedy(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "in.mkv", subtitles=True, attachment=True, chapters=True)
    report = job(source, tmp_path / "out.mp4")
    assert (
        "Subtitle stream 1 (srt, deu) is left out: this container cannot hold it; name the output .mkv to keep it."
        in (report.notes)
    )
    assert "Attachment font.ttf is left out: only .mkv holds attachments." in report.notes
    with av.open(str(report.output)) as film:
        assert [c["metadata"]["title"] for c in film.chapters()] == ["One", "Two"]


def test_a_window_begins_at_zero_with_its_sound(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "in.mkv", frames=48, audio="aac", chapters=True)
    report = job(source, tmp_path / "out.mkv", start_s=0.5, duration_s=1.0)
    got = times(report.output)
    assert got[0] == 0
    assert len(got) == 24
    sound = packets(report.output, "audio")
    assert 0 <= sound[0][0] < 0.03
    assert sound[-1][0] < 1.0
    original = {data: t for t, data in packets(source, "audio")}
    assert all(abs(original[data] - t - 0.5) < 0.003 for t, data in sound)
    with av.open(str(report.output)) as film:
        edges = [float(c[edge] * c["time_base"]) for c in film.chapters() for edge in ("start", "end")]
        assert edges == pytest.approx([0, 0.3, 0.3, 1.0], abs=0.001)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize("encoder", ["x264", "x265", "svtav1"])
def test_colour_tags_and_depth_survive(tmp_path: Path, encoder: str, suffix: str) -> None:
    tags = {"color_primaries": 9, "color_trc": 16, "colorspace": 9, "color_range": 1}
    source = make_clip(tmp_path / "in.mkv", frames=8, pixel_format="yuv420p10le", tags=tags)
    report = job(source, tmp_path / f"out{suffix}", encoder=encoder)
    with av.open(str(report.output)) as film:
        frame = next(film.decode(video=0))
        assert (frame.color_primaries, frame.color_trc, frame.colorspace, frame.color_range) == (9, 16, 9, 1)
        assert frame.format.name == "yuv420p10le"
        assert film.streams.video[0].sample_aspect_ratio in (None, 1)


@pytest.mark.parametrize("encoder", ["x264", "x265", "svtav1"])
def test_hdr10_metadata_survives(tmp_path: Path, encoder: str) -> None:
    display = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)"
    params = f"log-level=none:master-display={display}:max-cll=1000,400"
    tags = {"color_primaries": 9, "color_trc": 16, "colorspace": 9, "color_range": 1}
    source = make_clip(
        tmp_path / "in.mkv",
        frames=8,
        codec="libx265",
        pixel_format="yuv420p10le",
        tags=tags,
        options={"x265-params": params},
    )
    report = job(source, tmp_path / "out.mkv", encoder=encoder)

    def side_data(path: Path) -> dict[str, bytes]:
        with av.open(str(path)) as film:
            frame = next(film.decode(video=0))
            names = ("MASTERING_DISPLAY_METADATA", "CONTENT_LIGHT_LEVEL")
            return {s.type.name: bytes(s) for s in frame.side_data if s.type.name in names}

    before, after = side_data(source), side_data(report.output)
    assert before.keys() == after.keys()
    assert len(before) == 2
    if encoder != "svtav1":  # AV1 counts in other fractions
        assert after == before


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv444p10le"])
def test_lossless_is_lossless(tmp_path: Path, pixel_format: str) -> None:
    source = make_clip(tmp_path / "in.mkv", frames=8, codec="ffv1", pixel_format=pixel_format)
    report = job(source, tmp_path / "out.mkv", encoder="ffv1")
    with av.open(str(source)) as before, av.open(str(report.output)) as after:
        pairs = list(zip(before.decode(video=0), after.decode(video=0), strict=True))
        assert all(a.format.name == b.format.name for a, b in pairs)
        assert all(bytes(p) == bytes(q) for a, b in pairs for p, q in zip(a.planes, b.planes, strict=True))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_picture_sequences_come_back_exactly(tmp_path: Path, dtype: type) -> None:
    rng = np.random.default_rng(3)
    originals = [rng.integers(0, 256, (48, 64, 3)).astype(dtype) * (257 if dtype is np.uint16 else 1) for _ in range(5)]
    for number, original in enumerate(originals, 1):
        cv2.imwrite(str(tmp_path / f"in{number:03d}.png"), original)
    report = job(tmp_path / "in%03d.png", tmp_path / "out%04d.png")
    assert report.frames == 5
    for number, original in enumerate(originals, 1):
        back = cv2.imread(str(tmp_path / f"out{number:04d}.png"), cv2.IMREAD_UNCHANGED)
        assert back.dtype == dtype
        worst = np.abs(back.astype(int) - original.astype(int)).max()
        assert worst <= (0 if dtype is np.uint8 else 200)  # 10 bits inside


def test_ten_bit_film_becomes_16_bit_pictures(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "in.mkv", frames=3, pixel_format="yuv420p10le")
    job(source, tmp_path / "out%02d.png")
    assert cv2.imread(str(tmp_path / "out03.png"), cv2.IMREAD_UNCHANGED).dtype == np.uint16


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif", ".bmp"])
def test_stills(tmp_path: Path, suffix: str) -> None:
    original = cv2.GaussianBlur(np.random.default_rng(1).integers(0, 256, (45, 61, 3)).astype(np.uint8), (9, 9), 3)
    cv2.imwrite(str(tmp_path / "in.png"), original)
    report = job(tmp_path / "in.png", tmp_path / f"out{suffix}", preview=tmp_path / "pair.png")
    back = cv2.imread(str(report.output), cv2.IMREAD_UNCHANGED)
    assert back.dtype == np.uint8
    worst = np.abs(back.astype(int) - original.astype(int)).max()
    assert worst <= (0 if suffix in (".png", ".tif", ".bmp") else 12)
    assert cv2.imread(str(tmp_path / "pair.png")).shape == (45, 61 * 2 + 2, 3)


def test_compare_and_preview(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "in.mkv", frames=10)
    report = job(source, tmp_path / "out.mkv", target="x2", encoder="ffv1", compare=True, preview=tmp_path / "p.png")
    with av.open(str(report.output)) as film:
        luma = next(film.decode(video=0)).to_ndarray()[:96]
    assert (luma[:, 64:66] == 235).all()
    assert cv2.imread(str(tmp_path / "p.png")).shape == (96, 2 * 128 + 2, 3)


def test_progress_counts_up_to_the_end(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "in.mkv", frames=20)
    seen: list[Progress] = []
    run(JobSpec(str(source), tmp_path / "o.mkv", parse_target("x1"), model="none"), seen.append, lambda: False)
    assert seen[-1].frames_done == 20
    assert all(a.frames_done <= b.frames_done for a, b in itertools.pairwise(seen))


# Refusals


def test_output_that_is_the_source_is_refused(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "in.mkv", frames=4)
    (tmp_path / "soft.mkv").symlink_to(source)
    (tmp_path / "hard.mkv").hardlink_to(source)
    before = source.read_bytes()
    for name in ("in.mkv", "soft.mkv", "hard.mkv", "../" + tmp_path.name + "/in.mkv"):
        with pytest.raises(UsageError, match="would overwrite the source"):
            job(source, tmp_path / name, overwrite=True)
    assert source.read_bytes() == before


def test_an_existing_file_is_replaced_only_when_told_to(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "in.mkv", frames=4)
    output = tmp_path / "out.mkv"
    output.write_bytes(b"precious")
    with pytest.raises(UsageError, match="--overwrite"):
        job(source, output)
    assert output.read_bytes() == b"precious"
    assert not work_directory(output).exists()
    job(source, output, overwrite=True)
    assert len(times(output)) == 4


def test_a_failing_job_leaves_the_old_file(tmp_path: Path) -> None:
    output = tmp_path / "out.mkv"
    output.write_bytes(b"precious")
    (tmp_path / "bad.mkv").write_bytes(b"x" * 1000)
    with pytest.raises(Exception, match="not a video"):
        job(tmp_path / "bad.mkv", output, overwrite=True)
    assert output.read_bytes() == b"precious"
    assert not work_directory(output).exists()


@pytest.mark.parametrize(
    ("name", "fields", "words"),
    [
        ("out.avi", {}, "known are .mp4"),
        ("out", {}, "unknown kind of output"),
        ("out.webm", {"encoder": "x264"}, "cannot hold x264"),
        ("out.mp4", {"encoder": "ffv1"}, "cannot hold ffv1"),
        ("out.mp4", {"encoder": "h264"}, "unknown encoder"),
        ("out.mkv", {"quality": 99}, "takes 0 "),
        ("out.mkv", {"encoder": "ffv1", "quality": 1}, "lossless"),
        ("out.png", {}, "cannot become one picture"),
        ("out.mkv", {"preview": Path("p.jpg")}, "is a .png file"),
    ],
)
def test_senseless_requests(tmp_path: Path, name: str, fields: dict[str, Any], words: str) -> None:
    source = make_clip(tmp_path / "in.mkv", frames=3)
    with pytest.raises(UsageError, match=words):
        job(source, tmp_path / name, **fields)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.mkv"]


def test_missing_directory(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "in.mkv", frames=3)
    with pytest.raises(SinkError, match="no such directory"):
        job(source, tmp_path / "nowhere" / "out.mkv")


def test_two_jobs_on_one_output(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "in.mkv", frames=3)
    output = tmp_path / "out.mkv"
    work_directory(output).mkdir()
    lock = os.open(work_directory(output) / "lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    with pytest.raises(SinkError, match="another job"):
        run(JobSpec(str(source), output, parse_target("x1"), model="none"), lambda p: None, lambda: False)
    os.close(lock)
    job(source, output)


def test_stopping_before_the_first_frame_leaves_nothing(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "in.mkv", frames=3)
    with pytest.raises(Interrupted):
        job(source, tmp_path / "out.mkv", stop=lambda: True)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.mkv"]


def test_a_link_as_output_is_followed(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "in.mp4")
    (tmp_path / "far").mkdir()
    (tmp_path / "out.mkv").symlink_to(tmp_path / "far" / "film.mkv")
    job(source, tmp_path / "out.mkv")
    assert (tmp_path / "out.mkv").is_symlink()
    assert times(tmp_path / "far" / "film.mkv")


def test_a_preview_does_not_replace_a_picture_unasked(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "in.mp4")
    (tmp_path / "mine.png").write_bytes(b"mine")
    with pytest.raises(UsageError, match="--overwrite"):
        job(source, tmp_path / "out.mkv", preview=tmp_path / "mine.png")
    assert (tmp_path / "mine.png").read_bytes() == b"mine"


def test_pictures_of_a_silent_film_lose_no_sound(tmp_path: Path) -> None:
    report = job(make_clip(tmp_path / "in.mkv"), tmp_path / "out-%02d.png")
    assert not [note for note in report.notes if "sound" in note]


def test_odd_sides_of_a_film_are_made_even_and_said(tmp_path: Path) -> None:
    report = job(make_clip(tmp_path / "in.mp4"), tmp_path / "out.mkv", target="121x91")
    assert report.size_px == (120, 92)
    assert any("120x92" in note for note in report.notes)
