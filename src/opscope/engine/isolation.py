"""Keeping others from disturbing a measurement: priority, a core of its own, frequency.

What is changed is put back. What is not permitted is said, and measuring goes on without it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from opscope.core.study import Protocol

_HIGHEST = -20
_REALTIME = 10
_SHARED = "a shared core counts too"
_CPUS = Path("/sys/devices/system/cpu")


@contextlib.contextmanager
def isolated(protocol: Protocol) -> Iterator[tuple[str, ...]]:
    """Isolate this process as the protocol asks; yield what was done and what was refused."""
    wanted: list[tuple[bool, str, Callable[[], contextlib.AbstractContextManager[str]]]] = [
        (protocol.priority, "priority", _priority),
        (protocol.pin, "pinning", _pinned),
        (protocol.realtime, "real-time scheduling", _realtime),
        (protocol.fixed_frequency, "fixed frequency", _fixed_frequency),
    ]
    shared = (_SHARED,) if protocol.shared_core else ()
    with contextlib.ExitStack() as held:
        done = (_tried(held, name, change) for asked, name, change in wanted if asked)
        yield (*done, *shared)


def _tried(
    held: contextlib.ExitStack,
    name: str,
    change: Callable[[], contextlib.AbstractContextManager[str]],
) -> str:
    try:
        return held.enter_context(change())
    except (OSError, AttributeError) as exc:
        return f"{name} not available, because {getattr(exc, 'strerror', None) or exc}"


@contextlib.contextmanager
def _priority() -> Iterator[str]:
    before = os.getpriority(os.PRIO_PROCESS, 0)
    os.setpriority(os.PRIO_PROCESS, 0, _HIGHEST)
    try:
        yield f"priority {_HIGHEST}"
    finally:
        os.setpriority(os.PRIO_PROCESS, 0, before)


@contextlib.contextmanager
def _pinned() -> Iterator[str]:
    before = os.sched_getaffinity(0)
    core = max(before)  # interrupts fall on the first cores by default
    os.sched_setaffinity(0, {core})
    try:
        yield f"pinned to core {core}"
    finally:
        os.sched_setaffinity(0, before)


@contextlib.contextmanager
def _realtime() -> Iterator[str]:
    policy, before = os.sched_getscheduler(0), os.sched_getparam(0)
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(_REALTIME))
    try:
        yield f"real-time priority {_REALTIME}"
    finally:
        os.sched_setscheduler(0, policy, before)


@contextlib.contextmanager
def _fixed_frequency() -> Iterator[str]:
    """Lock every core to its base frequency, or to its highest where no base is known."""
    folders = sorted(_CPUS.glob("cpu[0-9]*/cpufreq"))
    if not folders:
        raise OSError(0, f"{_CPUS}/cpu*/cpufreq does not exist")
    fixed = set()
    with contextlib.ExitStack() as undo:
        for folder in folders:
            base = folder / "base_frequency"
            source = base if base.exists() else folder / "cpuinfo_max_freq"
            frequency = source.read_text(encoding="ascii").strip()
            for name in ("scaling_max_freq", "scaling_min_freq"):
                path = folder / name
                undo.callback(path.write_text, path.read_text(encoding="ascii"), "ascii")
                path.write_text(frequency, encoding="ascii")
            fixed.add(float(frequency) / 1e6)
        yield f"frequency fixed at {' to '.join(f'{end:g}' for end in _ends(fixed))} GHz"


def _ends(values: Collection[float]) -> list[float]:
    return sorted({min(values), max(values)})
