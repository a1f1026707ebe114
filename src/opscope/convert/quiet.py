"""Keeps what native libraries print from the user, and at hand for the reason of a failure."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from typing import TextIO


@contextlib.contextmanager
def quiet() -> Iterator[Callable[[], str]]:
    """Keep back all that is written to standard output and error; yield what tells it.

    Converters and runtimes print from C, past Python's streams. The whole process is quiet
    meanwhile, so nothing that is timed or that talks to the user belongs in here.
    """
    with tempfile.TemporaryFile() as file:
        _flush()
        kept = {number: os.dup(number) for number in (1, 2)}

        def said() -> str:
            _flush()
            return os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0).decode(
                errors="replace"
            )

        for number in kept:
            os.dup2(file.fileno(), number)
        # Python's streams may lead elsewhere. What keeps these two is not left with closed ones.
        out, err = map(_text, kept)
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                yield said
        finally:
            for stream in (out, err):
                stream.flush()
            _flush()
            for number, copy in kept.items():
                os.dup2(copy, number)
                os.close(copy)


def _text(number: int) -> TextIO:
    return open(number, "w", encoding="utf-8", closefd=False)


def _flush() -> None:
    """Empty the buffers of Python and of C."""
    sys.stdout.flush()
    sys.stderr.flush()
    ctypes.CDLL(None).fflush(None)
