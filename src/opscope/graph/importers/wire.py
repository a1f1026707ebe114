"""How much structure a serialised ONNX model has, read from its bytes before anything is parsed.

An empty message takes 2 bytes in a file and about 160 in memory, so 40 MB of them fill 3 GB. The
walk below skips the contents of tensors, which take as much memory as they do bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from opscope.errors import ConfigurationError

STRUCTURE_LIMIT_BYTES = 32 << 20
"""Networks of a hundred thousand nodes stay below."""

_PARTS_LIMIT = 1_000_000
_DEPTH_LIMIT = 24
_SMALL = 1 << 16
"""Parts up to this size count as structure altogether, which keeps the walk fast."""

_WIDENING = 8
"""Bytes in memory for one byte of a variable-length integer."""


class _Message(NamedTuple):
    """Which fields of a message hold other messages, raw contents, or packed integers."""

    parts: Mapping[int, str] = {}
    contents: frozenset[int] = frozenset()
    integers: frozenset[int] = frozenset()


_MESSAGES = {
    "model": _Message({7: "graph", 25: "function"}),
    "graph": _Message({1: "node", 5: "tensor"}),
    "function": _Message({7: "node"}),
    "node": _Message({5: "attribute"}),
    "attribute": _Message(
        {5: "tensor", 6: "graph", 10: "tensor", 11: "graph"}, frozenset({4, 7}), frozenset({8})
    ),
    "tensor": _Message({}, frozenset({4, 9, 10}), frozenset({5, 7, 11})),
}
"""Field numbers of onnx.proto."""


def check_structure(data: bytes) -> None:
    """Refuse a model whose structure would grow out of proportion in memory.

    Raises:
        ConfigurationError: If it would, or if the bytes end too early or are no such message.
    """
    _Walk(memoryview(data)).message("model", 0, len(data), 0)


class _Walk:
    def __init__(self, data: memoryview) -> None:
        self.data = data
        self.structure = 0
        self.parts = 0

    def message(self, name: str, start: int, end: int, depth: int) -> None:
        kind, at = _MESSAGES[name], start
        if depth > _DEPTH_LIMIT:
            raise ConfigurationError("its graphs are nested too deeply")
        while at < end:
            key, at = self.varint(at, end)
            field, wire = key >> 3, key & 7
            if wire != 2:  # noqa: PLR2004 - anything but a length and so many bytes
                at = self.skip(at, end, wire)
                self.charge(2)
                continue
            size, at = self.varint(at, end)
            if size > end - at:
                raise _corrupt(f"it ends in the middle of a {name}, at byte {at}")
            if field in kind.parts and size > _SMALL:
                self.message(kind.parts[field], at, at + size, depth + 1)
            elif field not in kind.contents:
                self.charge(size * _WIDENING if field in kind.integers else size + 2)
            at += size

    def charge(self, size: int) -> None:
        self.structure += size
        self.parts += 1
        if self.structure > STRUCTURE_LIMIT_BYTES or self.parts > _PARTS_LIMIT:
            raise ConfigurationError(
                "its structure would take gigabytes of memory",
                remedy="A network of real size has less: the file is damaged or made to do harm.",
            )

    def varint(self, at: int, end: int) -> tuple[int, int]:
        value = shift = 0
        while at < end and shift < 64:  # noqa: PLR2004 - bits of the longest integer
            byte = self.data[at]
            value |= (byte & 0x7F) << shift
            at += 1
            if byte < 0x80:  # noqa: PLR2004 - the last byte has no continuation bit
                return value, at
            shift += 7
        raise _corrupt(f"it ends in the middle of a number, at byte {at}")

    def skip(self, at: int, end: int, wire: int) -> int:
        if wire == 0:
            return self.varint(at, end)[1]
        if wire in {1, 5}:
            return at + (8 if wire == 1 else 4)
        raise _corrupt(f"byte {at} starts no field")


def _corrupt(what: str) -> ConfigurationError:
    return ConfigurationError(
        f"not an ONNX model, or cut short or damaged: {what}",
        remedy="Copy or export the file again.",
    )
