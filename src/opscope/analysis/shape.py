"""Segments laid over all points of a curve: dips, lone ends, outliers. No verdicts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from opscope.stats.changepoints import Curve, relabel
from opscope.stats.evidence import SegmentFit, fit_segments
from opscope.stats.periods import PeriodFit, comb_index

if TYPE_CHECKING:
    from opscope.stats.changepoints import Bools, Floats, Ints

_DIP = 0.35  # a fall this small beside the usual rise is texture of a step, not an edge
_OUTLYING = 4.5  # sigma; with 500 points of normal noise one in 300 curves loses a point


@dataclass(frozen=True, kw_only=True, eq=False)
class Shape:
    """Segments of the inlying points, fitted; `sigma` is their scatter in units of the scale."""

    curve: Curve
    labels: Ints
    fit: SegmentFit
    sigma: float

    @property
    def low(self) -> Floats:
        """The last count before each edge."""
        return self.curve.x[np.flatnonzero(np.diff(self.labels))]

    @property
    def high(self) -> Floats:
        """The first count after each edge."""
        return self.curve.x[np.flatnonzero(np.diff(self.labels)) + 1]

    @property
    def rises(self) -> Floats:
        """What each edge adds to the level."""
        return np.diff(self.fit.levels)


def fit_shape(curve: Curve, labels: Ints) -> Shape:
    """Fit segments, with labels 0, 1, …, to a curve without outliers."""
    fit = fit_segments(curve, labels)
    degrees = max(len(curve) - fit.size, 1)
    return Shape(curve=curve, labels=labels, fit=fit, sigma=float(np.sqrt(fit.rss / degrees)))


def without_dips(curve: Curve, labels: Ints) -> Ints:
    """Merge segments parted by a fall that is small beside the usual rise, or the other way round.

    Some runtimes are a little faster at the last count of a step, which fills their blocks. The
    least fall goes first, until none is small.
    """
    while labels[-1] > 1:
        rises = np.diff(fit_segments(curve, labels).levels)
        main = 1.0 if np.sum(rises) >= 0 else -1.0
        usual = float(np.median(np.abs(rises[rises * main > 0])))
        small = np.flatnonzero((rises * main < 0) & (np.abs(rises) < _DIP * usual))
        if not len(small):
            break
        least = small[np.argmin(np.abs(rises[small]))]
        labels = labels - (labels > least)
    return labels


def without_lone_ends(labels: Ints, inliers: Bools) -> tuple[Ints, Bools]:
    """Set a first and a last point aside that are a segment alone: outliers look the same."""
    size = np.bincount(labels)
    inliers, keep = inliers.copy(), np.ones(len(labels), dtype=np.bool_)
    known = np.flatnonzero(inliers)
    for segment, end in ((0, 0), (len(size) - 1, -1)):
        if size[segment] == 1:
            keep[end] = False
            inliers[known[end]] = False
    return relabel(labels[keep]), inliers


def extend(curve: Curve, inliers: Bools, labels: Ints) -> Ints:
    """Give spikes the label of the neighbouring segment that they fit better."""
    everywhere = np.full(len(curve), -1, dtype=np.int64)
    everywhere[inliers] = labels
    fit = fit_segments(curve.only(inliers), labels)
    known = np.flatnonzero(inliers)
    for i in np.flatnonzero(~inliers):
        at = int(np.searchsorted(known, i))
        sides = {int(labels[max(at - 1, 0)]), int(labels[min(at, len(labels) - 1)])}
        off = {s: abs(curve.y[i] - fit.levels[s] - fit.slope * curve.x[i]) for s in sides}
        everywhere[i] = min(off, key=lambda s: float(off[s]))
    return np.maximum.accumulate(everywhere)


def restore_ends(curve: Curve, inliers: Bools, labels: Ints, comb: PeriodFit) -> tuple[Bools, Ints]:
    """Let a lone point at an end, taken for a spike, open the step that the period puts there.

    Its rise must be in keeping with the others; the first and the last point of a sweep often
    stand alone on their step.
    """
    fit = fit_segments(curve.only(inliers), relabel(labels[inliers]))
    rises = np.diff(fit.levels)
    main = float(np.sign(np.sum(rises)))
    inliers, labels = inliers.copy(), labels.copy()
    room = (comb.interval[1] - comb.interval[0]) / 2  # where its edges may lie as well
    for end, inner, side, level in ((-1, -2, 1, fit.levels[-1]), (0, 1, -1, fit.levels[0])):
        if inliers[end] or not len(rises):
            continue
        reach = room + abs(curve.x[end] - curve.x[inner]) / 2  # edges are known to the grid
        ends = np.sort(curve.x[[end, inner]]) + np.array([-reach, reach])
        apart = comb_index(ends, comb.period, comb.phase)
        away = curve.y[[end, inner]] - fit.slope * curve.x[[end, inner]] - level
        rise, beside = away[0] * side * main, abs(away[1])
        in_keeping = 4 * beside < rise < 2 * np.max(np.abs(rises))
        if apart[0] != apart[1] and in_keeping:
            inliers[end] = True
            if side > 0:
                labels[end] += 1
            else:
                labels[1:] += 1
    return inliers, labels


def set_aside(curve: Curve, labels: Ints, inliers: Bools) -> tuple[Shape, Bools]:
    """Fit without the points far from the fit; spikes that lie near it after all come back."""
    shape = fit_shape(curve.only(inliers), relabel(labels[inliers]))
    keep = inliers
    for _ in range(2):
        levels = np.full(int(labels[-1]) + 1, np.nan)
        levels[np.unique(labels[keep])] = shape.fit.levels
        off = np.abs(curve.y - levels[labels] - shape.fit.slope * curve.x) / curve.scale
        near = off <= _OUTLYING * max(shape.sigma, 1e-9)
        if near.mean() < 0.8:  # noqa: PLR2004 - the fit is at fault, not the points
            break
        keep = near
        shape = fit_shape(curve.only(keep), relabel(labels[keep]))
    return shape, ~keep
