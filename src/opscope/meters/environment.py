"""The environment of a run: processor, caches, kernel, packages; and why a fact is absent."""

from __future__ import annotations

import itertools
import os
import platform
import statistics
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import opscope
from opscope.core.environment import Environment
from opscope.meters.container import container_limits
from opscope.platforms import cpu

PACKAGES = (
    *("numpy", "onnx", "onnxruntime", "openvino", "ai-edge-litert", "ai-edge-quantizer"),
    *("torch", "torchao", "executorch", "MNN", "ncnn", "pnnx", "opencv-python-headless"),
    *("tensorrt-cu13", "onnxruntime-gpu", "onnxruntime-qnn", "msgspec", "sqlalchemy"),
)
"""Packages whose version can change a figure or how it is kept."""

_CPUS = Path("sys/devices/system/cpu")
_CLOCK = Path("sys/devices/system/clocksource/clocksource0/current_clocksource")
_UNITS = {"K": 1024, "M": 1024**2, "G": 1024**3}
_READINGS = 1001


def read_environment(root: Path = Path("/")) -> Environment:
    """Return what this machine and process are, with a reason for each fact that is absent.

    Args:
        root: Folder that holds ``proc`` and ``sys``.
    """
    absent: dict[str, str] = {}
    name, extensions = cpu.describe()
    memory = _memory(root / "proc/meminfo", absent)
    allowed = tuple(sorted(os.sched_getaffinity(0)))
    limits = container_limits(root, absent)
    return Environment(
        opscope=opscope.__version__,
        python=platform.python_version(),
        system=_system(),
        kernel=platform.release(),
        cpu=name,
        cores=len(allowed),
        processors=os.cpu_count(),
        allowed=allowed,
        instruction_set=extensions,
        caches=_caches(root / _CPUS / "cpu0/cache", absent),
        memory_bytes=memory.get("MemTotal"),
        available_bytes=memory.get("MemAvailable"),
        swap_used_bytes=memory["SwapTotal"] - memory["SwapFree"] if "SwapFree" in memory else None,
        cpu_limit=limits.processors,
        memory_limit_bytes=limits.memory_bytes,
        governor=_read(root / _CPUS / "cpu0/cpufreq/scaling_governor", "governor", absent),
        turbo=_turbo(root / _CPUS, absent),
        virtual_machine=_virtual(root / "proc/cpuinfo"),
        clock_source=_read(root / _CLOCK, "clock_source", absent),
        timer_s=_timer_s(),
        packages=_packages(),
        absent=absent,
    )


def _read(path: Path, fact: str, absent: dict[str, str]) -> str | None:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as exc:
        absent[fact] = f"not available, because {path} cannot be read: {exc.strerror}"
        return None


def _system() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    except OSError:
        return platform.system()


def _caches(folder: Path, absent: dict[str, str]) -> dict[str, int]:
    caches: dict[str, int] = {}
    for index in sorted(folder.glob("index*")):
        kind = _read(index / "type", "caches", absent)
        level = _read(index / "level", "caches", absent)
        size = _read(index / "size", "caches", absent)
        if kind and level and size and kind != "Instruction":
            caches[f"L{level}"] = _bytes(size)
    if not caches:
        absent.setdefault("caches", f"not available, because {folder} lists none")
    return caches


def _bytes(size: str) -> int:
    return int(size[:-1]) * _UNITS[size[-1]] if size[-1] in _UNITS else int(size)


def _memory(path: Path, absent: dict[str, str]) -> dict[str, int]:
    """Return the fields of ``/proc/meminfo`` in bytes."""
    text = _read(path, "memory_bytes", absent) or ""
    lines = (line.split() for line in text.splitlines())
    return {name.rstrip(":"): int(kilobytes) * 1024 for name, kilobytes, *_ in lines}


def _turbo(folder: Path, absent: dict[str, str]) -> bool | None:
    """Return whether the clock may rise above its base, as Intel's driver or any other says."""
    for name, on in (("intel_pstate/no_turbo", "0"), ("cpufreq/boost", "1")):
        if (folder / name).exists():
            setting = _read(folder / name, "turbo", absent)
            return None if setting is None else setting == on
    absent["turbo"] = (
        f"not available, because {folder} has neither intel_pstate/no_turbo nor cpufreq/boost"
    )
    return None


def _virtual(path: Path) -> bool | None:
    try:
        return " hypervisor" in path.read_text(encoding="utf-8")
    except OSError:
        return None


def _timer_s() -> float:
    readings = [time.perf_counter_ns() for _ in range(_READINGS)]
    return statistics.median(later - now for now, later in itertools.pairwise(readings)) / 1e9


def _packages() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
