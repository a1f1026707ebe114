"""Which counts are worth using, given what each costs. Does not look for steps itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from opscope.stats.changepoints import student_quantile

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from opscope.stats.changepoints import Floats
    from opscope.stats.evidence import SegmentFit


def keep_counts(x: Floats, cost: Floats, margin: Floats | None = None) -> tuple[float, ...]:
    """Return the counts that no larger count equals or beats in cost.

    Serves staircases (the last count of each step stays) and zig-zags (counts above the next
    local minimum go) alike.

    Args:
        x: Counts, increasing, shape (n,).
        cost: What each count costs, fitted rather than raw, shape (n,).
        margin: How much dearer the larger count j must be than i to count as slower, shape
            (n, n); zero when the costs are exact.

    Source: behaviour study, Sec. 4.1, the implication of finding 1; App. B.2 for zig-zags.
    """
    needed = cost[:, None] if margin is None else cost[:, None] + margin
    no_slower = np.triu(cost[None, :] <= needed, k=1)
    return tuple(float(count) for count in x[~no_slower.any(axis=1)])


def level_margin(fit: SegmentFit, labels: NDArray[np.int64], sigma: float) -> Floats:
    """Return the 95 % half width of the difference of two fitted points' levels.

    Points of one segment share their level, so its error cancels and only the slope tells them
    apart. Shape (n, n) for n labels.
    """
    variance = 1 / fit.weight[labels] * sigma**2
    degrees = round(float(len(labels) - fit.size))
    width = student_quantile(max(degrees, 1)) * np.sqrt(variance[:, None] + variance[None, :])
    return np.where(labels[:, None] == labels[None, :], 0.0, width)
