"""Writing a file for a user, whole or not at all. What is in it is elsewhere."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from opscope.errors import InputError

_ELSEWHERE = "Name a file in a folder that can be written."


def refuse_unwritable(path: Path) -> None:
    """Refuse a file that could not be written, before the work for it is done.

    Raises:
        InputError: If something other than a file is there, or no file can be made in its folder.
    """
    with _explained(path):
        folder, something, file = path.is_dir(), path.exists(), path.is_file()
    if folder:
        raise InputError("it is a folder", where=str(path), remedy="Name a file in it.")
    if something and not file:  # a device, which a file would take the place of
        raise InputError("it is no regular file", where=str(path), remedy=_ELSEWHERE)
    if not path.parent.is_dir():
        raise InputError(
            "there is no such folder", where=str(path.parent), remedy="Make it, or name another."
        )
    if not os.access(path.parent, os.W_OK):
        raise InputError("cannot be written: Permission denied", where=str(path), remedy=_ELSEWHERE)


@contextlib.contextmanager
def written_whole(path: Path) -> Iterator[IO[bytes]]:
    """Yield a file beside ``path`` that takes its place, on disk, when all is written.

    A reader never sees half of it; if anything fails, what was there is left and nothing beside it.

    Raises:
        InputError: If it cannot be written.
    """
    refuse_unwritable(path)
    target = Path(os.path.realpath(path))  # a link goes on naming what it names
    beside = target.with_name(f".{secrets.token_hex(8)}{target.suffix}")
    with _explained(path):
        try:
            with beside.open("xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            beside.replace(target)
        finally:
            with contextlib.suppress(OSError):
                beside.unlink()


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise InputError(
            f"cannot be written: {exc.strerror or exc}",
            where=str(path),
            remedy=_ELSEWHERE,
        ) from exc
