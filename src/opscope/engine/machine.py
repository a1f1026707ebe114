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
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from opscope.errors import MeasurementError

OPENING_LIMIT_S = 120.0
"""How long a platform may take to open."""

LOCK_VARIABLE = "OPSCOPE_TIMING_LOCK"
"""Names another file to lock for timed work than the machine's."""

_LOCK_FOLDERS = (Path("/run/lock"), Path("/tmp"))  # noqa: S108 - a lock file holds nothing
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

    Raises:
        MeasurementError: If the lock's file can neither be made nor read.
    """
    place = _lock_place()
    try:
        descriptor = _open_lock(place)
    except OSError as exc:
        raise MeasurementError(
            f"the lock for timed work cannot be opened: {exc.strerror}",
            where=str(place),
            remedy=f"Let everybody read that file, or name another one in {LOCK_VARIABLE}.",
        ) from exc
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _lock_place() -> Path:
    """Return the lock's file: the same for every user, so a folder where everybody may make one."""
    if named := os.environ.get(LOCK_VARIABLE):
        return Path(named)
    shared = (folder for folder in _LOCK_FOLDERS if _is_shared(folder))
    return next(shared, _LOCK_FOLDERS[-1]) / "opscope-timing.lock"


def _is_shared(folder: Path) -> bool:
    everybody = stat.S_IWOTH | stat.S_IXOTH | stat.S_ISVTX
    return folder.is_dir() and folder.stat().st_mode & everybody == everybody


def _open_lock(path: Path) -> int:
    """Open the lock file, which another user may have made: to lock it, reading is enough."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
    with contextlib.suppress(FileNotFoundError):
        return os.open(path, flags)
    usual = os.umask(0o022)  # others must be able to read it
    try:
        return os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o644)
    except FileExistsError:  # since a moment ago
        return os.open(path, flags)
    finally:
        os.umask(usual)


def keep_for_good() -> None:
    """Have the garbage collector pass over all that is there now, such as a runtime's modules."""
    gc.collect()
    gc.freeze()


@contextlib.contextmanager
def no_collections() -> Iterator[None]:
    """Keep Python's garbage collector out of the block, whose calls are being timed."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
