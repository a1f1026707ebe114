"""The base of every record, their digest, and their JSON form. No record of its own lives here."""

from __future__ import annotations

import hashlib
import math
from typing import TypeVar

import msgspec

T = TypeVar("T")


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A frozen value that rejects unknown fields. Subclasses repeat ``frozen`` and ``kw_only``."""


def digest(*parts: object) -> str:
    """Return 16 hexadecimal digits that name the content of ``parts`` (records, texts, numbers)."""
    text = msgspec.json.encode(parts, order="deterministic")
    return hashlib.sha256(text).hexdigest()[:16]


def finite(value: float, name: str) -> float:
    """Return ``value``, refusing NaN and infinity, which JSON would turn into ``null`` unseen.

    Raises:
        ValueError: If the value is not finite.
    """
    if not math.isfinite(value):
        msg = f"{name} must be finite, not {value}"
        raise ValueError(msg)
    return value


def to_json(value: object) -> str:
    """Return the JSON text of a record or a container of records."""
    return msgspec.json.encode(value).decode()


def from_json(text: str | bytes, type_: type[T]) -> T:
    """Return the record of ``type_`` that ``text`` describes.

    Raises:
        msgspec.ValidationError: If the text is not such a record.
    """
    return msgspec.json.decode(text, type=type_)
