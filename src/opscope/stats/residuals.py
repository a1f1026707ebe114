"""Whether what is left over hangs on something it should not: time, order, what ran before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

_LEAST_POINTS = 8
_LIMIT = 4.2
"""Of Fisher's z of a rank correlation, in standard errors: with three covariates, one figure in a
thousand or so is blamed by chance (tests/stats/test_residuals.py)."""


def dependence(
    values: Sequence[float], covariates: Mapping[str, Sequence[float]], least: float
) -> str:
    """Return what ``values`` hang on, as in ``time (by 4%)``, or nothing.

    Named is a covariate whose rank correlation with the values is significant and across which
    they change by more than ``least``: the upper half's median over the lower half's.

    Args:
        values: One of each round, positive.
        covariates: By name, one number of each round.
        least: Smallest relative change that matters.
    """
    if len(values) < _LEAST_POINTS:
        return ""
    y = np.asarray(values)
    for name, numbers in covariates.items():
        x = np.asarray(numbers, dtype=np.float64)
        if np.ptp(x) == 0:
            continue
        upper = x > np.median(x)
        if not upper.any():
            upper = x >= np.median(x)
        change = float(np.median(y[upper]) / np.median(y[~upper])) - 1
        if abs(change) > least and abs(_fisher_z(x, y)) > _LIMIT:
            return f"{name} (by {abs(change):.0%})"
    return ""


def _fisher_z(x: np.ndarray, y: np.ndarray) -> float:
    """Return the standardised rank correlation (Fieller, Hartley & Pearson, Biometrika 1957)."""
    correlation = float(np.corrcoef(_ranks(x), _ranks(y))[0, 1])
    bounded = min(max(correlation, -0.999999), 0.999999)
    return float(np.arctanh(bounded) * np.sqrt((len(x) - 3) / 1.06))


def _ranks(values: np.ndarray) -> np.ndarray:
    """Return ranks from 0, ties sharing their mean."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray((ends - (counts + 1) / 2)[inverse])
