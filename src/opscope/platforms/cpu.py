"""The processor this machine computes with, as the kernel describes it."""

from __future__ import annotations

import functools
import platform
from pathlib import Path

VECTOR_EXTENSIONS = (
    *("sse4_2", "avx", "avx2", "fma", "f16c", "avx_vnni"),
    *("avx512f", "avx512bw", "avx512vl", "avx512_vnni", "avx512_bf16", "avx512_fp16"),
    *("amx_tile", "amx_int8", "amx_bf16"),
    *("asimd", "asimdhp", "asimddp", "i8mm", "bf16", "sve", "sve2"),
)
"""Flags by which CPU runtimes choose their kernels, x86 and Arm."""


@functools.cache
def describe() -> tuple[str, tuple[str, ...]]:
    """Return the processor's name and which of `VECTOR_EXTENSIONS` it has."""
    try:
        fields = _fields(Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    except OSError:
        fields = {}
    flags = set((fields.get("flags") or fields.get("Features") or "").split())
    name = fields.get("model name") or fields.get("CPU part") or platform.machine()
    return name, tuple(flag for flag in VECTOR_EXTENSIONS if flag in flags)


def _fields(text: str) -> dict[str, str]:
    """Return the first processor's fields."""
    lines = (line.partition(":") for line in text.split("\n\n", maxsplit=1)[0].splitlines())
    return {key.strip(): value.strip() for key, _, value in lines}
