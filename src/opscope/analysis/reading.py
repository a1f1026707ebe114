"""A reading: what a selected model amounts to, before units and advice. No logic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from opscope.stats.changepoints import Bools, Floats
    from opscope.stats.periods import PeriodFit

Verdict = Literal["steps", "linear", "flat", "quadratic", "zig-zag", "irregular"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Reading:
    """What a model amounts to; edges are (low, high, rise, half width of its 95 % interval).

    `cost` is the fit at every count, absent where nothing fits; `margin` by how much fitted
    costs must differ, as for `keep_counts`; `outliers` the points set aside.
    """

    verdict: Verdict
    reason: str
    period: PeriodFit | None = None
    period_reason: str = "there are no steps"
    edges: tuple[tuple[float, float, float, float], ...] = ()
    slope: float
    slope_interval: tuple[float, float] | None
    noise: float
    outliers: Bools
    cost: Floats | None
    margin: Floats | None = None
