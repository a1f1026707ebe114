"""Reading the user's files: regular files only, and weights only from the model's own folder."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from opscope.core.record import Record
from opscope.errors import ConfigurationError, InputError
from opscope.graph.weights import Payload

MODEL_LIMIT_BYTES = 2**31 - 1
"""A larger file is no model: what is above 2 GB keeps its weights in files beside it."""

_CHUNK = 1 << 22


class Blob(Record, frozen=True, kw_only=True):
    """Bytes that came with the model's own file."""

    data: bytes

    def read(self) -> bytes:
        """Return the bytes."""
        return self.data


class Span(Record, frozen=True, kw_only=True):
    """Bytes of a file beside the model, read only when a platform prepares the graph.

    Attributes:
        path: The file, without symbolic links.
        offset: Where the bytes begin.
        length: How many they are.
        stamp: Size, change time and number of the file when the model was read.
    """

    path: str
    offset: int
    length: int
    stamp: tuple[int, int, int]

    def read(self) -> bytes:
        """Return the bytes.

        Raises:
            InputError: If the file has changed since the model was read.
        """
        return b"".join(self.chunks())

    def chunks(self) -> Iterable[bytes]:
        """Yield the bytes in pieces that are quick to hash.

        Raises:
            InputError: If the file has changed since the model was read.
        """
        with os.fdopen(_open(self.path), "rb") as file:
            if _stamp(os.fstat(file.fileno())) != self.stamp:
                raise InputError(
                    "the weights have changed since the model was read",
                    where=self.path,
                    remedy="Read the model again.",
                )
            file.seek(self.offset)
            left = self.length
            while left:
                chunk = file.read(min(left, _CHUNK))
                if not chunk:
                    raise InputError("the file ends too early", where=self.path)
                left -= len(chunk)
                yield chunk


def read_model(path: Path) -> bytes:
    """Return the bytes of a model's own file.

    Raises:
        ConfigurationError: If it is not a readable regular file of at most 2 GB.
    """
    try:
        with os.fdopen(_open(str(path)), "rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size > MODEL_LIMIT_BYTES:
                raise ConfigurationError(
                    f"the file has {size} bytes, and a model file holds 2 GB at most",
                    where=str(path),
                    remedy="Export the model with its weights as external data.",
                )
            return file.read()
    except (OSError, ValueError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) and exc.strerror else str(exc)
        raise ConfigurationError(
            f"cannot be read: {reason}", where=str(path), remedy="Name a model file that exists."
        ) from exc


def external_span(folder: Path, location: str, offset: str, length: str) -> Span:
    """Return the bytes that an ONNX tensor says it has in a file beside the model.

    Args:
        folder: Where the model lies; nothing outside it is opened.
        location: Relative path of the file, as the model has it.
        offset: Where the bytes begin, as the model has it; empty for 0.
        length: How many they are, as the model has it; empty for all that follow.

    Raises:
        ConfigurationError: If the file is outside the folder, missing, too short or not a regular
            file, or a number cannot be one.
    """
    path = _inside(folder, location)
    try:
        descriptor = _open(path)
    except (OSError, ValueError) as exc:
        raise ConfigurationError(
            f"its weight file {location!r} cannot be read",
            remedy="Put the file beside the model.",
        ) from exc
    status = os.fstat(descriptor)
    os.close(descriptor)
    start = _count(offset or "0", "offset")
    size = _count(length, "length") if length else max(status.st_size - start, 0)
    if start + size > status.st_size:
        raise ConfigurationError(
            f"its weights end at byte {start + size} of {location!r}, which has {status.st_size}",
            remedy="The weight file is cut short: copy it again.",
        )
    return Span(path=path, offset=start, length=size, stamp=_stamp(status))


def check_spans(payloads: Mapping[str, Payload]) -> None:
    """Refuse tensors that share the bytes of a small file to become large ones.

    Raises:
        ConfigurationError: If they take more than twice what the files beside the model have.
    """
    spans = [payload for payload in payloads.values() if isinstance(payload, Span)]
    held = sum({span.path: span.stamp[0] for span in spans}.values())
    taken = sum(span.length for span in spans)
    if taken > 2 * held:
        raise ConfigurationError(
            f"its tensors take {taken} bytes from files that have {held}",
            remedy="The file is damaged or made to do harm.",
        )


def digest_of(data: bytes, payloads: Mapping[str, Payload]) -> str:
    """Return sixteen hexadecimal digits that name a model's file and its weights beside it."""
    total = hashlib.blake2b(data, digest_size=8)
    for name in sorted(payloads):
        payload = payloads[name]
        if isinstance(payload, Span):
            part = hashlib.blake2b(digest_size=16)
            for chunk in payload.chunks():
                part.update(chunk)
            total.update(msgspec.json.encode((name, payload.length, part.hexdigest())))
    return total.hexdigest()


def _inside(folder: Path, location: str) -> str:
    """Return the real path of ``location``, refusing every way out of the folder."""
    root = os.path.realpath(folder)
    parts = Path(location).parts
    absolute = location.startswith(("/", "\\")) or Path(location).is_absolute()
    if not parts or absolute or ".." in parts or "\0" in location or "\\" in location:
        path = ""
    else:
        path = os.path.realpath(Path(root, location))
    if not path.startswith(root.rstrip(os.sep) + os.sep):
        raise ConfigurationError(
            f"its weight file {location!r} is outside the model's folder",
            remedy="Weights are only read from the model's own folder: put the file itself there.",
        )
    return path


def _open(path: str) -> int:
    """Open a regular file for reading, never waiting for the other end of a pipe."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ValueError("it is not a regular file")
    return descriptor


def _stamp(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_ino


def _count(text: str, what: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19):  # noqa: PLR2004 - int64
        raise ConfigurationError(f"its external data has {what} {text[:30]!r}")
    return int(text)
