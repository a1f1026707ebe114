"""How benchmarks measure and print: a median of many runs beside its target."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable


def median_s(action: Callable[[], object], *, runs: int = 30, warmup: int = 3) -> float:
    """Return the median wall time of ``action``, in seconds."""
    for _ in range(warmup):
        action()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def show(figure: str, value: float, unit: str, target: float | None = None) -> None:
    """Print one figure, and whether it is within its target."""
    if target is None:
        verdict = ""
    else:
        verdict = f"target <= {target:g} {unit}: {'reached' if value <= target else 'MISSED'}"
    print(f"{figure:<58} {value:10.3f} {unit:<12} {verdict}")
