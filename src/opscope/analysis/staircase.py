"""Reading segments: edges, period, rises, and what they amount to. Finds no segments itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from opscope.analysis.reading import Reading
from opscope.analysis.recommend import NEGLIGIBLE, level_margin
from opscope.analysis.shape import (
    Shape,
    extend,
    restore_ends,
    set_aside,
    without_dips,
    without_lone_ends,
)
from opscope.stats.changepoints import student_quantile
from opscope.stats.periods import PeriodFit, fit_period, period_of_comb

if TYPE_CHECKING:
    from opscope.stats.changepoints import Bools, Curve, Floats, Ints
    from opscope.stats.selection import Selection

_SAME = 0.15  # periods further apart are different readings, not one of them uncertain
_CONTRARY = 0.15  # falls below this share of the rises leave a staircase
_MIN_SURPRISE = 2.0  # nats against edges that fall in place by chance
_MIN_SURPRISE_TURNS = 3.7  # the same where rises and falls might alternate at random
_CHANCE = "they would fit a period by chance"
Reads = Literal["steps", "zig-zag", "irregular", "linear"]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Comb:
    """The period of evenly spaced steps, if they won, and by how much over steps free to differ."""

    period: PeriodFit | None
    lead: float

    @classmethod
    def of(cls, selection: Selection, period: PeriodFit | None) -> _Comb:
        """Compare the two kinds of steps."""
        free = selection.models.get("segments")
        lead = selection.best.score - free.score if free is not None else np.inf
        return cls(period=period, lead=lead)


def read_segments(selection: Selection) -> Reading | None:
    """Return what the best segments say, or None when they describe nothing but a smooth curve."""
    curve, best, inliers = selection.curve, selection.best, selection.inliers
    if best.labels is None:
        return None
    labels, comb = best.labels, None
    if best.index is None:
        labels, inliers = without_lone_ends(without_dips(curve.only(inliers), labels), inliers)
        period = _period_of_labels(curve.x[inliers], labels)
    else:
        comb = period = _period_of_rivals(curve.x[inliers], best.index, selection)
    everywhere = extend(curve, inliers, labels)
    if period is not None:
        inliers, everywhere = restore_ends(curve, inliers, everywhere, period)
    shape, outliers = set_aside(curve, everywhere, inliers)
    if shape.labels[-1] == 0 or _is_flat(shape):
        return None
    return _read(curve, everywhere, shape, outliers, _Comb.of(selection, comb))


def _period_of_labels(x: Floats, labels: Ints) -> PeriodFit | None:
    """Return the period of edges that were free to lie anywhere, if it is to be relied on."""
    at = np.flatnonzero(np.diff(labels))
    fit = fit_period(x[at], x[at + 1])
    return fit if fit is not None and _is_regular(fit) else None


def _period_of_rivals(x: Floats, index: Ints, selection: Selection) -> PeriodFit | None:
    """Return the period of the best comb, its interval widened to those nearly as likely."""
    best = period_of_comb(x, index)
    if best is None:
        return None
    low, high = best.interval
    for rival in selection.rivals:
        other = None if rival.index is None else period_of_comb(x, rival.index)
        if other is not None and abs(other.period - best.period) < _SAME * best.period:
            low, high = min(low, other.interval[0]), max(high, other.interval[1])
    return replace(best, interval=(low, high))


def _read(curve: Curve, everywhere: Ints, shape: Shape, outliers: Bools, comb: _Comb) -> Reading:
    """Decide what the segments amount to."""
    verdict, contrary = _verdict(shape)
    period, period_reason = _period(shape, contrary if verdict == "zig-zag" else None, comb)
    if verdict == "linear":
        period, period_reason = None, "the breaks in a slope are no steps"
    if verdict == "zig-zag" and period is None:
        verdict = "irregular"
    quantile = student_quantile(max(len(shape.curve) - shape.fit.size, 1))
    halves = quantile * np.sqrt(shape.fit.rise_variance(shape.sigma))
    slope, slope_interval = shape.fit.slope, None
    if shape.fit.sxx:  # a single count to a segment says nothing about the slope
        slope_half = quantile * shape.sigma / float(np.sqrt(shape.fit.sxx))
        slope_interval = (slope - slope_half, slope + slope_half)
    cost, margin = _costs(curve, everywhere, shape, outliers, sloping=abs(slope) > slope_half)
    return Reading(
        verdict=verdict,
        reason=_reason(verdict, shape, period),
        period=period,
        period_reason=period_reason,
        edges=tuple(
            (float(low), float(high), float(rise), float(half))
            for low, high, rise, half in zip(
                shape.low, shape.high, shape.rises, halves, strict=True
            )
        ),
        slope=slope,
        slope_interval=slope_interval,
        noise=_noise(shape),
        outliers=outliers,
        cost=None if verdict == "irregular" else cost,
        margin=margin,
    )


def _is_flat(shape: Shape) -> bool:
    """Whether all that the segments tell apart is negligible."""
    fitted = shape.fit.fitted
    return float(np.ptp(fitted)) < NEGLIGIBLE * float(np.median(fitted))


def _noise(shape: Shape) -> float:
    residual = (shape.curve.y - shape.fit.fitted) / np.maximum(np.abs(shape.fit.fitted), 0.01)
    return float(np.sqrt(np.sum(residual**2) / max(len(residual) - shape.fit.size, 1)))


def _verdict(shape: Shape) -> tuple[Reads, Bools | None]:
    """Weigh rises against falls and jumps against the slope; also return the contrary edges."""
    rises, slope = shape.rises, shape.fit.slope
    climb = slope * float(shape.curve.x[-1] - shape.curve.x[0])
    up = float(np.sum(rises[rises > 0])) + max(climb, 0.0)
    down = -float(np.sum(rises[rises < 0])) - min(climb, 0.0)
    if min(up, down) >= _CONTRARY * max(up, down):
        main = 1.0 if up >= down else -1.0
        contrary = rises * main < 0
        if not _turns(shape, contrary, main):
            return "linear", None
        return "zig-zag", contrary if contrary.any() else np.ones(len(rises), dtype=np.bool_)
    jumps = float(np.sum(np.abs(rises)))
    points = len(shape.curve) / len(shape.fit.levels)
    share = 0.5 if points <= 2.5 else 0.25  # noqa: PLR2004 - about two points to a step
    return ("steps" if jumps >= share * (jumps + abs(climb)) else "linear"), None


def _turns(shape: Shape, contrary: Bools, main: float) -> bool:
    """Whether the cost itself goes back, by the fit and by the points, not only its level.

    On a grid a little finer than the steps, a staircase looks like a slope with breaks.
    """
    slope = shape.fit.slope
    if contrary.any():
        change = shape.rises + slope * (shape.high - shape.low)
        at = np.searchsorted(shape.curve.x, shape.low[contrary])
        seen = shape.curve.y[at + 1] - shape.curve.y[at]
        back = max(main * float(np.median(changes)) for changes in (change[contrary], seen))
    else:
        back = main * slope * float(np.ptp(shape.curve.x)) / len(shape.fit.levels)
    return back < -NEGLIGIBLE * float(np.median(shape.fit.fitted))


def _period(shape: Shape, chosen: Bools | None, comb: _Comb) -> tuple[PeriodFit | None, str]:
    """Return the period of the edges, or why they have none."""
    low, high = shape.low, shape.high
    if comb.period is not None and (chosen is None or chosen.all()):
        if max(comb.lead, comb.period.surprise) >= _MIN_SURPRISE:
            return comb.period, "evenly spaced steps describe the curve best"
        return None, f"too few edges for a grid this coarse: {_CHANCE}"
    what = "edges"
    if chosen is not None:
        low, high, what = low[chosen], high[chosen], "turning points"
    if len(low) < 3:  # noqa: PLR2004 - two edges fit any period
        return None, f"{len(low)} {what} are too few for a period"
    fit = fit_period(low, high)
    if fit is None or not _is_regular(fit):
        widths = np.diff((low + high) / 2)
        return None, (
            f"{what} are spaced unequally, {widths.min():g} to {widths.max():g} apart: "
            "no one period places them"
        )
    if fit.surprise < (_MIN_SURPRISE if chosen is None else _MIN_SURPRISE_TURNS):
        return None, f"too few {what} for a grid this coarse: {_CHANCE}"
    text = f"one period places {int(fit.hits.sum())} of {len(low)} {what}, each known to the grid"
    if fit.missed:
        text += f"; {fit.missed} that it predicts were not seen"
    return fit, text


def _is_regular(fit: PeriodFit) -> bool:
    """Whether the period explains nearly all edges and predicts few that are not there."""
    hits = int(fit.hits.sum())
    extra = len(fit.hits) - hits
    return extra <= 0.2 * len(fit.hits) and fit.missed <= 0.25 * (hits + fit.missed)


def _reason(verdict: Reads, shape: Shape, period: PeriodFit | None) -> str:
    """Say what the segments mean to somebody who designs networks."""
    count = len(shape.rises)
    jumps = "1 jump" if count == 1 else f"{count} jumps"
    every = f", one every {period.period:.4g}" if period else ""
    if verdict == "steps":
        way = "rises" if np.sum(shape.rises) > 0 else "falls"
        return f"The cost {way} in {jumps}{every}, and little in between."
    if verdict == "zig-zag":
        back = f" every {period.period:.4g}" if period else ""
        return f"The cost climbs and falls back{back}: some larger counts are faster."
    if verdict == "linear":
        gap = float(np.min(np.diff(shape.curve.x)))
        return f"The cost climbs by a slope with {jumps} in it; a grid of {gap:g} shows no steps."
    return (
        f"The cost goes up and down in {jumps} without a regular pattern: "
        "each count is judged by its own point."
    )


def _costs(
    curve: Curve, everywhere: Ints, shape: Shape, outliers: Bools, *, sloping: bool
) -> tuple[Floats, Floats]:
    """Return the fitted cost of every count, also of those set aside, and the levels' margin."""
    names = np.unique(everywhere[~outliers])
    labels = np.minimum(np.searchsorted(names, everywhere), len(names) - 1)
    slope = shape.fit.slope
    within = float(np.median(np.bincount(labels))) * float(np.median(np.diff(curve.x)))
    if not sloping or abs(slope) * within < NEGLIGIBLE * float(np.median(curve.y)):
        slope = 0.0
        levels = shape.fit.levels + shape.fit.slope * shape.fit.centre
    else:
        levels = shape.fit.levels
    return levels[labels] + slope * curve.x, level_margin(shape.fit, labels, shape.sigma)
