"""How often step detection is right, by noise, points per step and shape.

Run: python benchmarks/step_accuracy.py [scenarios per cell]
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np

from opscope.analysis.steps import find_steps

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from opscope.analysis.steps import Steps

    Floats = NDArray[np.float64]

NOISES = (0.002, 0.01, 0.02, 0.03)
PERIOD = 16.0
RISE = 0.3


def disturb(rng: np.random.Generator, truth: Floats, noise: float, outliers: float) -> Floats:
    """Return relative noise with an upward tail, and some points 20 to 300 % too slow."""
    tail = 0.5 * rng.exponential(size=len(truth)) * (rng.random(len(truth)) < 0.3)
    y = truth * (1 + noise * (rng.standard_normal(len(truth)) + tail))
    slow = rng.random(len(truth)) < outliers
    y[slow] *= 1 + rng.uniform(0.2, 3.0, int(slow.sum()))
    return np.asarray(y)


def staircase(rng: np.random.Generator, x: Floats) -> Floats:
    """Return steps of 16 with random phase, rises that differ by 20 %, and sometimes a slope."""
    index = np.ceil((x - rng.uniform(0, PERIOD)) / PERIOD).astype(np.int64)
    index -= index[0]
    rises = RISE * rng.uniform(0.8, 1.2, index[-1] + 1)
    levels = np.concatenate([[0.0], np.cumsum(rises[1:])])
    return np.asarray(0.3 + levels[index] + rng.choice([0.0, 0.003]) * x)


def edge_cells(scenarios: int, outliers: float, missing: float) -> None:
    """Print a row per number of points in a step."""
    print(
        f"\nstaircases of period 16 over 8 steps, {outliers:.0%} outliers, {missing:.0%} missing:"
    )
    print("share called steps / with a period stated / of those true within its interval")
    print("points per step  " + "".join(f"{f'noise {noise:.1%}':>22s}" for noise in NOISES))
    for spacing in (1.0, 2.0, 4.0, 16 / 3, 8.0):
        row = f"{PERIOD / spacing:15.0f}  "
        for noise in NOISES:
            rng = np.random.default_rng(int(spacing * 100 + noise * 1e4))
            found: list[Steps] = []
            for _ in range(scenarios):
                x = np.arange(spacing, 137.0, spacing)
                x = x[rng.random(len(x)) >= missing]
                y = disturb(rng, staircase(rng, x), noise, outliers)
                found.append(find_steps(x.tolist(), y.tolist()))
            steps = np.mean([one.verdict == "steps" for one in found])
            stated = [one.period_interval for one in found if one.period_interval is not None]
            held = np.mean([low <= PERIOD <= high for low, high in stated]) if stated else 0.0
            row += f"{f'{steps:.0%} / {len(stated) / scenarios:.0%} / {held:.0%}':>22s}"
        print(row)


def shapes() -> dict[str, Callable[[np.random.Generator, Floats], Floats]]:
    """Return makers of the other shapes, by the verdict each deserves."""
    return {
        "linear": lambda rng, x: 0.3 + rng.uniform(0.003, 0.05) * x,
        "flat": lambda rng, x: np.full(len(x), rng.uniform(0.1, 10)),
        "quadratic": lambda rng, x: 0.3 + rng.uniform(4e-4, 2e-3) * x**2,
        "zig-zag": lambda _, x: 0.2 + 0.1 * np.floor(x / 16) + 0.07 * np.floor(x % 16 / 4),
        "irregular": lambda rng, x: rng.uniform(0.5, 2.0, len(x)),
    }


def shape_cells(scenarios: int) -> None:
    """Print a row per shape and grid."""
    print("\nother shapes over 1 … 136, 5 % outliers: share right / called steps")
    print("shape, grid      " + "".join(f"{f'noise {noise:.1%}':>22s}" for noise in NOISES))
    for name, make in shapes().items():
        for spacing in (1.0, 4.0, 8.0, 16.0):
            if name == "zig-zag" and spacing > 8:
                continue
            row = f"{name + f', {spacing:g}':15s}  "
            for noise in NOISES:
                rng = np.random.default_rng(int(spacing * 100 + noise * 1e4))
                x = np.arange(spacing, 137.0, spacing)
                found = [
                    find_steps(x.tolist(), disturb(rng, make(rng, x), noise, 0.05).tolist()).verdict
                    for _ in range(scenarios)
                ]
                right = sum(one == name for one in found)
                wrong = found.count("steps")
                row += f"{f'{right / scenarios:.0%} / {wrong / scenarios:.0%}':>22s}"
            print(row)


def main() -> None:
    """Print all tables."""
    scenarios = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    edge_cells(scenarios, outliers=0.0, missing=0.0)
    edge_cells(scenarios, outliers=0.05, missing=0.2)
    shape_cells(scenarios)


if __name__ == "__main__":
    main()
