"""The model card: what a manifest says, in Markdown, for people; both are written here. Nothing is measured here."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec

from edge_vsr.bench.intervals import LEAST
from edge_vsr.durable import write_atomic
from edge_vsr.models.manifest import MANIFEST, Manifest

_DOES = {
    1: "Cleans 4:2:0 video at its own size",
    2: "Doubles 4:2:0 video",
    3: "Trebles 4:2:0 video",
    4: "Quadruples 4:2:0 video",
}
_FOR = {
    "any": "Made for clean pictures and for those that a lossy codec has touched.",
    "clean": "Made for pictures that no lossy codec has touched.",
    "coded": "Made for pictures that a lossy codec has touched.",
}
_LIMITS = {
    "any": "- Damage of a kind that was not in the training data may stay, or be sharpened.",
    "clean": "- It has seen no coding damage and would sharpen it: for coded sources take the net made for them.",
    "coded": "- Clean pictures come out softer than need be: for those take the net made for them.",
}
_STILL_VARIANTS = {"bicubic": "bicubic", "fp32": "fp32", "int8": "INT8 (U8S8)", "sym": "INT8 (S8S8)"}
_VIDEO_MEASURES = {
    "psnr_y_db": ("PSNR-Y, dB", 2),
    "ssim_y": ("SSIM-Y", 4),
    "psnr_c_db": ("PSNR of chroma, dB", 2),
    "lpips": ("LPIPS (small is good)", 4),
    "vmaf": ("VMAF", 2),
    "vmaf_neg": ("VMAF-NEG", 2),
    "tof_px": ("error of motion, pixels", 3),
    "flicker": ("flicker beyond the truth's, code values", 3),
}


_ECBSR = "a larger published net (ECBSR-M6C40, Zhang et al. 2021, weights under Apache-2.0)"
_TAUGHT = """In the stages whose samples name a teacher, {}
answered for the truth of the clean pairs.
"""


def write(folder: Path, manifest: Manifest) -> None:
    """Put a manifest and its card into the folder of a package."""
    write_atomic(folder / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n")
    write_atomic(folder / "CARD.md", card(manifest).encode())


def card(manifest: Manifest) -> str:
    """The whole card."""
    rung = f"Rung of the ladder: {manifest.rung}. " if manifest.rung else ""
    history = "\n".join(f"- {key}: {value}" for key, value in manifest.trained.items())
    sections = [part for part in (_stills(manifest), _video(manifest)) if part]
    return f"""# {manifest.name}, version {manifest.version}

{_DOES[manifest.scale]}: {manifest.depth} plain 3x3 convolutions, {manifest.width} channels wide, on 2x2 luma blocks
beside U and V; the residual over a {manifest.base_kernel} base comes out. {_FOR[manifest.source]}
{rung}{manifest.parameters:,} parameters, {manifest.macs_per_px / 1000:.1f} thousand multiply-adds per pixel of the
source. Licence: {manifest.license}.

## Figures

{(chr(10) * 2).join(sections) or "Not measured yet."}

## Training

Photos and clips of the recipe (of the models shipped: pictures of Debian and Ubuntu wallpaper packages, CC-BY-SA,
CC0, CC-BY, GPL, and short sample clips, MIT, CC-BY, Apache-2.0, BSD), shrunk and cut, as clean pairs and as shots
that went through simulated cameras and real encoders (x264, x265, MPEG-2, MPEG-4, VP9).
{_taught(manifest)}No picture of any evaluation set was used.
The recipes are in `build/models/`, the stages in `edge_vsr/factory/`; what this version ran:

{history}

## Limits

- Trained for SDR; PQ and HLG pictures pass, but it has seen none.
{_LIMITS[manifest.source]}
- S8S8 rounds activations to 7 bits, U8S8 to 8; both come from the same weights.
"""


def _taught(manifest: Manifest) -> str:
    """A sentence on every net that answered for the truth, or nothing."""
    samples = [json.loads(str(value)) for key, value in manifest.trained.items() if key.endswith(" samples")]
    stems = sorted({str(head["teacher"]) for head in samples if "teacher" in head})
    nets = [_ECBSR if stem.startswith("ecbsr_m6c40") else f"another net ({stem})" for stem in stems]
    return _TAUGHT.format(" or ".join(dict.fromkeys(nets))) if nets else ""


def _stills(manifest: Manifest) -> str:
    """The table of clean stills, or nothing."""
    figures, mark = manifest.figures, "_bicubic_psnr_y_db"
    sets = sorted(key.removesuffix(mark) for key in figures if key.endswith(mark) and not key.startswith("coded_"))
    if not sets:
        return ""
    rows = []
    for name in sets:
        cells = [f"{figures[f'{name}_{kind}_psnr_y_db']:.2f}" for kind in _STILL_VARIANTS]
        rows.append(f"| {name} | {' | '.join(cells)} |")
    head = " | ".join(_STILL_VARIANTS.values())
    return "\n".join(
        [
            f"Clean pictures, PSNR-Y in dB at x{manifest.scale}, as `edge-vsr bench quality --data DIR` prints it.",
            "",
            f"| set | {head} |",
            "|---" * (len(_STILL_VARIANTS) + 1) + "|",
            *rows,
        ]
    )


def _video(manifest: Manifest) -> str:
    """The table of coded clips and the gain, or nothing."""
    figures = manifest.figures
    if "coded_pairs" not in figures:
        return ""
    base = "as decoded" if manifest.scale == 1 else "bicubic"
    rows = []
    for measure, (heading, places) in _VIDEO_MEASURES.items():
        if f"coded_int8_{measure}" in figures:
            before, after = (figures[f"coded_{method}_{measure}"] for method in ("bicubic", "int8"))
            rows.append(f"| {heading} | {before:.{places}f} | {after:.{places}f} |")
    pairs = int(figures["coded_pairs"])
    return "\n".join(
        [
            f"Clips coded by x264 and MPEG-2, x{manifest.scale}, means over {pairs} pairs of clip and encoder",
            "setting, as `edge-vsr bench video --clips DIR` prints them.",
            "",
            f"| measure | {base} | INT8 |",
            "|---|---|---|",
            *rows,
            "",
            f"PSNR-Y gain over {base}: {_gain(manifest)}.",
        ]
    )


def _gain(manifest: Manifest) -> str:
    """The mean over clips, and how far to trust it."""
    mean, low, high = (manifest.figures[f"coded_gain_psnr_y_db_{edge}"] for edge in ("mean", "low", "high"))
    clips = int(manifest.figures.get("coded_clips", 1))
    if clips < 2:
        return f"{mean:+.2f} dB"
    spread = "95 % bootstrap interval" if clips >= LEAST else "between clips"
    return f"{mean:+.2f} dB, {spread} {low:+.2f} to {high:+.2f} ({clips} clips, each the mean of its settings)"
