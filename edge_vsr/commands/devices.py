"""``edge-vsr devices``: what can compute, encode and capture here. Tried, not looked up."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path

import av

from edge_vsr.color import BT709_LIMITED
from edge_vsr.commands.options import add_output_form
from edge_vsr.errors import BackendError
from edge_vsr.frame import ChromaLayout, VideoFormat, default_siting
from edge_vsr.models import store
from edge_vsr.models.ladder import DEFAULT_RUNG
from edge_vsr.present.encoders import ENCODERS, options, quiet_libraries, settings
from edge_vsr.upscale.backends.choose import available, infidelity, opened

try:
    from serial.tools import list_ports
except ImportError:  # pyserial is for boxes with a fan controller of their own
    list_ports = None

_LAYOUT = ChromaLayout.YUV420
_PROBE = VideoFormat(320, 240, 8, _LAYOUT, BT709_LIMITED, default_siting(_LAYOUT), Fraction(1, 25))
_KINDS = {
    "compute": "computes the net",
    "encode": "writes films",
    "camera": "captures pictures",
    "serial": "serial ports",
}


@dataclass(frozen=True, slots=True)
class Device:
    """One thing that is there. usable: tried and found working; ``None`` where that cannot be tried."""

    kind: str
    name: str
    usable: bool | None
    detail: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See Command."""
    parser.description = "Lists what can compute, encode and capture on this machine; each is tried where it can be."
    parser.add_argument(
        "--model", default=DEFAULT_RUNG, metavar="NAME", help="the rung or net to try (default: %(default)s)"
    )
    add_output_form(parser)


def run(args: argparse.Namespace) -> int:
    """See Command."""
    found = [*providers(store.typical(args.model)), *encoders(), *cameras(), *serial_ports()]
    if args.json:
        print(json.dumps([asdict(device) for device in found], indent=1))
        return 0
    for kind, title in _KINDS.items():
        print(f"{title}:")
        rows = [device for device in found if device.kind == kind]
        for device in rows:
            mark = {True: "ok", False: "no", None: "-"}[device.usable]
            print(f"  {mark:<3} {device.name:<14} {device.detail}".rstrip())
        if not rows:
            print("  none")
    return 0


def providers(model: store.Model) -> list[Device]:
    """Every backend of this machine, best first, each compared with the reference."""
    found = []
    for name in available():
        try:
            reason = infidelity(opened(model, name), model)
        except BackendError as error:
            reason = str(error)
        found.append(Device("compute", name, reason is None, reason or "computes what the reference computes"))
    return [*found, Device("compute", "reference", True, "numpy: exact, everywhere, slow")]


def encoders() -> list[Device]:
    """Every encoder that edge-vsr knows, opened once for a small picture."""
    quiet_libraries()
    return [_encoder(name) for name in ENCODERS]


def _encoder(name: str) -> Device:
    codec = ENCODERS[name].codec
    try:
        context = av.CodecContext.create(codec, "w")
        assert isinstance(context, av.VideoCodecContext)
        context.width, context.height, context.pix_fmt = _PROBE.width_px, _PROBE.height_px, "yuv420p"
        context.framerate = Fraction(25)
        context.options = options(settings(name, None, Path("probe.mkv")), _PROBE, 25)
        context.open()
    except (av.FFmpegError, ValueError, OSError) as error:
        return Device("encode", name, False, f"{codec}: {getattr(error, 'strerror', None) or error}")
    return Device("encode", name, True, codec)


def cameras(sys_root: Path = Path("/sys")) -> list[Device]:
    """Capture devices that the kernel shows; cards and cables are not tried."""
    nodes = sorted((sys_root / "class/video4linux").glob("video*"))
    return [Device("camera", f"/dev/{node.name}", None, _text(node / "name")) for node in nodes]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def serial_ports() -> list[Device]:
    """Serial ports, where pyserial is installed."""
    if list_ports is None:
        return []
    return [Device("serial", port.device, None, port.description) for port in list_ports.comports()]
