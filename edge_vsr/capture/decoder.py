"""From packets to decoded frames: damage is counted, never raised, and the last frames are drained."""

from __future__ import annotations

from collections.abc import Iterator

import av
from av.packet import Packet
from av.video.stream import VideoStream

from edge_vsr.capture.opening import FOREIGN_ERRORS, Opened, plain_reason
from edge_vsr.capture.source import DecodeReport


class Decoder:
    """Decodes one stream once. ``last_error`` says why when nothing came out."""

    def __init__(self, opened: Opened, report: DecodeReport) -> None:
        self._opened = opened
        self._report = report
        self.last_error = ""
        self.saw_encryption = False
        opened.stream.thread_type = "AUTO"

    def frames(self) -> Iterator[av.VideoFrame]:
        """Decoded frames in presentation order."""
        for packet in self._packets():
            if packet is not None and packet.is_corrupt:
                self._report.corrupt_packets += 1
            try:
                frames = self._opened.stream.decode(packet)
            except FOREIGN_ERRORS as error:
                self._count_error(packet, error)
                continue
            for frame in frames:
                if frame.width and frame.height:
                    if frame.is_corrupt:
                        self._report.concealed_frames += 1
                    yield frame

    def _packets(self) -> Iterator[Packet[VideoStream] | None]:
        """Every packet, then None, which drains the decoder, also after an error in the middle."""
        try:
            for packet in self._opened.container.demux(self._opened.stream):
                if packet.has_sidedata("encryption_info"):
                    self.saw_encryption = True
                # An empty packet (a repeated frame in AVI) would drain the decoder before its time.
                if packet.size:
                    yield packet
        except FOREIGN_ERRORS as error:
            self.last_error = plain_reason(error)
            self._report.warnings.append(f"The input ends early: {self.last_error}.")
        yield None

    def _count_error(self, packet: Packet[VideoStream] | None, error: BaseException) -> None:
        self.last_error = plain_reason(error)
        if packet is None or not packet.is_corrupt:
            self._report.corrupt_packets += 1
