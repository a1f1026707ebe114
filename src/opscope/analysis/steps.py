"""Steps in a response curve: what a larger count really costs. Only the verdict; no drawing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from opscope.analysis.interleaved import read_lines
from opscope.analysis.reading import Reading, Verdict
from opscope.analysis.recommend import Noise, point_noise, recommend
from opscope.analysis.smooth import MAX_SCATTER, MIN_COUNTS, read_few, read_smooth
from opscope.analysis.staircase import read_segments
from opscope.errors import TableError
from opscope.stats.changepoints import Curve, running_median
from opscope.stats.selection import select_model

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opscope.stats.changepoints import Bools, Floats


class Edge(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One jump, somewhere after `low`, the last count before it, and up to `high`, the first after.

    `rise` is the change of level in units of y, without what the slope adds; negative on a drop;
    `rise_interval` its 95 % interval.
    """

    low: float
    high: float
    rise: float
    rise_interval: tuple[float, float]


class Steps(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What shape a response has, with its edges, its period, and the counts worth using.

    `slope` is y per x within steps, overall where there are none, or along the line that most
    counts of a zig-zag lie on; `noise` the relative scatter about the fit, a fraction; `outliers`
    the x of points set aside. Intervals are 95 %, absent where the points cannot give one.
    `period_reason` says how the period was derived, or why there is none.
    """

    verdict: Verdict
    reason: str
    period: float | None
    period_interval: tuple[float, float] | None
    period_reason: str
    edges: tuple[Edge, ...]
    slope: float
    slope_interval: tuple[float, float] | None
    noise: float
    outliers: tuple[float, ...]
    recommended: tuple[float, ...]


def find_steps(
    x: Sequence[float],
    y: Sequence[float],
    *,
    intervals: Sequence[tuple[float, float]] | None = None,
) -> Steps:
    """Find the steps of a cost over a count, or say what shape it has instead.

    Args:
        x: Counts such as output channels, positive, in any order, repeats allowed: the median
            of a count's values is used.
        y: Costs such as `latency_s`, not negative, in any one unit.
        intervals: 95 % intervals of y; points with wide ones weigh less. Without them the noise
            is taken as relative, or as absolute where that describes the scatter better.

    Raises:
        TableError: Lengths differ, a value is not finite, a count is not positive, a cost is
            negative, or there are fewer than two points.

    Source: behaviour study, Sec. 4.1, Fig. 4 and App. B.2; docs/decisions/0002-step-detection.md.
    """
    xs, ys, half = _checked(x, y, intervals)
    unit = float(np.median(ys[ys > 0])) if ys.any() else 1.0
    curve, half = _curve(xs, ys / unit, None if half is None else half / unit)
    if len(curve) < MIN_COUNTS:
        exact = Noise(sigma=np.zeros(len(curve)), vouched=False)
        return _report(curve, read_few(curve), exact, unit)
    absolute = None
    if intervals is None:
        absolute = Curve(x=curve.x, y=curve.y, scale=np.full(len(curve), np.median(curve.scale)))
    selection = select_model(curve, absolute)
    curve = selection.curve
    if curve is not absolute:  # a fast count among slow ones scatters by its own cost
        curve = replace(curve, scale=curve.scale * np.maximum(curve.y / _level(curve.y), 0.01))
    kept = selection.inliers
    off = (curve.y[kept] - selection.best.fitted) / curve.scale[kept]
    scatter = float(np.sqrt(np.mean(off**2)))
    noise = point_noise(curve, half, scatter)
    reading = read_lines(selection) or read_segments(selection)
    if reading is None or _is_poor(reading, curve, noise):
        reading = read_smooth(selection)
    if reading.cost is None:
        noise = point_noise(curve, half, None)
    return _report(curve, reading, noise, unit)


def _is_poor(reading: Reading, curve: Curve, noise: Noise) -> bool:
    """Whether segments or lines miss the points by much, and by more than these scatter."""
    scatter = float(np.median(noise.sigma / np.maximum(curve.y, 0.01)))
    return reading.noise > max(MAX_SCATTER, 2 * scatter)


def _checked(
    x: Sequence[float], y: Sequence[float], intervals: Sequence[tuple[float, float]] | None
) -> tuple[Floats, Floats, Floats | None]:
    """Return the columns as arrays, or say what is wrong with them."""
    xs, ys = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    half = None
    if len(xs) != len(ys):
        raise TableError(
            f"{len(xs)} counts but {len(ys)} costs", where="find_steps", remedy="Pair them."
        )
    if len(xs) < 2:  # noqa: PLR2004 - nothing can be said about one point
        raise TableError(
            f"{len(xs)} points are too few", where="find_steps", remedy="Measure more counts."
        )
    if intervals is not None:
        bounds = np.asarray(intervals, dtype=np.float64)
        if bounds.shape != (len(ys), 2):
            raise TableError(
                "intervals are not one (low, high) per cost",
                where="find_steps(intervals)",
                remedy=f"Give {len(ys)} pairs, or none at all.",
            )
        half = (bounds[:, 1] - bounds[:, 0]) / 2
    _check_values("x", xs, xs > 0, "counts must be finite and positive")
    _check_values("y", ys, ys >= 0, "costs must be finite and not negative")
    if half is not None:
        _check_values("intervals", half, half >= 0, "intervals must be finite, low before high")
    return xs, ys, half


def _check_values(name: str, values: Floats, good: Bools, what: str) -> None:
    """Point at the first bad value of a column."""
    bad = np.flatnonzero(~(np.isfinite(values) & good))
    if len(bad):
        raise TableError(
            f"{what}, but one is {values[bad[0]]}",
            where=f"find_steps({name}[{bad[0]}])",
            remedy="Leave out points that were not measured.",
        )


def _curve(x: Floats, y: Floats, half: Floats | None) -> tuple[Curve, Floats | None]:
    """Combine repeats by their median and estimate each point's share of the noise."""
    counts, inverse, repeats = np.unique(x, return_inverse=True, return_counts=True)
    cost = np.empty(len(counts))
    cost[inverse] = y
    for i in np.flatnonzero(repeats > 1):
        cost[i] = _centre(y[inverse == i])
    level = _level(cost)
    scale = level / np.sqrt(repeats)
    if half is not None:
        half = np.bincount(inverse, half) / repeats
        wide = half / level
        usual = float(np.median(wide))
        if usual > 0:  # no point is trusted more than twice as far as usual
            scale = scale * np.maximum(wide / usual, 0.5)
    return Curve(x=counts, y=cost, scale=scale), half


def _level(cost: Floats) -> Floats:
    """Return what counts cost thereabouts; costs come divided by their median."""
    return np.maximum(running_median(cost), 0.01)


def _centre(values: Floats) -> float:
    """Return the median; of two that disagree by a tenth the lower, since disturbances slow."""
    if len(values) == 2 and values.max() > 1.1 * values.min():  # noqa: PLR2004 - a pair
        return float(values.min())
    return float(np.median(values))


def _report(curve: Curve, reading: Reading, noise: Noise, unit: float) -> Steps:
    """Put a reading into the record, in the unit of the costs."""
    fit, slope = reading.period, reading.slope_interval
    return Steps(
        verdict=reading.verdict,
        reason=reading.reason,
        period=None if fit is None else fit.period,
        period_interval=None if fit is None else fit.interval,
        period_reason=reading.period_reason,
        edges=_edges(curve, reading, noise, unit),
        slope=reading.slope * unit,
        slope_interval=None if slope is None else (slope[0] * unit, slope[1] * unit),
        noise=reading.noise,
        outliers=tuple(float(value) for value in curve.x[reading.outliers]),
        recommended=recommend(curve, reading.cost, reading.margin, noise),
    )


def _edges(curve: Curve, reading: Reading, noise: Noise, unit: float) -> tuple[Edge, ...]:
    """Return the edges; an interval that leaves out what the points there say is widened to it."""
    edges = []
    for low, high, rise, half in reading.edges:
        at, to = np.searchsorted(curve.x, [low, high])
        change = float(curve.y[to] - curve.y[at]) - reading.slope * (high - low)
        room = half + noise.between(int(at), int(to))
        if abs(change - rise) > room:
            half = abs(change - rise)  # noqa: PLW2901 - widened in place
        bounds = ((rise - half) * unit, (rise + half) * unit)
        edges.append(Edge(low=low, high=high, rise=rise * unit, rise_interval=bounds))
    return tuple(edges)
