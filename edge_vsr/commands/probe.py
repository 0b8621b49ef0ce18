"""``edge-vsr probe FILE``: what a source is, and what ``upscale`` would make of it. Decodes a few frames only."""

from __future__ import annotations

import argparse
import json
from contextlib import closing
from fractions import Fraction
from typing import Any

from edge_vsr.capture.media_file import open_source
from edge_vsr.capture.opening import open_container
from edge_vsr.capture.source import SourceInfo
from edge_vsr.color import ColorSpace, HdrMetadata, Matrix
from edge_vsr.commands.display import clock
from edge_vsr.commands.options import add_output_form, add_picture_options
from edge_vsr.jobs.engines import NO_MODEL
from edge_vsr.models import store
from edge_vsr.models.ladder import in_words
from edge_vsr.upscale.geometry import Fit, parse_target, plan

_EPILOG = """examples:
  edge-vsr probe film.mkv
  edge-vsr probe dvd.vob --to 1080p --fit crop
  edge-vsr probe film.mkv --json
"""

# H.273 tables 2 and 3, by the names people know.
_PRIMARIES = {1: "BT.709", 4: "BT.470 M", 5: "PAL (BT.470 BG)", 6: "NTSC (SMPTE 170M)", 9: "BT.2020", 12: "Display P3"}
_TRANSFERS = {1: "BT.709", 6: "BT.601", 13: "sRGB", 14: "BT.2020", 15: "BT.2020", 16: "PQ (HDR)", 18: "HLG (HDR)"}
_UNSPECIFIED = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See Command."""
    parser.description = "Says what FILE is and what `edge-vsr upscale` would make of it. Writes nothing."
    parser.epilog = _EPILOG
    parser.add_argument("source", metavar="FILE", help="a file, a URL or frames/%%05d.png")
    add_picture_options(parser)
    add_output_form(parser)


def run(args: argparse.Namespace) -> int:
    """See Command."""
    target, fit = parse_target(args.to), Fit(args.fit)
    with closing(open_source(args.source, deinterlace=args.deinterlace)) as source:
        info = source.info
    video = info.video
    geometry = plan(video.width_px, video.height_px, video.sar, target, fit, exact=info.is_still)
    ratio = geometry.enlargement(video.width_px, video.height_px)
    found: dict[str, Any] = {
        "source": _source(args.source, info),
        "output": {
            "size_px": geometry.canvas,
            "picture_px": geometry.picture,
            "frames": info.frame_count,
            **_nets(args.model, ratio, video.coded),
        },
    }
    print(json.dumps(found, indent=1) if args.json else _sentences(args.source, info, found))
    return 0


def _source(location: str, info: SourceInfo) -> dict[str, Any]:
    video = info.video
    return {
        "codec": info.codec,
        "container": info.container,
        "still": info.is_still,
        "size_px": (video.width_px, video.height_px),
        "sample_aspect_ratio": str(video.sar),
        "frame_rate": str(video.frame_rate) if video.frame_rate else None,
        "frames": info.frame_count,
        "duration_s": info.duration_s,
        "bit_depth": video.bit_depth,
        "chroma": video.layout.name,
        "color": {
            "matrix": int(video.color.matrix),
            "range": video.color.range.value,
            "primaries": video.color.primaries,
            "transfer": video.color.transfer,
        },
        "hdr": _hdr_values(video.hdr) if video.hdr else None,
        "streams": _others(location),
        "notes": list(info.notes),
    }


def _nets(model: str, ratio: float, coded: bool) -> dict[str, Any]:
    """Which nets will run over each frame, one for each pass."""
    if model == NO_MODEL:
        return {"model": NO_MODEL, "nets": []}
    selection = store.select(model)
    return {"model": selection.name, "nets": [found.manifest.name for found in selection.plan(ratio, coded)]}


def _others(location: str) -> list[str]:
    """What else is in the file, as ``audio (aac)``."""
    opened = open_container(location)
    with closing(opened.container):
        streams = [stream for stream in opened.container.streams if stream.index != opened.stream.index]
        return [f"{s.type} ({s.codec_context.name})" if getattr(s, "codec_context", None) else s.type for s in streams]


def _hdr_values(hdr: HdrMetadata) -> dict[str, Any]:
    return {"luminance": hdr.luminance, "max_cll": hdr.max_cll, "max_fall": hdr.max_fall}


def _sentences(location: str, info: SourceInfo, found: dict[str, Any]) -> str:
    """One fact a line."""
    video = info.video
    shape = "" if video.sar == 1 else f", pixels of shape {video.sar.numerator}:{video.sar.denominator}"
    lines = [
        f"{location}: {'picture' if info.is_still else 'film'}, {info.codec} in {info.container}",
        f"  size      {video.width_px}x{video.height_px}{shape}",
        f"  samples   {video.bit_depth} bit, {video.layout.name.removeprefix('YUV')} chroma",
        f"  colour    {_color(video.color, video.height_px)}",
    ]
    if video.hdr:
        lines.append(f"  HDR10     {_hdr_words(video.hdr)}")
    if not info.is_still:
        lines.append(f"  time      {_time(info)}")
    if found["source"]["streams"]:
        lines.append(f"  beside    {', '.join(found['source']['streams'])}")
    lines += [f"  reading   {note}" for note in info.notes]
    return "\n".join([*lines, f"  becomes   {_becomes(found['output'])}"])


def _time(info: SourceInfo) -> str:
    rate, parts = info.video.frame_rate, []
    if rate:
        parts.append(f"{_decimal(rate)} frames/s")
    if info.frame_count is not None:
        parts.append(f"about {info.frame_count} frames")
    if info.duration_s is not None:
        parts.append(clock(info.duration_s))
    return ", ".join(parts) or "unknown"


def _decimal(rate: Fraction) -> str:
    return f"{float(rate):.3f}".rstrip("0").rstrip(".")


def _color(color: ColorSpace, height_px: int) -> str:
    guess = "" if color.matrix is not Matrix.UNSPECIFIED else " (not said; the usual for this size)"
    words = [f"{color.settled(height_px).matrix.name} matrix{guess}", f"{color.range.value} range"]
    if color.primaries != _UNSPECIFIED:
        words.append(f"primaries {_PRIMARIES.get(color.primaries, color.primaries)}")
    if color.transfer != _UNSPECIFIED:
        words.append(f"transfer {_TRANSFERS.get(color.transfer, color.transfer)}")
    return ", ".join(words)


def _hdr_words(hdr: HdrMetadata) -> str:
    words = []
    if hdr.luminance:
        words.append(f"mastered for {hdr.luminance[0] / 10000:g} to {hdr.luminance[1] / 10000:g} cd/m2")
    if hdr.max_cll:
        words.append(f"brightest pixel {hdr.max_cll} cd/m2")
    if hdr.max_fall:
        words.append(f"brightest frame {hdr.max_fall} cd/m2")
    return ", ".join(words) or "present"


def _becomes(output: dict[str, Any]) -> str:
    width, height = output["size_px"]
    inside = "" if output["size_px"] == output["picture_px"] else " (picture {}x{})".format(*output["picture_px"])
    how = f"by {in_words(output['nets'])}" if output["nets"] else "resampling alone"
    return f"{width}x{height}{inside}, {how}"
