"""Distribution: how the ratios of a comparison spread over its configurations, and which stand out.

Ratios are taken by their logarithms: twice as fast lies as far from 1 as half as fast.
"""

from __future__ import annotations

import math
from statistics import median

from opscope.core.comparison import Compared, Comparison
from opscope.core.record import Record

_LEAST = 8
_FAR = 3.5
_SIGMA = 1.4826


class Bin(Record, frozen=True, kw_only=True):
    """Configurations whose ratio B over A is at least ``low`` and below ``high``."""

    low: float
    high: float
    count: int


class Distribution(Record, frozen=True, kw_only=True):
    """The ratios of all configurations together.

    Attributes:
        bins: Equally wide in the logarithm, over all ratios; the last includes its end.
        outliers: Configurations more than 3.5 robust standard deviations (1.4826 times the median
            absolute deviation) from the median of the logarithms, the farthest first; none are
            told from fewer than eight ratios.
    """

    bins: tuple[Bin, ...] = ()
    outliers: tuple[Compared, ...] = ()


def distribution(found: Comparison) -> Distribution:
    """Return how the ratios of a comparison spread."""
    known = [(math.log(item.ratio), item) for item in found.configurations if item.ratio]
    if not known:
        return Distribution()
    logs = [value for value, _ in known]
    center = median(logs)
    sigma = _SIGMA * median([abs(value - center) for value in logs])
    far = [
        (abs(value - center), item) for value, item in known if abs(value - center) > _FAR * sigma
    ]
    told = len(known) >= _LEAST and sigma > 0
    ranked = sorted(far, key=lambda pair: -pair[0]) if told else []
    return Distribution(bins=_bins(logs), outliers=tuple([item for _, item in ranked]))


def _bins(logs: list[float]) -> tuple[Bin, ...]:
    """Return Sturges' number of bins, or the only one where all ratios are the same."""
    low, high = min(logs), max(logs)
    if low == high:
        return (Bin(low=math.exp(low), high=math.exp(high), count=len(logs)),)
    number = math.ceil(math.log2(len(logs))) + 1
    width = (high - low) / number
    counts = [0] * number
    for value in logs:
        counts[min(number - 1, int((value - low) / width))] += 1
    return tuple(
        Bin(
            low=math.exp(low + place * width),
            high=math.exp(low + (place + 1) * width),
            count=count,
        )
        for place, count in enumerate(counts)
    )
