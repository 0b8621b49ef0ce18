"""The video encoders: one readable table, and the settings each frame format asks of them.

Everything here is pure: names, option strings, refusals. Who opens the encoder is ``segments``.
Thread counts are fixed where they change the bits, so that a job resumed later, or on another board,
continues exactly as it began.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import cv2

from edge_vsr.color import HdrMetadata, Range
from edge_vsr.errors import UsageError
from edge_vsr.frame import ChromaLayout, Siting, VideoFormat


@dataclass(frozen=True, slots=True)
class Encoder:
    """One row of the table.

    quality: (option, default, lowest, highest), ``None`` where the encoder is lossless.
    lossy: writes 4:2:0 only. params: the option that takes the encoder's own ``key=value:...`` list.
    threads: fixed number, 0 where the count does not change the result.
    """

    codec: str
    family: str
    quality: tuple[str, int, int, int] | None
    options: dict[str, str]
    lossy: bool = True
    params: str | None = None
    own_params: str = ""
    threads: int = 0


_CV_CPU_AVX_512F = 13  # OpenCV's number of it; the Python binding exports no name

# Each picture of lookahead costs x264 25 MB at 4K (twice that at 10 bit): with 8 of them the whole process
# stays at about 620 MB (measured); x265 takes 1.2 GB, SVT-AV1 1.9 GB.
ENCODERS: dict[str, Encoder] = {
    "x264": Encoder(
        "libx264", "h264", ("crf", 18, 0, 51), {"preset": "fast", "rc-lookahead": "8"}, params="x264-params", threads=4
    ),
    "x265": Encoder(
        "libx265",
        "hevc",
        ("crf", 20, 0, 51),
        {"preset": "fast"},
        params="x265-params",
        own_params="log-level=none:open-gop=0:frame-threads=2:rc-lookahead=10",
    ),
    "svtav1": Encoder(
        "libsvtav1", "av1", ("crf", 28, 0, 63), {"preset": "8"}, params="svtav1-params", own_params="lookahead=16:lp=3"
    ),
    "nvenc": Encoder("hevc_nvenc", "hevc", ("cq", 20, 0, 51), {"preset": "p5", "rc": "vbr", "b": "0"}),
    "ffv1": Encoder("ffv1", "ffv1", None, {"level": "3", "slices": "16", "slicecrc": "1"}, lossy=False),
}

# Suffix → (container format, codec families it takes).
CONTAINERS: dict[str, tuple[str, frozenset[str]]] = {
    ".mp4": ("mp4", frozenset({"h264", "hevc", "av1"})),
    ".m4v": ("mp4", frozenset({"h264", "hevc", "av1"})),
    ".mov": ("mov", frozenset({"h264", "hevc"})),
    ".mkv": ("matroska", frozenset({"h264", "hevc", "av1", "ffv1"})),
    ".webm": ("webm", frozenset({"av1"})),
}


@dataclass(frozen=True, slots=True)
class Settings:
    """An encoder with everything decided but the picture: ``quality`` is on the encoder's own scale."""

    encoder: Encoder
    quality: int | None


def settings(name: str, quality: int | None, output: Path) -> Settings:
    """The settings for ``--encoder name --quality quality``. Raises UsageError if they do not fit."""
    if name not in ENCODERS:
        raise UsageError(f"unknown encoder {name!r}: use {', '.join(ENCODERS)}")
    encoder = ENCODERS[name]
    families = CONTAINERS[output.suffix.lower()][1]
    if encoder.family not in families:
        fitting = ", ".join(n for n, e in ENCODERS.items() if e.family in families)
        raise UsageError(f"a {output.suffix} file cannot hold {name} video: use {fitting}, or an .mkv file")
    if quality is None:
        return Settings(encoder, encoder.quality[1] if encoder.quality else None)
    if encoder.quality is None:
        raise UsageError(f"{name} is lossless and takes no quality")
    _, _, lowest, highest = encoder.quality
    if not lowest <= quality <= highest:
        raise UsageError(f"quality {quality}: {name} takes {lowest} (best) to {highest}")
    return Settings(encoder, quality)


def wanted(chosen: Settings, source: VideoFormat) -> tuple[ChromaLayout, int]:
    """The chroma layout and bit depth the encoder wants for that source.

    Lossy video is 4:2:0: at x2 and more that loses none of the source's chroma, and it plays everywhere.
    """
    depth = 10 if source.bit_depth > 8 else 8
    return (ChromaLayout.YUV420 if chosen.encoder.lossy else source.layout), depth


def pixel_format(chosen: Settings, layout: ChromaLayout, bit_depth: int) -> str:
    """FFmpeg's name of the sample layout that is handed to the encoder."""
    if chosen.encoder.codec == "hevc_nvenc" and bit_depth > 8:
        return "p010le"
    plain = {ChromaLayout.YUV420: "yuv420p", ChromaLayout.YUV422: "yuv422p", ChromaLayout.YUV444: "yuv444p"}[layout]
    return plain if bit_depth == 8 else f"{plain}10le"


def x264_same_bits() -> list[str]:
    """What makes two equal runs of x264 give the same bits on this machine, as parameters of x264's own."""
    # Its AVX-512 macroblock-tree code reads memory nobody wrote: two equal runs differ in some bits
    # (x264 165, measured). A machine with AVX-512 has AVX2, which gives what every other machine gives.
    return ["asm=avx2"] if cv2.checkHardwareSupport(_CV_CPU_AVX_512F) else []


def options(chosen: Settings, video: VideoFormat, gop: int) -> dict[str, str]:
    """The codec options for one stream of ``video``; ``gop`` is the longest distance of key frames."""
    encoder = chosen.encoder
    out = dict(encoder.options)
    if encoder.quality is not None:
        out[encoder.quality[0]] = str(chosen.quality)
    out["g"] = "1" if encoder.family == "ffv1" else str(gop)
    location = _location(video.layout, video.siting)
    if location is not None:
        out["chroma_sample_location"] = location
    own = [encoder.own_params] if encoder.own_params else []
    if encoder.codec == "libx264":
        own += x264_same_bits()
    own += _hdr_params(encoder.codec, video.hdr)
    if encoder.params and own:
        out[encoder.params] = ":".join(own)
    return out


def color_tags(video: VideoFormat) -> dict[str, int]:
    """Attributes of an encoder context (H.273 numbers); unspecified stays unspecified."""
    return {
        "color_primaries": video.color.primaries,
        "color_trc": video.color.transfer,
        "colorspace": int(video.color.matrix),
        "color_range": 2 if video.color.range is Range.FULL else 1,
    }


def quiet_libraries() -> None:
    """Keep the encoders' own banners off standard error (SVT-AV1 listens to its environment only)."""
    os.environ.setdefault("SVT_LOG", "1")


def hdr_note(chosen: Settings, video: VideoFormat) -> str | None:
    """One sentence where the encoder has no place for the source's HDR10 metadata."""
    if video.hdr is None or chosen.encoder.params is not None:
        return None
    return f"HDR10 mastering metadata is not written: {chosen.encoder.codec} has no place for it (x265 has)."


def _location(layout: ChromaLayout, siting: Siting) -> str | None:
    if layout is not ChromaLayout.YUV420:
        return None
    names = {
        (0.0, 0.5): "left",
        (0.5, 0.5): "center",
        (0.0, 0.0): "topleft",
        (0.5, 0.0): "top",
        (0.0, 1.0): "bottomleft",
        (0.5, 1.0): "bottom",
    }
    return names.get((siting.x, siting.y))


def _hdr_params(codec: str, hdr: HdrMetadata | None) -> list[str]:
    """SMPTE ST 2086 and CTA-861.3 in the words of each encoder."""
    if hdr is None:
        return []
    floats = codec == "libsvtav1"
    light, display = {
        "libx264": ("cll", "mastering-display"),
        "libx265": ("max-cll", "master-display"),
        "libsvtav1": ("content-light", "mastering-display"),
    }.get(codec, ("", ""))
    if not light:
        return []
    out = []
    if hdr.primaries and hdr.white and hdr.luminance:
        out.append(f"{display}={_mastering(hdr, floats)}")
    if hdr.max_cll or hdr.max_fall:
        out.append(f"{light}={hdr.max_cll},{hdr.max_fall}")
    return out


def _mastering(hdr: HdrMetadata, floats: bool) -> str:
    assert hdr.primaries
    assert hdr.white
    assert hdr.luminance

    def pair(value: tuple[int, int], unit: int) -> str:
        return f"({value[0] / unit:.5f},{value[1] / unit:.5f})" if floats else f"({value[0]},{value[1]})"

    red, green, blue = (pair(p, 50000) for p in hdr.primaries)
    darkest, brightest = hdr.luminance
    return f"G{green}B{blue}R{red}WP{pair(hdr.white, 50000)}L{pair((brightest, darkest), 10000)}"
