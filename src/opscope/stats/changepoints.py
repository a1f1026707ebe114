"""Change points: robust noise scale and segmentation of a curve. No verdicts, no model choice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

RESOLUTION = 2e-4
"""Relative differences below this are no difference: it bounds the noise of noiseless data."""

_CAP = 10.0  # a point further out than 3.2 sigma costs no more than one at 3.2 sigma
_PENALTIES = (10.5, 18.0, 32.0)  # all above the cap, so that one point alone is never a segment
_SCALE_FACTORS = (0.75, 1.5)  # the first guess of the noise is good to a factor of two
_MAX_LEVELS = 300

_STUDENT_975 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)


@dataclass(frozen=True, kw_only=True, eq=False)
class Curve:
    """Points with strictly increasing `x`.

    `scale` is each point's standard deviation but for a common factor: residuals divided by it
    are comparable, and 1/scale² is a point's weight.
    """

    x: Floats
    y: Floats
    scale: Floats

    def __len__(self) -> int:
        return len(self.x)

    def only(self, keep: Bools) -> Curve:
        """Return the curve of the points where `keep` is true."""
        return Curve(x=self.x[keep], y=self.y[keep], scale=self.scale[keep])


@dataclass(frozen=True, kw_only=True, eq=False)
class Segmentation:
    """A segment number for each point, and which points are spikes that belong to none."""

    labels: Ints
    spikes: Bools


def running_median(y: Floats, width: int = 5) -> Floats:
    """Return the median of the `width` points around each point, fewer at both ends."""
    half = width // 2
    if len(y) < width:
        return np.full(len(y), np.median(y))
    inner = np.median(np.lib.stride_tricks.sliding_window_view(y, width), axis=1)
    head = [np.median(y[: i + half + 1]) for i in range(half)]
    tail = [np.median(y[-(i + half + 1) :]) for i in reversed(range(half))]
    return np.concatenate([head, inner, tail])


def student_quantile(degrees: int) -> float:
    """Return the 97.5 % quantile of Student's t, the half width of a 95 % interval.

    Tabulated up to 10 degrees of freedom, then by the Cornish-Fisher expansion (Abramowitz and
    Stegun 26.7.5, error below 1e-4). Without any degree of freedom it is infinite.
    """
    if degrees < 1:
        return float("inf")
    if degrees <= len(_STUDENT_975):
        return _STUDENT_975[degrees - 1]
    z = 1.959964
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
    )
    return z + sum(term / float(degrees) ** (i + 1) for i, term in enumerate(terms))


def difference_scale(curve: Curve, slope: float) -> float:
    """Return a first guess of the noise, in units of `curve.scale`, from neighbouring points.

    A low quantile of the differences, because half of them are jumps when a step holds only two
    points; where the usual median of second differences breaks down. Good to a factor of two.
    """
    jumps = np.diff(curve.y) - slope * np.diff(curve.x)
    spread = np.sqrt(curve.scale[1:] ** 2 + curve.scale[:-1] ** 2)
    low = float(np.quantile(np.abs(jumps) / spread, 0.3))
    return max(low / 0.568, RESOLUTION)  # 0.568: the 0.3 quantile if 70 % are within steps


def start_slopes(curve: Curve) -> list[float]:
    """Return slopes that segments may share: none, and quartiles of the neighbours' slopes."""
    steepness = np.diff(curve.y) / np.diff(curve.x)
    slopes = [0.0, *(float(q) for q in np.quantile(steepness, [0.5, 0.25, 0.75]))]
    tolerance = 0.1 * difference_scale(curve, slopes[1]) * float(np.median(curve.scale))
    span = float(np.median(np.diff(curve.x)))
    distinct: list[float] = []
    for slope in slopes:
        if all(abs(slope - other) * span > tolerance for other in distinct):
            distinct.append(slope)
    return distinct


def segment_robustly(curve: Curve, slope: float) -> list[Segmentation]:
    """Return segmentations of `y - slope·x` into constant levels, for several penalties.

    Optimal partitioning under a loss capped at 3.2 sigma, so that lone outliers open no segment
    (Fearnhead and Rigaill, JASA 2019). Levels are taken from the observed values, which turns
    the search into a shortest path over levels: O(points · levels) for all penalties at once.
    """
    flat = curve.y - slope * curve.x
    levels = np.unique(flat)
    if len(levels) > _MAX_LEVELS:
        levels = levels[np.linspace(0, len(levels) - 1, _MAX_LEVELS).astype(np.int64)]
    squares = ((flat[:, None] - levels) / curve.scale[:, None]) ** 2
    sigma = difference_scale(curve, slope)
    factors = np.array([(sigma * factor) ** 2 for factor in _SCALE_FACTORS])
    loss = np.minimum(squares[:, None, :] / factors[:, None], _CAP).astype(np.float32)
    found = []
    for path in _shortest_paths(loss):
        at = levels[path]
        found.append(_separate_spikes(flat, at, curve.scale))
    return found


def _shortest_paths(loss: NDArray[np.float32]) -> list[Ints]:
    """Return the level taken at each point, for each scale and penalty.

    `loss` has shape (points, scales, levels).
    """
    n, scales, levels = loss.shape
    penalties = np.array(_PENALTIES, dtype=np.float32)[None, :, None]
    cost = np.repeat(loss[0][:, None, :], len(_PENALTIES), axis=1)
    origin = np.zeros((n, scales, len(_PENALTIES)), dtype=np.int64)
    switched = np.zeros((n, scales, len(_PENALTIES), levels), dtype=np.bool_)
    for t in range(1, n):
        origin[t] = cost.argmin(axis=-1)
        entry = cost.min(axis=-1, keepdims=True) + penalties
        np.greater(cost, entry, out=switched[t])
        np.minimum(cost, entry, out=cost)
        cost += loss[t][:, None, :]
    paths = []
    for s in range(scales):
        for p in range(len(_PENALTIES)):
            path = np.empty(n, dtype=np.int64)
            level = int(cost[s, p].argmin())
            for t in range(n - 1, 0, -1):
                path[t] = level
                if switched[t, s, p, level]:
                    level = int(origin[t, s, p])
            path[0] = level
            paths.append(path)
    return paths


def _separate_spikes(flat: Floats, at: Floats, scale: Floats) -> Segmentation:
    """Find points far from their level: between two levels a segment of their own, else spikes.

    Far is four times the usual distance, leaving out the points that serve as levels.
    """
    off = np.abs(flat - at) / scale
    usual = off[off > 0]
    far = off > 4 * max(1.4826 * float(np.median(usual)) if len(usual) else 0.0, RESOLUTION)
    before = np.concatenate([at[:1], at[:-1]])
    after = np.concatenate([at[1:], at[-1:]])
    between = (np.minimum(before, after) < flat) & (flat < np.maximum(before, after))
    own = far & between
    opens = np.zeros(len(flat), dtype=np.bool_)
    opens[1:] = (at[1:] != at[:-1]) | own[1:] | own[:-1]
    return Segmentation(labels=np.cumsum(opens), spikes=far & ~between)


def relabel(labels: Ints) -> Ints:
    """Number the segments 0, 1, … without gaps, in order; labels must not decrease."""
    renumbered: Ints = np.cumsum(np.diff(labels, prepend=labels[:1]) != 0)
    return renumbered
