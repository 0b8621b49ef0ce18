"""HDR10 static metadata: from ffmpeg's side data structures to the integers of SMPTE ST 2086 and CTA-861.3."""

from __future__ import annotations

import struct

import av
from av.sidedata.sidedata import Type

from edge_vsr.capture.side_data import read_side_data
from edge_vsr.color import HdrMetadata

# AVMasteringDisplayMetadata (libavutil/mastering_display_metadata.h): display_primaries[3][2],
# white_point[2], min_luminance, max_luminance as AVRational (two int32 each), then two int flags.
_MASTERING = struct.Struct("=20i2i")
_CONTENT_LIGHT = struct.Struct("=2I")
_CHROMATICITY_UNIT = 50000
_LUMINANCE_UNIT = 10000


def hdr_of(frame: av.VideoFrame) -> HdrMetadata | None:
    """The HDR10 metadata that a frame carries, None if it carries neither of the two blocks."""
    mastering = read_side_data(frame, Type.MASTERING_DISPLAY_METADATA)
    return parse(mastering, read_side_data(frame, Type.CONTENT_LIGHT_LEVEL))


def parse(mastering: bytes, light: bytes) -> HdrMetadata | None:
    """The two side data structures as raw bytes; an empty or short one counts as absent."""
    primaries = white = luminance = None
    if len(mastering) >= _MASTERING.size:
        *numbers, has_primaries, has_luminance = _MASTERING.unpack_from(mastering)
        pairs = list(zip(numbers[0::2], numbers[1::2], strict=True))
        if has_primaries:
            xy = [_in_units(pair, _CHROMATICITY_UNIT) for pair in pairs[:8]]
            primaries = ((xy[0], xy[1]), (xy[2], xy[3]), (xy[4], xy[5]))
            white = (xy[6], xy[7])
        if has_luminance:
            luminance = (_in_units(pairs[8], _LUMINANCE_UNIT), _in_units(pairs[9], _LUMINANCE_UNIT))
    cll, fall = _CONTENT_LIGHT.unpack_from(light) if len(light) >= _CONTENT_LIGHT.size else (0, 0)
    if primaries is None and luminance is None and not cll and not fall:
        return None
    return HdrMetadata(primaries, white, luminance, cll, fall)


def _in_units(ratio: tuple[int, int], unit: int) -> int:
    """A rational as a whole number of 1/unit, exact for what bitstreams carry."""
    numerator, denominator = ratio
    return (numerator * unit + denominator // 2) // denominator if denominator else 0
