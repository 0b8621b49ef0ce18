"""Measure a packaged model and write what was found into its manifest and its card.

python -m edge_vsr.factory.evaluate --model models_quantized/x2-balanced/1 --data VAL_DIR
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import msgspec

from edge_vsr.bench import quality
from edge_vsr.models.manifest import MANIFEST, Manifest
from edge_vsr.models.store import find

_METHODS = {"bicubic": "bicubic", "fp32": "fp32", "int8": "int8", "sym": "int8 sym"}


def figures(folder: Path, data: Path, sets: list[str]) -> dict[str, float]:
    """PSNR-Y in dB by set and variant, as ``bench quality`` measures it."""
    scale = find(str(folder)).manifest.scale
    table = quality.methods(str(folder), None, scale)
    picked = {short: name for short, mark in _METHODS.items() for name in table if _is(name, short, mark)}
    found: dict[str, float] = {}
    for name in sets:
        scores = quality.score(data / name, {short: table[full] for short, full in picked.items()}, scale)
        found.update({f"{name}_{short}_psnr_y_db": round(s.psnr_y_db, 3) for short, s in scores.items()})
        found.update({f"{name}_{short}_ssim": round(s.ssim, 4) for short, s in scores.items()})
    return found


def _is(name: str, short: str, mark: str) -> bool:
    return mark in name and ("sym" in name) == (short == "sym")


def card(manifest: Manifest) -> str:
    """The model card, in Markdown."""
    mark = "_bicubic_psnr_y_db"
    sets = sorted(key.removesuffix(mark) for key in manifest.figures if key.endswith(mark))
    rows = []
    for name in sets:
        cells = [f"{manifest.figures[f'{name}_{kind}_psnr_y_db']:.2f}" for kind in _METHODS]
        rows.append(f"| {name} | {' | '.join(cells)} |")
    history = "\n".join(f"- {key}: {value}" for key, value in manifest.trained.items())
    return f"""# {manifest.name}, version {manifest.version}

Doubles 4:2:0 video: {manifest.depth} plain 3x3 convolutions, {manifest.width} channels wide, on 2x2 luma blocks beside
U and V; the residual over a {manifest.base_kernel} base comes out. {manifest.parameters:,} parameters,
{manifest.macs_per_px / 1000:.1f} thousand multiply-adds per low-resolution luma pixel. Licence: {manifest.license}.

## Figures

PSNR-Y in dB at x{manifest.scale}, printed by `edge-vsr bench quality --data DIR`.

| set | bicubic | fp32 | INT8 (U8S8) | INT8 (S8S8) |
|---|---|---|---|---|
{chr(10).join(rows)}

## Training

Photos of Debian and Ubuntu wallpaper packages (CC-BY-SA, CC0, CC-BY, GPL), shrunk and cut, and short clips
(MIT, CC-BY, Apache-2.0, BSD), as clean pairs and as shots sent through a simulated camera and real
encoders (x264, x265, MPEG-2, MPEG-4). No picture of any evaluation set was used. The recipe is
`build/models/{manifest.name}.sh`; what this version ran:

{history}

## Limits

- Trained for SDR; PQ and HLG pictures pass, but it has seen none.
- Damage of VP8, VP9, AV1 and analogue tape was not in the training data.
- Heavily blocked MPEG-2 is sharpened less than it is cleaned, but some block edges remain.
- S8S8 rounds activations to 7 bits, U8S8 to 8; both come from the same weights.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="a model package folder")
    parser.add_argument("--data", type=Path, required=True, help="folder with one sub-folder per set")
    parser.add_argument("--sets", nargs="+", default=["set5", "set14", "bsd100"])
    args = parser.parse_args()
    path = args.model / MANIFEST
    manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
    manifest = msgspec.structs.replace(manifest, figures=figures(args.model, args.data, args.sets))
    path.write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n")
    (args.model / "CARD.md").write_text(card(manifest))
    print(json.dumps(manifest.figures, indent=1))


if __name__ == "__main__":
    main()
