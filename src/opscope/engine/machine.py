"""What a worker asks of the machine: the lock for timed work, memory and time limits.

Linux calls are confined to this file.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import gc
import os
import resource
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

_SPARE = 0.1
_PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int) -> None:
    """Have the kernel end this process when its parent ends, however that happens."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before we asked
        os._exit(1)


def limit_memory() -> int | None:
    """Bound this process's data to the memory that is free now, less a tenth; return the bound.

    A job that eats memory then fails alone, before the kernel starts ending other processes.
    """
    available = _available_bytes()
    if available is None:
        return None
    _, hardest = resource.getrlimit(resource.RLIMIT_DATA)
    bound = int(available * (1 - _SPARE))
    if hardest != resource.RLIM_INFINITY:
        bound = min(bound, hardest)
    resource.setrlimit(resource.RLIMIT_DATA, (bound, bound))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    return bound


def _available_bytes() -> int | None:
    with contextlib.suppress(OSError):
        for line in Path("/proc/meminfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return None


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """End this process by SIGALRM if the block takes longer, even inside a runtime's own code."""
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


@contextlib.contextmanager
def sole_timing(waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the machine's lock for timed work; call ``waiting`` if somebody else has it.

    The lock ends with the process that holds it, so a crash never leaves it behind.
    """
    descriptor = _open_lock(Path(tempfile.gettempdir()) / "opscope-timing.lock")
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _open_lock(path: Path) -> int:
    """Open the lock file, which another user may have made: to lock it, reading is enough."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return os.open(path, flags)
    except FileNotFoundError:
        return os.open(path, flags | os.O_CREAT, 0o644)


@contextlib.contextmanager
def no_collections() -> Iterator[None]:
    """Keep Python's garbage collector out of the block, whose calls are being timed."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
