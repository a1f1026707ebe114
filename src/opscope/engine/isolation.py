"""Keeping others from disturbing a measurement: priority, a core of its own, frequency.

What is changed is put back. What is not permitted is said, and measuring goes on without it.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TypeVar

from opscope.core.study import Protocol

T = TypeVar("T")

_HIGHEST = -20
_REALTIME = 10
_SHARED = "a shared core counts too"
_CPUS = Path("/sys/devices/system/cpu")
_BOUNDS = ("scaling_min_freq", "scaling_max_freq")

_GUARD = 'cat >/dev/null; while [ $# -gt 0 ]; do printf %s "$1" >"$2"; shift 2; done'
"""Waits for its input to end, then writes each of its arguments to the file after it."""

Said = Callable[[], tuple[str, ...]]
"""Says what is in force at this moment, and what was refused."""

Change = contextlib.AbstractContextManager[Callable[[], str]]


@contextlib.contextmanager
def isolated(protocol: Protocol, threads: int = 1) -> Iterator[Said]:
    """Isolate this process as the protocol asks; yield what says what is in force, what refused.

    Args:
        protocol: What is asked for.
        threads: How many compute, and so the cores to keep to.
    """
    wanted: list[tuple[bool, str, Callable[[], Change]]] = [
        (protocol.priority, "priority", _priority),
        (protocol.pin, "pinning", partial(_pinned, threads)),
        (protocol.realtime, "real-time scheduling", _realtime),
        (protocol.fixed_frequency, "fixed frequency", _fixed_frequency),
    ]
    shared = (_SHARED,) if protocol.shared_core else ()
    with contextlib.ExitStack() as held:
        done = [_tried(held, name, change) for asked, name, change in wanted if asked]
        yield lambda: (*(said() for said in done), *shared)


def _tried(
    held: contextlib.ExitStack, name: str, change: Callable[[], Change]
) -> Callable[[], str]:
    try:
        return held.enter_context(change())
    except (OSError, AttributeError) as exc:
        why = f"{name} not available, because {getattr(exc, 'strerror', None) or exc}"
        return lambda: why


@contextlib.contextmanager
def _priority() -> Iterator[Callable[[], str]]:
    read = partial(os.getpriority, os.PRIO_PROCESS)
    with _threads_are(_HIGHEST, read, partial(os.setpriority, os.PRIO_PROCESS)):
        yield lambda: f"priority {_HIGHEST}"


@contextlib.contextmanager
def _pinned(threads: int) -> Iterator[Callable[[], str]]:
    # Interrupts fall on the first cores by default.
    cores = set(sorted(os.sched_getaffinity(0))[-threads:])
    named = f"core{'s' if len(cores) > 1 else ''} {' and '.join(map(str, sorted(cores)))}"

    def said() -> str:
        if os.sched_getaffinity(0) != cores:
            return f"not pinned to {named}, because the runtime undid it"
        return f"pinned to {named}"

    with _threads_are(cores, os.sched_getaffinity, os.sched_setaffinity):
        yield said


@contextlib.contextmanager
def _realtime() -> Iterator[Callable[[], str]]:
    def read(thread: int) -> tuple[int, os.sched_param]:
        return os.sched_getscheduler(thread), os.sched_getparam(thread)

    def write(thread: int, value: tuple[int, os.sched_param]) -> None:
        os.sched_setscheduler(thread, *value)

    with _threads_are((os.SCHED_FIFO, os.sched_param(_REALTIME)), read, write):
        yield lambda: f"real-time priority {_REALTIME}"


@contextlib.contextmanager
def _threads_are(
    value: T, read: Callable[[int], T], write: Callable[[int, T], object]
) -> Iterator[None]:
    """Set something of every thread, since runtimes start theirs when they load; then put it back.

    Raises:
        OSError: If that is not permitted.
    """
    own, before = read(0), {}
    for thread in _threads():
        with contextlib.suppress(ProcessLookupError):  # it has ended
            before[thread] = read(thread)
    write(0, value)
    try:
        for thread in before:
            with contextlib.suppress(ProcessLookupError):
                write(thread, value)
        yield
    finally:
        for thread in _threads():  # those that began meanwhile, too
            with contextlib.suppress(ProcessLookupError):
                write(thread, before.get(thread, own))


def _threads() -> list[int]:
    return [int(task.name) for task in Path("/proc/self/task").iterdir()]


@contextlib.contextmanager
def _fixed_frequency() -> Iterator[Callable[[], str]]:
    """Lock every core to its base frequency, or to its highest where no base is known."""
    folders = sorted(_CPUS.glob("cpu[0-9]*/cpufreq"))
    if not folders:
        raise OSError(0, f"{_CPUS}/cpu*/cpufreq does not exist")
    fixed = set()
    with _put_back([folder / name for folder in folders for name in _BOUNDS]):
        for folder in folders:
            base = folder / "base_frequency"
            source = base if base.exists() else folder / "cpuinfo_max_freq"
            frequency = source.read_text(encoding="ascii").strip()
            for name in reversed(_BOUNDS):
                (folder / name).write_text(frequency, encoding="ascii")
            fixed.add(float(frequency) / 1e6)
        yield lambda: f"frequency fixed at {' to '.join(f'{end:g}' for end in _ends(fixed))} GHz"


@contextlib.contextmanager
def _put_back(paths: Iterable[Path]) -> Iterator[None]:
    """Have a process write what these files hold now, however this one ends, in their order."""
    content = [part for path in paths for part in (path.read_text(encoding="ascii"), str(path))]
    guard = subprocess.Popen(
        ["/bin/sh", "-c", _GUARD, "sh", *content],
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # what ends this process does not end it
    )
    with guard:  # its input ends with this process
        yield


def _ends(values: Collection[float]) -> list[float]:
    return sorted({min(values), max(values)})
