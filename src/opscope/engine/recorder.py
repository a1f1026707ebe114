"""The flight recorder: what a worker is doing, where its executor can read it after a crash.

A message would wake the executor beside a measurement; a write into a small shared file does not.
"""

from __future__ import annotations

import os
import zlib

from opscope.core.record import Record, from_json, to_json

_SIZE = 128
_SUM = 8
"""Hexadecimal digits in front of a position, by which one that is half written shows."""

_TRIES = 1000
"""How often a position is read again that was half written, which takes a microsecond."""


class Position(Record, frozen=True, kw_only=True):
    """Where a worker is: at which job of its cohort, in which phase, how much is done.

    Attributes:
        visits: Rounds done, summed over the jobs of the cohort.
    """

    job: int | None = None
    phase: str = "starting"
    visits: float = 0.0


class FlightRecorder:
    """Writes and reads one `Position` in a file both processes have open."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def write(self, position: Position) -> None:
        """Replace the position."""
        text = to_json(position).encode()
        os.pwrite(self.descriptor, (_sum(text) + text).ljust(_SIZE), 0)

    def read(self) -> Position:
        """Return the last position written, or the starting one."""
        for _ in range(_TRIES):
            line = os.pread(self.descriptor, _SIZE, 0).rstrip()
            if not line:
                break
            text = line[_SUM:]
            if line[:_SUM] == _sum(text):
                return from_json(text, Position)
        return Position()


def _sum(text: bytes) -> bytes:
    return b"%08x" % zlib.crc32(text)
