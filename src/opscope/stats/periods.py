"""Periods of edges: proposals, index fits and exact intervals. No fitting of levels."""

from __future__ import annotations

from dataclasses import dataclass
from math import log, pi
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from opscope.stats.changepoints import Bools, Curve, Floats, Ints


@dataclass(frozen=True, kw_only=True, eq=False)
class PeriodFit:
    """A period with the interval of all periods that stab every hit edge, and what it misses.

    `index` counts periods from edge to edge; `missed` predicted edges were not seen; edges that
    are no `hits` lie elsewhere. `surprise` is the log odds against edges falling in place by
    chance on this grid.
    """

    period: float
    interval: tuple[float, float]
    phase: float
    index: Ints
    hits: Bools
    missed: int
    surprise: float


def fit_period(low: Floats, high: Floats) -> PeriodFit | None:
    """Return the period that places most edges, each known to lie within [low, high], or None.

    The integer index of each edge is found by rounding, then the exact interval of periods for
    which one phase stabs all hit edges follows from all pairs of edges.
    """
    if len(low) < 3:  # noqa: PLR2004 - two edges fit any period
        return None
    middle = (low + high) / 2
    spacing = np.diff(middle)
    starts = np.concatenate([np.quantile(spacing, [0.1, 0.3, 0.5, 0.7]), [float(np.mean(spacing))]])
    starts = np.unique(np.round(np.concatenate([starts, starts / 2, starts / 3]), 9))
    best: tuple[float, PeriodFit] | None = None
    for start in starts:
        fit = _fit_from(float(start), low, high)
        if fit is None:
            continue
        extra = int((~fit.hits).sum())
        score = int(fit.hits.sum()) - extra - fit.missed
        if best is None or score > best[0] or (score == best[0] and fit.period > best[1].period):
            best = (score, fit)
    return best[1] if best else None


def _fit_from(start: float, low: Floats, high: Floats) -> PeriodFit | None:
    """Refine a first guess of the period; None when edges do not support it."""
    middle, width = (low + high) / 2, high - low
    index = np.cumsum(np.rint(np.diff(middle, prepend=middle[:1]) / start)).astype(np.int64)
    hits = np.ones(len(low), dtype=np.bool_)
    for _ in range(4):
        period, phase = _line(index[hits], middle[hits])
        if not period > 0:
            return None
        index = np.rint((middle - phase) / period).astype(np.int64)
        off = np.abs(middle - phase - index * period)
        hits = (off <= width / 2 + 0.1 * period) & (width < period)
        if len(np.unique(index[hits])) < 3:  # noqa: PLR2004 - two edges fit any period
            return None
    while True:
        interval = period_interval(low[hits], high[hits], index[hits])
        if interval[0] <= interval[1]:
            break
        worst = np.flatnonzero(hits)[np.argmax((off - width / 2)[hits])]
        hits[worst] = False
        if len(np.unique(index[hits])) < 3:  # noqa: PLR2004
            return None
    return _describe(low, high, index, hits, interval)


def _line(index: Ints, middle: Floats) -> tuple[float, float]:
    """Return slope and offset of the middles against their indices."""
    k = index - index.mean()
    square = float(np.sum(k * k))
    if square == 0:
        return 0.0, 0.0
    period = float(np.sum(k * middle)) / square
    return period, float(np.mean(middle) - period * index.mean())


def _describe(
    low: Floats, high: Floats, index: Ints, hits: Bools, interval: tuple[float, float]
) -> PeriodFit:
    """Count what the period explains and what it misses."""
    period = sum(interval) / 2
    first = float(np.max((low - index * period)[hits]))
    last = float(np.min((high - index * period)[hits]))
    seen = np.unique(index[hits])
    wide = high - low >= period  # several edges hide in one gap of the grid
    hidden = int(np.sum((high - low)[wide] // period))
    missed = max(int(seen[-1] - seen[0] + 1 - len(seen)) - hidden, 0)
    odds = np.sort(np.log(period / (high - low)[hits]))
    return PeriodFit(
        period=period,
        interval=interval,
        phase=(first + last) / 2,
        index=index,
        hits=hits,
        missed=missed,
        surprise=float(np.sum(odds[: len(odds) - 2])),  # two edges always fit
    )


def period_interval(low: Floats, high: Floats, index: Ints) -> tuple[float, float]:
    """Return the least and greatest period for which one phase puts every edge in its place.

    Edge i, at phase + index[i] · period, must lie within [low[i], high[i]]. The interval is empty,
    least above greatest, when no period does that.
    """
    steps = index[None, :] - index[:, None]
    later = steps > 0
    least = (low[None, :] - high[:, None])[later] / steps[later]
    greatest = (high[None, :] - low[:, None])[later] / steps[later]
    return float(np.max(least)), float(np.min(greatest))


def period_of_comb(x: Floats, index: Ints) -> PeriodFit | None:
    """Return the period of evenly spaced edges, given how many of them lie below each x.

    A gap of the grid may hide several edges: its first and its last bound the period. None when
    fewer than three gaps hold an edge.
    """
    at = np.flatnonzero(np.diff(index))
    if len(at) < 3:  # noqa: PLR2004 - two edges fit any period
        return None
    low, high = np.tile(x[at], 2), np.tile(x[at + 1], 2)
    count = np.concatenate([index[at] + 1, index[at + 1]])
    interval = period_interval(low, high, count)
    if interval[0] > interval[1]:
        return None
    period = sum(interval) / 2
    first = float(np.max(low - count * period))
    last = float(np.min(high - count * period))
    odds = np.sort(np.log(np.maximum(period / (x[at + 1] - x[at]), 1.0)))
    return PeriodFit(
        period=period,
        interval=interval,
        phase=(first + last) / 2,
        index=index[at + 1],
        hits=np.ones(len(at), dtype=np.bool_),
        missed=0,
        surprise=float(np.sum(odds[: len(odds) - 2])),
    )


def comb_index(x: Floats, period: float, phase: float) -> Ints:
    """Return how many edges at phase, phase ± period, … lie below each x."""
    return np.ceil((x - phase) / period).astype(np.int64)


def propose_combs(curve: Curve, slope: float, sigma: float, *, peaks: int = 6) -> Ints:
    """Return indices of evenly spaced edges that the jumps between neighbours suggest, (m, n).

    The strongest frequencies of the jumps, clipped against outliers, each with the phase of its
    angle and small changes of both. Only periods of at least 1.5 gaps of the grid.
    """
    gaps = np.diff(curve.x)
    at = (curve.x[1:] + curve.x[:-1]) / 2
    spread = np.sqrt(curve.scale[1:] ** 2 + curve.scale[:-1] ** 2)
    jumps = (np.diff(curve.y) - slope * gaps) / spread
    limit = max(float(np.quantile(np.abs(jumps), 0.9)), 3 * sigma)
    jumps = np.clip(jumps, -limit, limit)
    jumps = jumps - jumps.mean()
    if np.sum(jumps**3) < 0:  # a zig-zag: the drops are the pulses
        jumps = -jumps
    span = float(curve.x[-1] - curve.x[0])
    grid = float(np.median(gaps))
    # The transform of pulses at uneven places, by binning them finely: eight bins a gap at least.
    bins = 1 << int(np.ceil(np.log2(16 * span / grid)))
    pulses = np.zeros(bins)
    np.add.at(pulses, ((at - curve.x[0]) / span * bins).astype(np.int64), jumps)
    first, last = 4, int(4 * span / (1.5 * grid))
    frequencies = np.arange(first, last + 1) / (4 * span)
    wave = np.fft.rfft(pulses, 4 * bins)[first : last + 1]
    middle = float(np.mean(at))
    proposals: list[Ints] = []
    for best in _peaks(np.abs(wave), peaks):
        frequency = frequencies[best]
        phase = float(curve.x[0]) - float(np.angle(wave[best])) / (2 * np.pi * frequency)
        # The edge next to the middle stays, where a change of the period moves the fewest edges.
        phase += np.rint((middle - phase) * frequency) / frequency
        period = 1 / (frequency + _DETUNINGS / span)
        turns = (curve.x - phase - (_SHIFTS * grid)[:, None])[None] / period[:, None, None]
        proposals.append(np.ceil(turns).astype(np.int64).reshape(-1, len(curve)))
    return np.concatenate(proposals)


# On a grid that does not divide the period, small changes of either move some edge.
_DETUNINGS = np.linspace(-0.25, 0.25, 9)
_SHIFTS = np.linspace(-1, 1, 17)


def _peaks(power: Floats, count: int) -> list[int]:
    """Return the positions of the highest local maxima."""
    padded = np.concatenate([[-1.0], power, [-1.0]])
    top = np.flatnonzero((power >= padded[:-2]) & (power >= padded[2:]))
    return [int(i) for i in top[np.argsort(power[top])[::-1][:count]]]


def comb_cost(n: int, edges: int) -> float:
    """Return the log of about how many different combs with so many edges a grid of n tells apart.

    Combs on an even grid are digital straight lines, of which there are about n³/π² (Berstel and
    Pocchiola, 1993), evenly over their slopes.
    """
    return log(n * n * (edges + 1) / pi**2)
