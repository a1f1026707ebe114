"""Writing what was drawn to a file, whole or not at all; refusing beforehand what cannot be one."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from opscope.errors import InputError

_ELSEWHERE = "Name a file in a folder that can be written."


def check_place(path: Path) -> None:
    """Refuse a file that could not be written, before the work for it is done.

    Raises:
        InputError: If it is a folder or device, or no file can be made in the folder it is in.
    """
    where = str(path)
    if path.is_dir():
        raise InputError("it is a folder", where=where, remedy="Name a file in it.")
    if path.exists() and not path.is_file():
        raise InputError("it is no regular file", where=where, remedy=_ELSEWHERE)
    if not path.parent.is_dir():
        raise InputError(
            "there is no such folder", where=str(path.parent), remedy="Make it, or name another."
        )
    if not os.access(path.parent, os.W_OK):
        raise InputError("cannot be written: Permission denied", where=where, remedy=_ELSEWHERE)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file beside ``path`` and rename it: a reader never sees half of it.

    Raises:
        InputError: If it cannot be written.
    """
    check_place(path)
    target = Path(os.path.realpath(path))  # a link goes on naming what it names
    beside: Path | None = None
    try:
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".", delete=False) as file:
            beside = Path(file.name)
            file.write(data)
        beside.chmod(0o666 & ~_mask())
        beside.replace(target)
    except OSError as exc:
        if beside:
            with contextlib.suppress(OSError):
                beside.unlink()
        what = f"cannot be written: {exc.strerror or exc}"
        raise InputError(what, where=str(path), remedy=_ELSEWHERE) from exc


def _mask() -> int:
    """Return which permissions new files are denied."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
