"""The environment of a run: processor, caches, kernel, packages; and why a fact is absent."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import opscope
from opscope.core.environment import Environment
from opscope.platforms import cpu

PACKAGES = ("numpy", "onnx", "onnxruntime", "openvino", "msgspec", "sqlalchemy")
"""Packages whose version can change a figure or how it is kept."""

_CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
_GOVERNOR = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")


def read_environment() -> Environment:
    """Return what this machine and process are, with a reason for each fact that is absent."""
    absent: dict[str, str] = {}
    name, extensions = cpu.describe()
    governor = _read(_GOVERNOR, "governor", absent)
    return Environment(
        opscope=opscope.__version__,
        python=platform.python_version(),
        system=_system(),
        kernel=platform.release(),
        cpu=name,
        cores=len(os.sched_getaffinity(0)),
        instruction_set=extensions,
        caches=_caches(absent),
        memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        governor=governor,
        virtual_machine=_virtual(),
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


def _caches(absent: dict[str, str]) -> dict[str, int]:
    caches: dict[str, int] = {}
    for index in sorted(_CACHES.glob("index*")):
        kind = _read(index / "type", "caches", absent)
        level = _read(index / "level", "caches", absent)
        size = _read(index / "size", "caches", absent)
        if kind and level and size and kind != "Instruction":
            caches[f"L{level}"] = _bytes(size)
    if not caches:
        absent.setdefault("caches", f"not available, because {_CACHES} lists none")
    return caches


def _bytes(size: str) -> int:
    units = {"K": 1024, "M": 1024**2, "G": 1024**3}
    return int(size[:-1]) * units[size[-1]] if size[-1] in units else int(size)


def _virtual() -> bool | None:
    try:
        return " hypervisor" in Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return None


def _packages() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
