"""Keeps what native libraries print from the user, and at hand for the reason of a failure."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
import tempfile
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def quiet() -> Iterator[Callable[[], str]]:
    """Keep back all that is written to standard output and error; yield what tells it.

    Converters and runtimes print from C, past Python's streams. The whole process is quiet
    meanwhile, so nothing that is timed or that talks to the user belongs in here.
    """
    with tempfile.TemporaryFile() as file:
        _flush()
        kept = {stream: os.dup(stream) for stream in (1, 2)}

        def said() -> str:
            _flush()
            return os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0).decode(
                errors="replace"
            )

        for stream in kept:
            os.dup2(file.fileno(), stream)
        try:
            yield said
        finally:
            _flush()
            for stream, copy in kept.items():
                os.dup2(copy, stream)
                os.close(copy)


def _flush() -> None:
    """Empty the buffers of Python and of C."""
    sys.stdout.flush()
    sys.stderr.flush()
    ctypes.CDLL(None).fflush(None)
