"""What a container grants its processes: processor time and memory, by control groups 1 and 2."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from opscope.core.record import Record

_MOUNT = Path("sys/fs/cgroup")
_ENDLESS = 1 << 62
"""Version 1 writes a number near 2**63 for memory without a limit."""


class Limits(Record, frozen=True, kw_only=True):
    """What is granted at most; absent where there is no limit or none can be read.

    Attributes:
        processors: Processors' worth of time.
    """

    processors: float | None = None
    memory_bytes: int | None = None


def container_limits(root: Path, absent: dict[str, str]) -> Limits:
    """Return the tightest limits of this process's control group and of those around it.

    Args:
        root: Folder that holds ``proc`` and ``sys``.
        absent: Takes the reason for each limit that cannot be known.
    """
    try:
        groups = _groups((root / "proc/self/cgroup").read_text(encoding="utf-8"))
    except OSError as exc:
        for fact in ("cpu_limit", "memory_limit_bytes"):
            absent[fact] = f"not available, because /proc/self/cgroup: {exc.strerror}"
        return Limits()
    processors = _tightest("cpu", groups, root, _processors, "cpu_limit", absent)
    memory = _tightest("memory", groups, root, _memory, "memory_limit_bytes", absent)
    return Limits(
        processors=processors,
        memory_bytes=None if memory is None or memory >= _ENDLESS else int(memory),
    )


def _groups(text: str) -> dict[str, str]:
    """Return the process's group by controller; version 2 has the empty name for all."""
    lines = (line.split(":", 2) for line in text.splitlines() if line.count(":") > 1)
    return {name: path for _, names, path in lines for name in names.split(",")}


def _tightest(
    controller: str,
    groups: dict[str, str],
    root: Path,
    read: Callable[[Path], float | None],
    fact: str,
    absent: dict[str, str],
) -> float | None:
    """Return the least limit; a controller that governs nothing limits nothing."""
    mount = root / _MOUNT
    if controller in groups:
        folders = list(_upwards(mount / controller, groups[controller]))
    elif (mount / "cgroup.controllers").exists():
        folders = list(_upwards(mount, groups.get("", "/")))
    else:
        absent[fact] = f"not available, because {mount} shows no {controller} controller"
        return None
    try:
        found = [limit for folder in folders if (limit := read(folder)) is not None]
    except (OSError, ValueError) as exc:
        absent[fact] = f"not available, because {mount} cannot be understood: {exc}"
        return None
    return min(found, default=None)


def _upwards(mount: Path, group: str) -> Iterator[Path]:
    """Yield the group's folder and those around it; a container may see the mount alone."""
    folder = mount / group.lstrip("/")
    yield from (inner for inner in (folder, *folder.parents) if inner.is_relative_to(mount))


def _processors(folder: Path) -> float | None:
    if (folder / "cpu.max").exists():
        quota, period = (folder / "cpu.max").read_text(encoding="ascii").split()
    elif (folder / "cpu.cfs_quota_us").exists():
        quota, period = (
            (folder / name).read_text(encoding="ascii").strip()
            for name in ("cpu.cfs_quota_us", "cpu.cfs_period_us")
        )
    else:
        return None
    return None if quota in {"max", "-1"} else int(quota) / int(period)


def _memory(folder: Path) -> float | None:
    for name in ("memory.max", "memory.limit_in_bytes"):
        if (folder / name).exists():
            text = (folder / name).read_text(encoding="ascii").strip()
            return None if text == "max" else int(text)
    return None
