"""Sharing: whether the core was shared, from contention that was read elsewhere."""

from __future__ import annotations

import math
from collections.abc import Sequence

from opscope.stats.location import percentiles

_SHARED = 1.3
"""Contention so many times as high as when the core is alone says that it is shared. It was 1.1 to
1.3 alone and 1.5 to 1.9 shared, so that what is never alone is not taken for both by turns either
(docs/instrument.md)."""

_ALONE_PERCENTILE = 0.5
"""Even a neighbour who never rests leaves the core alone for moments; a single reading may err."""


def contention_alone(values: Sequence[float]) -> float:
    """Return how high contention is while the core is alone, from many readings of any moment."""
    return percentiles(values, _ALONE_PERCENTILE)[0]


def is_shared(contention: Sequence[float], least: float) -> bool:
    """Say whether contention just before and after something shows another hardware thread.

    Args:
        contention: The last two readings count; without any, nothing shows that the core was alone.
        least: What contention is while it is.
    """
    return max(contention[-2:], default=math.inf) > _SHARED * least
