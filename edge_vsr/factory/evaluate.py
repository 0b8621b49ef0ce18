"""Measure a packaged model and write what was found into its manifest and its card.

python -m edge_vsr.factory.evaluate --model models_quantized/x2-balanced/1 --data VAL_DIR --clips CLIPS_DIR

A net for clean pictures is measured on stills (``bench quality``), one for coded pictures on clips
(``bench video``), one for both on both; a net that keeps the size on clips only.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import msgspec

from edge_vsr.bench import ours, quality, stills, video
from edge_vsr.bench.clips import find_clips
from edge_vsr.bench.contenders import BASELINE, frame_methods
from edge_vsr.bench.video_report import gains, mean
from edge_vsr.errors import UsageError
from edge_vsr.factory import card, command
from edge_vsr.models.manifest import Manifest, read_manifest

_VIDEO = ("psnr_y_db", "ssim_y", "psnr_c_db", "lpips", "vmaf", "vmaf_neg", "tof_px", "flicker")
_GAINS = ("psnr_y_db", "vmaf_neg")


def still_figures(folder: Path, data: Path, sets: Sequence[str]) -> dict[str, float]:
    """PSNR-Y in dB and SSIM by set and variant, as ``bench quality`` measures them. Raises EdgeVsrError."""
    manifest = read_manifest(folder)
    table = stills.methods([str(folder)], None, manifest.scale, tuple(ours.VARIANTS))
    picked = {"bicubic": "bicubic", **{v.removeprefix("int8 "): f"{manifest.name} {v}" for v in ours.VARIANTS}}
    found: dict[str, float] = {}
    for place in stills.sets(data, sets):
        scores = quality.score(place, {short: table[full] for short, full in picked.items()}, manifest.scale)
        for short, one in scores.items():
            found[f"{place.name}_{short}_psnr_y_db"] = round(one.psnr_y_db, 3)
            found[f"{place.name}_{short}_ssim"] = round(one.ssim, 4)
    return found


def video_figures(folder: Path, clips: Path, frames: int) -> dict[str, float]:
    """Means over clips and encoder settings, as ``bench video`` measures them: ``coded_METHOD_MEASURE``.

    Beside them ``coded_pairs``, of which they are means, the gains over the baseline with their intervals, and
    ``coded_clips``, over which those are (of few clips: least and most). Raises EdgeVsrError.
    """
    manifest = read_manifest(folder)
    table = frame_methods([str(folder)], None, manifest.scale)
    table = {"bicubic": table[BASELINE], "int8": table[manifest.name]}
    rows = list(video.measure_clips(find_clips(clips), table, manifest.scale, frames, video.tools_here()))
    found: dict[str, float] = {"coded_pairs": len(rows) // len(table), "coded_clips": len({row.clip for row in rows})}
    for method in table:
        for measure in _VIDEO:
            value = mean([row for row in rows if row.method == method], measure)
            if value is not None:
                found[f"coded_{method}_{measure}"] = round(value, 4)
    for measure in _GAINS:
        gain = gains(rows, measure).get("int8")
        if gain is not None:
            for edge in ("mean", "low", "high"):
                found[f"coded_gain_{measure}_{edge}"] = round(getattr(gain, edge), 4)
    return found


def figures(folder: Path, data: Path | None, sets: Sequence[str], clips: Path | None, frames: int) -> dict[str, float]:
    """What suits the model and was given. Raises UsageError where nothing was, other EdgeVsrErrors."""
    manifest = read_manifest(folder)
    found: dict[str, float] = {}
    if data is not None and manifest.source != "coded" and manifest.scale > 1:
        found.update(still_figures(folder, data, sets))
    if clips is not None and manifest.source != "clean":
        found.update(video_figures(folder, clips, frames))
    if not found:
        wanted = "--clips" if manifest.source == "coded" or manifest.scale == 1 else "--data"
        raise UsageError(f"{manifest.name} is for {manifest.source} sources at x{manifest.scale}: give it {wanted}")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="a model package folder")
    parser.add_argument("--data", type=Path, help="folder with one sub-folder of truth pictures per set")
    parser.add_argument("--sets", nargs="+", default=["set5", "set14", "bsd100"])
    parser.add_argument("--clips", type=Path, help="folder of films and of folders of numbered frames")
    parser.add_argument("--frames", type=int, default=16, help="frames of each clip")
    args = parser.parse_args()
    found = figures(args.model, args.data, args.sets, args.clips, args.frames)
    manifest: Manifest = msgspec.structs.replace(read_manifest(args.model), figures=found)
    card.write(args.model, manifest)
    print(json.dumps(manifest.figures, indent=1))


if __name__ == "__main__":
    command.run(main)
