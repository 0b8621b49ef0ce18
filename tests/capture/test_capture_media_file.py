"""Files of many codecs: every frame, every time, shape and colour as the file says."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from capture_clips import HEIGHT, WIDTH, picture, plain_pts, video_frame, write_clip

from edge_vsr.capture.media_file import open_source
from edge_vsr.color import Matrix, Range
from edge_vsr.errors import SourceError, UsageError
from edge_vsr.frame import ChromaLayout, Siting

COUNT = 23
CODECS = {
    "h264_b_frames.mp4": ("libx264", "yuv420p", {"bf": "3", "preset": "ultrafast", "b-pyramid": "normal"}),
    "h264_mkv.mkv": ("libx264", "yuv444p", {"preset": "ultrafast"}),
    "h264_10bit.mp4": ("libx264", "yuv420p10le", {"preset": "ultrafast"}),
    "mpeg2.mpg": ("mpeg2video", "yuv420p", {"bf": "2"}),
    "mpeg2.ts": ("mpeg2video", "yuv420p", {"bf": "2"}),
    "mpeg4.avi": ("mpeg4", "yuv420p", {"bf": "2"}),
    "vp8.webm": ("libvpx", "yuv420p", {"deadline": "realtime", "cpu-used": "8"}),
    "vp9.webm": ("libvpx-vp9", "yuv420p", {"deadline": "realtime", "cpu-used": "8"}),
    "ffv1_10bit_422.mkv": ("ffv1", "yuv422p10le", {}),
    "prores.mov": ("prores_ks", "yuv422p10le", {}),
    "mjpeg.avi": ("mjpeg", "yuvj420p", {}),
}
LAYOUTS = {"20": ChromaLayout.YUV420, "22": ChromaLayout.YUV422, "44": ChromaLayout.YUV444}


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("clips")
    made = {}
    for name, (codec, pix_fmt, options) in CODECS.items():
        frames = [video_frame(picture(i), pix_fmt) for i in range(COUNT)]
        made[name] = write_clip(folder / name, codec, frames, pix_fmt=pix_fmt, options=options)
    return made


@pytest.mark.parametrize("name", CODECS)
def test_every_frame_with_its_own_pts(clips: dict[str, Path], name: str) -> None:
    source = open_source(str(clips[name]))
    got = [frame.pts for frame in source.frames()]
    source.close()
    source.close()
    expected = plain_pts(clips[name])
    if None in expected:  # AVI stores no presentation times
        step = got[1] - got[0]
        assert got == [got[0] + step * i for i in range(COUNT)]
    else:
        assert got == expected
    assert len(got) == COUNT == source.report.frames
    assert source.report.corrupt_packets == source.report.concealed_frames == 0


@pytest.mark.parametrize("name", CODECS)
def test_planes_are_the_decoders(clips: dict[str, Path], name: str) -> None:
    frames = list(open_source(str(clips[name])).frames())
    pix_fmt = CODECS[name][1]
    layout = LAYOUTS[pix_fmt.removeprefix("yuv").removeprefix("j")[1:3]]
    with av.open(str(clips[name])) as container:
        for ours, theirs in zip(frames, container.decode(video=0), strict=True):
            assert ours.layout is layout
            assert ours.bit_depth == (10 if "10" in pix_fmt else 8)
            for index, plane in enumerate(ours.planes):
                raw = theirs.planes[index]
                rows = np.frombuffer(memoryview(raw), plane.dtype).reshape(raw.height, -1)[:, : raw.width]
                assert np.array_equal(plane, rows)
                assert not plane.flags.writeable


def test_info_describes_the_stream(clips: dict[str, Path]) -> None:
    info = open_source(str(clips["h264_b_frames.mp4"])).info
    assert (info.video.width_px, info.video.height_px) == (WIDTH, HEIGHT)
    assert info.video.frame_rate == 25
    assert info.frame_count == COUNT
    assert info.duration_s == pytest.approx(COUNT / 25)
    assert (info.codec, info.is_still, info.notes) == ("h264", False, ())
    assert info.video.siting == Siting(0.0, 0.5)
    assert info.video.color.matrix is Matrix.UNSPECIFIED


def test_variable_frame_rate_is_kept(tmp_path: Path) -> None:
    times = [0, 40, 50, 130, 131, 400, 1000, 1033]
    frames = [video_frame(picture(i), "yuv420p") for i in range(len(times))]
    path = write_clip(tmp_path / "vfr.mkv", "ffv1", frames, times=times, time_base=Fraction(1, 1000))
    source = open_source(str(path))
    assert [frame.pts for frame in source.frames()] == times
    assert source.info.video.time_base == Fraction(1, 1000)


def test_odd_sizes_round_chroma_up(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "odd.mkv", "ffv1", [video_frame(picture(0, 65, 47), "yuv420p")])
    frame = next(open_source(str(path)).frames())
    assert [plane.shape for plane in frame.planes] == [(47, 65), (24, 33), (24, 33)]


def test_colour_tags_are_carried(tmp_path: Path) -> None:
    frames = [video_frame(picture(i), "yuv420p10le") for i in range(3)]
    options = {"colorspace": "bt2020nc", "color_primaries": "bt2020", "color_trc": "smpte2084", "color_range": "tv"}
    path = write_clip(tmp_path / "tags.mkv", "ffv1", frames, pix_fmt="yuv420p10le", options=options)
    color = open_source(str(path)).info.video.color
    assert (color.matrix, color.range, color.primaries, color.transfer) == (Matrix.BT2020_NCL, Range.LIMITED, 9, 16)


def test_jpeg_is_full_range_and_centred(clips: dict[str, Path]) -> None:
    video = open_source(str(clips["mjpeg.avi"])).info.video
    assert video.color.range is Range.FULL
    assert video.siting == Siting(0.5, 0.5)


def test_sample_aspect_ratio(tmp_path: Path) -> None:
    frames = [video_frame(picture(i), "yuv420p") for i in range(3)]
    path = write_clip(tmp_path / "sar.mp4", "libx264", frames, sar=Fraction(16, 15))
    source = open_source(str(path))
    assert source.info.video.sar == Fraction(16, 15)
    assert all(frame.sar == Fraction(16, 15) for frame in source.frames())


def test_sample_aspect_ratio_may_change_on_the_way(tmp_path: Path) -> None:
    shapes = (Fraction(8, 9), Fraction(32, 27))  # 4:3 and 16:9 at this size, all that MPEG-2 can say
    parts = [
        write_clip(tmp_path / f"{i}.m2v", "mpeg2video", [video_frame(picture(j), "yuv420p") for j in range(5)], sar=sar)
        for i, sar in enumerate(shapes)
    ]
    joined = tmp_path / "joined.mpg"
    joined.write_bytes(b"".join(part.read_bytes() for part in parts))
    sars = [frame.sar for frame in open_source(str(joined)).frames()]
    assert sars[0] == shapes[0]
    assert sars[-1] == shapes[1]
    assert sars == sorted(sars)


@pytest.mark.parametrize(("degrees", "turns"), [(90, 1), (180, 2), (-90, 3)])
def test_rotated_pictures_come_upright(tmp_path: Path, degrees: int, turns: int) -> None:
    image = picture(0)
    frames = [video_frame(image, "yuv444p")]
    options = {"qp": "0", "preset": "ultrafast"}
    path = write_clip(
        tmp_path / "turned.mp4",
        "libx264",
        frames,
        pix_fmt="yuv444p",
        rotation=degrees,
        sar=Fraction(4, 3),
        options=options,
    )
    plain = write_clip(tmp_path / "plain.mp4", "libx264", frames, pix_fmt="yuv444p", options=options)
    source = open_source(str(path))
    turned, upright = next(source.frames()), next(open_source(str(plain)).frames())
    for got, before in zip(turned.planes, upright.planes, strict=True):
        assert np.array_equal(got, np.rot90(before, turns))
        assert got.flags.c_contiguous
    assert (source.info.video.width_px, source.info.video.height_px) == (turned.width_px, turned.height_px)
    assert turned.sar == (Fraction(4, 3) if turns == 2 else Fraction(3, 4))
    assert "turned" in source.info.notes[0]


@pytest.mark.parametrize("name", ["h264_b_frames.mp4", "mpeg2.ts", "vp9.webm", "mpeg4.avi"])
@pytest.mark.parametrize(("start_s", "duration_s"), [(0.0, 0.2), (0.2, None), (0.4, 0.2), (0.81, 5.0)])
def test_a_window_is_a_part_of_the_whole(
    clips: dict[str, Path], name: str, start_s: float, duration_s: float | None
) -> None:
    whole = [(frame.pts, frame.planes[0].copy()) for frame in open_source(str(clips[name])).frames()]
    source = open_source(str(clips[name]), start_s=start_s, duration_s=duration_s)
    part = [(frame.pts, frame.planes[0].copy()) for frame in source.frames()]
    with av.open(str(clips[name])) as container:
        origin = container.streams.video[0].start_time
    begin = origin + Fraction(start_s).limit_denominator(1000) / source.info.video.time_base
    end = (
        None
        if duration_s is None
        else begin + Fraction(duration_s).limit_denominator(1000) / source.info.video.time_base
    )
    expected = [(pts, luma) for pts, luma in whole if pts >= begin and (end is None or pts < end)]
    assert [pts for pts, _ in part] == [pts for pts, _ in expected]
    assert all(np.array_equal(a, b) for (_, a), (_, b) in zip(part, expected, strict=True))


def test_a_window_far_into_a_long_clip_is_exact(tmp_path: Path) -> None:
    frames = [video_frame(picture(i), "yuv420p") for i in range(150)]
    options = {"g": "24", "bf": "2", "preset": "ultrafast", "x264-params": "open-gop=1"}
    path = write_clip(tmp_path / "long.mp4", "libx264", frames, options=options)
    whole = {frame.pts: frame.planes[0].copy() for frame in open_source(str(path)).frames()}
    part = list(open_source(str(path), start_s=4.04, duration_s=0.6).frames())
    assert len(part) == 15
    assert all(np.array_equal(frame.planes[0], whole[frame.pts]) for frame in part)
    assert list(whole).index(part[0].pts) == 101


def test_a_window_past_the_end_says_so(clips: dict[str, Path]) -> None:
    with pytest.raises(SourceError, match="shorter"):
        open_source(str(clips["vp8.webm"]), start_s=60)


def test_nonsense_parameters_are_refused(clips: dict[str, Path]) -> None:
    path = str(clips["vp8.webm"])
    with pytest.raises(UsageError):
        open_source(path, deinterlace="maybe")
    with pytest.raises(UsageError):
        open_source(path, start_s=-1)
    with pytest.raises(UsageError):
        open_source(path, duration_s=0)


def test_size_change_in_mid_stream(tmp_path: Path) -> None:
    small = [video_frame(picture(i), "yuv420p") for i in range(5)]
    large = [video_frame(picture(i, 160, 112), "yuv420p") for i in range(5)]
    joined = tmp_path / "joined.mpg"
    parts = [write_clip(tmp_path / f"{i}.m2v", "mpeg2video", frames) for i, frames in enumerate((small, large))]
    joined.write_bytes(b"".join(part.read_bytes() for part in parts))
    source = open_source(str(joined))
    sizes = [(frame.width_px, frame.height_px) for frame in source.frames()]
    with av.open(str(joined)) as container:
        expected = [(frame.width, frame.height) for frame in container.decode(video=0)]
    assert sizes == expected
    assert set(sizes) == {(WIDTH, HEIGHT), (160, 112)}
    assert source.report.size_changes == 1
    fields = open_source(str(joined), deinterlace="field")
    doubled = [(frame.pts, (frame.width_px, frame.height_px)) for frame in fields.frames()]
    assert [size for _, size in doubled] == [size for size in expected for _ in range(2)]
    pts = [frame.pts for frame in open_source(str(joined)).frames()]
    following = [*pts[1:], 2 * pts[-1] - pts[-2]]
    assert [time for time, _ in doubled] == [t for a, b in zip(pts, following, strict=True) for t in (2 * a, a + b)]


def test_frames_outlive_the_source(clips: dict[str, Path]) -> None:
    source = open_source(str(clips["ffv1_10bit_422.mkv"]))
    frames = list(source.frames())
    sums = [int(frame.planes[0].sum()) for frame in frames]
    source.close()
    del source
    assert sums == [int(frame.planes[0].sum()) for frame in frames]
