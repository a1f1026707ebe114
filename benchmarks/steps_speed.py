"""How long step detection takes on 500 points, beside ruptures if that is installed.

Run: python benchmarks/steps_speed.py
"""

from __future__ import annotations

import importlib
import importlib.util
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from opscope.analysis.steps import find_steps
from opscope.stats.changepoints import Curve, running_median, segment_robustly

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

POINTS = 500
NOISE = 0.01


def curves() -> dict[str, NDArray[np.float64]]:
    """Return costs over 1 … 500 of each shape, with 1 % noise and 2 % outliers."""
    rng = np.random.default_rng(0)
    x = np.arange(1.0, POINTS + 1)
    truths = {f"steps of {p}": 0.2 + 0.2 * np.ceil(x / p) for p in (4, 8, 16, 32, 64)}
    truths["zig-zag of 16"] = 0.2 + 0.1 * np.floor(x / 16) + 0.07 * np.floor(x % 16 / 4)
    truths["line"] = 0.2 + 0.1 * x
    truths["parabola"] = 0.2 + 0.01 * x**2
    truths["flat"] = np.ones(POINTS)
    noisy = {}
    for name, truth in truths.items():
        slow = np.where(rng.random(POINTS) < 0.02, 1.5, 1.0)
        noisy[name] = truth * slow * (1 + NOISE * rng.standard_normal(POINTS))
    noisy["steps of 16, absolute noise"] = truths["steps of 16"] + 0.02 * rng.standard_normal(
        POINTS
    )
    noisy["noise alone"] = rng.uniform(1, 2, POINTS)
    return noisy


def milliseconds(call: Callable[[], Any], repeats: int = 7) -> float:
    """Return the least time of some calls."""
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
    return best * 1e3


def rivals(y: NDArray[np.float64]) -> dict[str, Callable[[], Any]]:
    """Return one segmentation at one penalty, on logarithms so that relative noise is even."""
    rpt = importlib.import_module("ruptures")
    signal = np.log(y)
    penalty = 3 * NOISE**2 * np.log(POINTS)
    return {
        "ruptures Pelt(l2)": lambda: rpt.Pelt("l2", min_size=1, jump=1).fit_predict(
            signal, penalty
        ),
        "ruptures Pelt(l1)": lambda: rpt.Pelt("l1", min_size=1, jump=1).fit_predict(
            signal, penalty
        ),
        "ruptures KernelCPD": lambda: rpt.KernelCPD("linear", min_size=1).fit_predict(
            signal, pen=penalty
        ),
    }


def main() -> None:
    """Print a line for each curve, the least of seven calls."""
    x = np.arange(1.0, POINTS + 1)
    counts = x.tolist()
    find_steps(counts[:50], counts[:50])
    noisy = curves()
    print(f"find_steps on {POINTS} points, least of 7 calls")
    for name, y in noisy.items():
        costs = y.tolist()
        took = milliseconds(partial(find_steps, counts, costs))
        print(f"  {name:30s} {took:8.2f} ms  {find_steps(counts, costs).verdict}")
    for shape in ("steps of 16", "line"):
        y = noisy[shape]
        print(f"only segmenting the {shape}")
        curve = Curve(x=x, y=y, scale=running_median(y))
        took = milliseconds(partial(segment_robustly, curve, 0.0))
        print(f"  {'own, six segmentations at once':30s} {took:8.2f} ms")
        if importlib.util.find_spec("ruptures") is None:
            print("  ruptures is not installed, so there is nothing to compare with")
            continue
        for name, call in rivals(y).items():
            took = milliseconds(call, 3)
            print(f"  {name + ', one':30s} {took:8.2f} ms  {len(call()) - 1} edges")


if __name__ == "__main__":
    main()
