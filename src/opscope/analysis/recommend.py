"""Which counts are worth using, given what each costs. Does not look for steps itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from opscope.stats.changepoints import student_quantile
from opscope.stats.noise import local_noise
from opscope.stats.outliers import MOST

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from opscope.stats.changepoints import Curve, Floats
    from opscope.stats.evidence import SegmentFit

NEGLIGIBLE = 0.01
"""A relative difference in cost that no design decision rests on."""

_OFF = 4.0  # sigma; one point in 16,000 lies as far off a fit that describes it
_MISFIT = 2.0  # noise estimates from few points differ by less
_NORMAL = 1.96
_UNDERSTATED = 3.0
"""Repeated studies of a layer scatter more than the intervals of each: 2.1 and 2.7 times, rms."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Noise:
    """Each point's standard deviation; `vouched` where measured intervals bound it."""

    sigma: Floats
    vouched: bool

    def between(self, i: int, j: int) -> float:
        """Return how far points i and j must differ to be told apart, 95 %."""
        return _NORMAL * float(np.hypot(self.sigma[i], self.sigma[j]))

    def apart(self) -> Floats:
        """Return the same for every two points, shape (n, n)."""
        return _NORMAL * np.hypot(self.sigma[:, None], self.sigma[None, :])


def point_noise(curve: Curve, half: Floats | None, scatter: float | None) -> Noise:
    """Return the noise of single points, which no misfit inflates.

    Args:
        curve: The points.
        half: Half widths of their 95 % intervals, if measured.
        scatter: Of the points about a fit that describes them, in units of `curve.scale`; taken
            for noise unless it is far more than the points themselves show.
    """
    local = local_noise(curve)
    believed = local if scatter is None or scatter > _MISFIT * local else scatter
    sigma = curve.scale * believed
    if half is None:
        return Noise(sigma=sigma, vouched=False)
    least = half / _NORMAL
    return Noise(sigma=np.clip(sigma, least, _UNDERSTATED * least), vouched=True)


def recommend(
    curve: Curve, cost: Floats | None, margin: Floats | None, noise: Noise
) -> tuple[float, ...]:
    """Return the counts to keep, judged by a fit where points agree with it, else by the points.

    A point faster than the fit stands for itself, since nothing disturbs a call to be fast; a
    slower one if its interval vouches for it, else it was disturbed. Where more points disagree
    than can be outliers the fit describes nothing, and every point stands for itself.

    Args:
        curve: The points, shape (n,).
        cost: The fit at each count, or none.
        margin: As for `keep_counts`, between fitted costs.
        noise: Of the points.
    """
    if cost is None:
        own, cost = np.ones(len(curve), dtype=np.bool_), curve.y
    else:
        off = curve.y - cost
        bound = np.maximum(2 * NEGLIGIBLE * np.abs(cost), _OFF * noise.sigma)
        own = (off < -bound) | (noise.vouched & (off > bound))
        if np.mean(np.abs(off) > bound) > MOST:
            own[:] = True
    cost = np.where(own, curve.y, cost)
    apart = np.maximum(noise.apart(), NEGLIGIBLE * np.abs(cost)[:, None])
    if not own.all() and margin is None:
        margin = np.zeros_like(apart)
    if margin is not None:  # a fit knows no less than two points
        apart = np.where(own[:, None] | own[None, :], apart, np.minimum(margin, apart))
    return keep_counts(curve.x, cost, apart)


def keep_counts(x: Floats, cost: Floats, margin: Floats | None = None) -> tuple[float, ...]:
    """Return the counts that no larger count kept equals or beats in cost.

    Serves staircases (the last count of each step stays) and zig-zags (counts above the next
    local minimum go) alike. Since the larger count must itself be kept, whatever goes has a
    substitute, and costs that creep up by less than the margin do not all go.

    Args:
        x: Counts, increasing, shape (n,).
        cost: What each count costs, shape (n,).
        margin: How much dearer the larger count j must be than i to count as slower, shape
            (n, n); zero when the costs are exact.

    Source: behaviour study, Sec. 4.1, the implication of finding 1; App. B.2 for zig-zags.
    """
    kept = np.empty(len(x), dtype=np.int64)
    number = 0
    for i in reversed(range(len(x))):
        larger = kept[:number]
        room = 0.0 if margin is None else margin[i, larger]
        if not np.any(cost[larger] <= cost[i] + room):
            kept[number] = i
            number += 1
    return tuple(x[kept[:number][::-1]].tolist())


def level_margin(fit: SegmentFit, labels: NDArray[np.int64], sigma: float) -> Floats:
    """Return the 95 % half width of the difference of two fitted points' levels.

    Points of one segment share their level, so its error cancels and only the slope tells them
    apart. Shape (n, n) for n labels.
    """
    variance = 1 / fit.weight[labels] * sigma**2
    degrees = round(float(len(labels) - fit.size))
    width = student_quantile(max(degrees, 1)) * np.sqrt(variance[:, None] + variance[None, :])
    return np.where(labels[:, None] == labels[None, :], 0.0, width)
