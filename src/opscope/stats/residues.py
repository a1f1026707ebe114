"""Interleaved lines: counts sorted by their remainders, each class on its own line. No verdicts."""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING

import numpy as np

from opscope.stats.changepoints import RESOLUTION, Curve, running_median
from opscope.stats.evidence import fit_polynomial, log_evidence, unit_range
from opscope.stats.outliers import MOST, spikes_of_polynomial

if TYPE_CHECKING:
    from opscope.stats.changepoints import Bools, Floats, Ints

_MEMBERS = 4  # fewer follow any line by chance
_MOST_CLASSES = 4
_WIDEST = 64  # gaps of the grid; a rarer remainder has too few points in most sweeps
_FAR = 5.0  # robust sigmas
_FALLS = 0.15  # falls below this share of the rises leave a staircase
_TELLING = 0.3  # of the squares about one line; a remainder of a staircase takes away less
_BELIEF = 10.0  # nats a rule must gain beyond the number of rules tried


@dataclass(frozen=True, kw_only=True, eq=False)
class Classes:
    """Which class each point of a curve belongs to, and the remainder that sets each apart.

    Class 0 is the rest; class i > 0 holds the counts with `x % modulus == remainder`, for
    `rules[i - 1] = (modulus, remainder)`, out of one of the classes before. `spikes` lie far from
    their lines. `cost` is the log of how many such rules were tried.
    """

    of: Ints
    rules: tuple[tuple[float, float], ...]
    spikes: Bools
    cost: float


@dataclass(frozen=True, kw_only=True, eq=False)
class LinesFit:
    """A line per class: y = coefficients[c] @ (1, x), with their covariance over the noise's."""

    fitted: Floats
    rss: float
    size: int
    coefficients: Floats
    covariance: Floats

    def row(self, x: Floats, of: Ints) -> Floats:
        """Return the design rows of points, shape (n, size)."""
        rows = np.zeros((len(x), self.size))
        at = np.arange(len(x))
        rows[at, 2 * of], rows[at, 2 * of + 1] = 1.0, x
        return rows


def fit_lines(curve: Curve, of: Ints) -> LinesFit:
    """Fit a line to each class; every class needs two counts at least."""
    number = int(of.max()) + 1
    coefficients, covariance = np.zeros((number, 2)), np.zeros((2 * number, 2 * number))
    for c in range(number):
        mine = of == c
        w, x, y = 1 / curve.scale[mine] ** 2, curve.x[mine], curve.y[mine]
        mass = w.sum()
        middle = float(w @ x / mass)
        square = float(w @ (x - middle) ** 2)
        slope = float(w @ ((x - middle) * y)) / square
        coefficients[c] = float(w @ y / mass) - slope * middle, slope
        covariance[2 * c : 2 * c + 2, 2 * c : 2 * c + 2] = [
            [1 / mass + middle**2 / square, -middle / square],
            [-middle / square, 1 / square],
        ]
    fitted = coefficients[of, 0] + coefficients[of, 1] * curve.x
    return LinesFit(
        fitted=fitted,
        rss=float(np.sum(((curve.y - fitted) / curve.scale) ** 2)),
        size=2 * number,
        coefficients=coefficients,
        covariance=covariance,
    )


def find_classes(curve: Curve) -> Classes | None:
    """Return remainders that part the counts into lines among which the cost falls back, or None.

    Points far from their line are set aside and the search repeated, so that spikes found no class.
    """
    grid = _grid(curve.x)
    if grid is None:
        return None
    place = np.rint((curve.x - curve.x[0]) / grid).astype(np.int64)
    keep = ~_above(curve)
    found = _grow(curve, place, grid, keep)
    if found is None and not keep.all():  # a few slow counts may be a class
        keep[:] = True
        found = _grow(curve, place, grid, keep)
    for _ in range(3):
        if found is None:
            return None
        far = _far(curve, found.of)
        if far.mean() > MOST or np.array_equal(far, ~keep):
            break
        keep = ~far
        found = _grow(curve, place, grid, keep)
    return found if found is not None and _falls(curve, found) else None


def _above(curve: Curve) -> Bools:
    """Return the points far above a robust line, unless they are too many to be spikes."""
    above = spikes_of_polynomial(curve, 1) & (curve.y > running_median(curve.y))
    return above if above.mean() <= MOST else np.zeros(len(curve), dtype=np.bool_)


def _grid(x: Floats) -> float | None:
    """Return the width that divides all gaps, or None where counts lie on no common grid."""
    gaps = np.diff(x)
    if np.array_equal(x, np.rint(x)):
        grid = float(np.gcd.reduce(gaps.astype(np.int64)))
    else:
        grid = float(gaps.min())
    off = np.abs(gaps / grid - np.rint(gaps / grid))
    return grid if float(off.max()) < 1e-6 else None  # noqa: PLR2004 - rounding


def _grow(curve: Curve, place: Ints, grid: float, keep: Bools) -> Classes | None:
    """Part one class after another as long as the evidence grows."""
    kept, at = curve.only(keep), place[keep]
    null = fit_polynomial(kept, 1)
    of = np.zeros(len(curve), dtype=np.int64)
    rules: list[tuple[float, float]] = []
    best, cost = 0.0, 0.0
    splits = [_split(kept, at, of[keep] == 0, 0)]
    if splits[0] is None or splits[0][0] < _TELLING * null.rss:
        return None
    while len(splits) < _MOST_CLASSES:
        parent = int(np.argmax([-np.inf if split is None else split[0] for split in splits]))
        split = splits[parent]
        if split is None:
            break
        _, modulus, remainder, number = split
        remainder = _plainer(at[of[keep] == parent], curve.x[0] / grid, modulus, remainder)
        trial = np.where((of == parent) & (place % modulus == remainder), len(splits), of)
        if rules and not _is_apart(kept, of[keep] == parent, trial[keep] == len(splits)):
            splits[parent] = None
            continue
        fit = fit_lines(kept, trial[keep])
        price = cost + log(number)
        score = log_evidence(n=len(kept), null=null, rss=fit.rss, size=fit.size) - price
        if score < best + _BELIEF:
            break
        best, cost, of = score, price, trial
        width = modulus * grid
        rules.append((width, float((curve.x[0] + remainder * grid) % width)))
        first = round(rules[0][0] / grid)
        splits[parent] = _split(kept, at, of[keep] == parent, first)
        splits.append(_split(kept, at, of[keep] == len(splits), first))
    if not rules:
        return None
    spikes = ~keep
    return Classes(of=of, rules=tuple(rules), spikes=spikes, cost=cost)


def _is_apart(curve: Curve, parent: Bools, mine: Bools) -> bool:
    """Whether most members lie off the line of those they part from, not a few spikes alone."""
    rest = curve.only(parent & ~mine)
    line = fit_lines(rest, np.zeros(len(rest), dtype=np.int64))
    level, slope = line.coefficients[0]
    usual = 1.4826 * float(np.median(np.abs(rest.y - line.fitted) / rest.scale))
    off = np.abs(curve.y - level - slope * curve.x)[mine] / curve.scale[mine]
    return float(np.quantile(off, 0.25)) > 1.5 * max(usual, RESOLUTION)


def _plainer(place: Ints, first: float, modulus: int, remainder: int) -> int:
    """Return the other remainder where there are but two and it stands for multiples."""
    others = np.setdiff1d(place % modulus, [remainder])
    if len(others) == 1 and (first + others[0]) % modulus == 0:
        return int(others[0])
    return remainder


def _split(
    curve: Curve, place: Ints, mine: Bools, first: int
) -> tuple[float, int, int, int] | None:
    """Return how much parting one remainder from a class lowers the sum of squares, and which.

    Also how many were tried. Blocks nest: a further modulus divides the first or is a multiple of
    it. The sums for all remainders of all moduli come from one pass.
    """
    part, at = curve.only(mine), place[mine]
    n = len(part)
    span = int(place[-1]) + 1
    widest = min(span // _MEMBERS, _WIDEST)
    if n < 2 * _MEMBERS or widest < 2:  # noqa: PLR2004 - a remainder of 2 at least
        return None
    moduli = np.arange(2, widest + 1)
    if first:
        moduli = moduli[(moduli % first == 0) | (first % moduli == 0)]
    if not len(moduli):
        return None
    start = np.concatenate([[0], np.cumsum(moduli)[:-1]])
    bins = (start[:, None] + at[None, :] % moduli[:, None]).ravel()
    total = int(moduli.sum())
    w = 1 / part.scale**2
    u = unit_range(part.x)
    rest = part.y - fit_polynomial(part, 1).fitted
    columns = np.stack([np.ones(n), w, w * u, w * u * u, w * rest, w * u * rest, w * rest**2])
    inside: Floats = np.stack(
        [np.bincount(bins, np.tile(column, len(moduli)), minlength=total) for column in columns]
    )
    outside = columns.sum(axis=1)[:, None] - inside
    fair = (inside[0] >= _MEMBERS) & (outside[0] >= _MEMBERS)
    if not fair.any():
        return None
    gain = np.full(total, -np.inf)
    gain[fair] = outside[6, 0] + inside[6, 0] - _rss(inside[:, fair]) - _rss(outside[:, fair])
    best = int(np.argmax(gain))
    row = int(np.searchsorted(start, best, side="right")) - 1
    return float(gain[best]), int(moduli[row]), best - int(start[row]), int(fair.sum())


def _rss(sums: Floats) -> Floats:
    """Return the weighted sum of squares about a line, given sums of 1, u, u², y, uy, y²."""
    _, w, u, uu, y, uy, yy = sums
    square = np.maximum(uu - u * u / w, 1e-12 * w)
    across = uy - u * y / w
    return np.asarray(np.maximum(yy - y * y / w - across * across / square, 0.0))


def _far(curve: Curve, of: Ints) -> Bools:
    """Return the points far from their class's line of least absolute deviations."""
    off = np.ones(len(curve))
    for _ in range(12):  # iteratively reweighted least squares
        weighted = Curve(x=curve.x, y=curve.y, scale=curve.scale * np.sqrt(off))
        off = np.abs(curve.y - fit_lines(weighted, of).fitted) / curve.scale
        off = np.maximum(off, RESOLUTION)
    far: Bools = off > _FAR * max(1.4826 * float(np.median(off)), RESOLUTION)
    return far


def _falls(curve: Curve, found: Classes) -> bool:
    """Whether going from class to class the cost goes back; parallel lines also make staircases."""
    keep = ~found.spikes
    change = np.diff(fit_lines(curve.only(keep), found.of[keep]).fitted)
    up, down = float(np.sum(change[change > 0])), -float(np.sum(change[change < 0]))
    return min(up, down) >= _FALLS * max(up, down)
