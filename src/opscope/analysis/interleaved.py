"""Reading interleaved lines: a zig-zag between remainders. Finds no lines itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from opscope.analysis.reading import Reading
from opscope.stats.changepoints import Curve, student_quantile
from opscope.stats.periods import PeriodFit, period_interval
from opscope.stats.residues import LinesFit, fit_lines

if TYPE_CHECKING:
    from opscope.stats.changepoints import Bools, Floats, Ints
    from opscope.stats.residues import Classes
    from opscope.stats.selection import Selection


def read_lines(selection: Selection) -> Reading | None:
    """Return what the best interleaved lines say; None if other models do better or none falls."""
    classes = selection.best.classes
    if classes is None:
        return None
    curve, of = selection.curve, classes.of
    kept = curve.only(selection.inliers)
    if not (np.diff(kept.y) < 0).any():  # lines may interleave without ever crossing
        return None
    fit = fit_lines(kept, of[selection.inliers])
    degrees = max(len(kept) - fit.size, 1)
    sigma = float(np.sqrt(fit.rss / degrees))
    quantile = student_quantile(degrees)
    common = int(np.argmax(np.bincount(of)))
    slope = float(fit.coefficients[common, 1])
    half = quantile * sigma * float(np.sqrt(fit.covariance[2 * common + 1, 2 * common + 1]))
    period = _period(curve.x, classes)
    cost, margin = _costs(curve, of, fit, quantile * sigma)
    relative = (kept.y - fit.fitted) / np.maximum(np.abs(fit.fitted), 0.01)  # as in Steps.noise
    return Reading(
        verdict="zig-zag",
        reason=f"The cost climbs and falls back every {period.period:.4g}: some larger counts are "
        f"faster. {_shares(curve, of, classes, cost)}",
        period=period,
        period_reason="one remainder of the count follows a line of its own",
        edges=_edges(kept, of[selection.inliers], fit, common, quantile * sigma),
        slope=slope,
        slope_interval=(slope - half, slope + half),
        noise=float(np.sqrt(np.sum(relative**2) / degrees)),
        outliers=~selection.inliers,
        cost=cost,
        margin=margin,
    )


def _period(x: Floats, classes: Classes) -> PeriodFit:
    """Return the period of the first remainder, each of its counts known to the grid."""
    modulus, remainder = classes.rules[0]
    turns = np.rint((x - remainder) / modulus)
    mine = np.abs(x - remainder - turns * modulus) < 1e-6 * modulus
    mine[0] = False  # nothing lies before it
    at = np.flatnonzero(mine)
    low, high, index = x[at - 1], x[at], turns[at].astype(np.int64)
    interval = period_interval(low, high, index)
    return PeriodFit(
        period=sum(interval) / 2,
        interval=interval,
        phase=remainder,
        index=index,
        hits=np.ones(len(at), dtype=np.bool_),
        missed=0,
        surprise=float("inf"),
    )


def _edges(
    kept: Curve, of: Ints, fit: LinesFit, common: int, width: float
) -> tuple[tuple[float, float, float, float], ...]:
    """Return the jumps between neighbours on different lines, less the commonest line's slope."""
    at = np.flatnonzero(np.diff(of))
    low, high = kept.x[at], kept.x[at + 1]
    contrast = fit.row(high, of[at + 1]) - fit.row(low, of[at])
    contrast[:, 2 * common + 1] -= high - low
    rises = contrast @ fit.coefficients.ravel()
    halves = width * np.sqrt(np.einsum("ij,jk,ik->i", contrast, fit.covariance, contrast))
    columns = (low.tolist(), high.tolist(), rises.tolist(), halves.tolist())
    return tuple(zip(*columns, strict=True))


def _costs(curve: Curve, of: Ints, fit: LinesFit, width: float) -> tuple[Floats, Floats]:
    """Return the fit at every count, level where a line's slope may be none, and the margin."""
    rows = fit.row(curve.x, of)
    for c, slope in enumerate(fit.coefficients[:, 1]):
        mine: Bools = of == c
        if abs(slope) <= width * np.sqrt(fit.covariance[2 * c + 1, 2 * c + 1]):
            rows[mine, 2 * c + 1] = float(np.mean(curve.x[mine]))
    variance = np.einsum("ij,jk,ik->i", rows, fit.covariance, rows)
    apart = width * np.sqrt(variance[:, None] + variance[None, :])
    cost = rows @ fit.coefficients.ravel()
    return cost, np.where(of[:, None] == of[None, :], 0.0, apart)


def _shares(curve: Curve, of: Ints, classes: Classes, cost: Floats) -> str:
    """Say what each remainder costs, as a share of what the line it left would have it cost."""
    texts = []
    rest = fit_lines(Curve(x=curve.x, y=cost, scale=curve.scale), of).coefficients[0]
    for c, (modulus, remainder) in enumerate(classes.rules, start=1):
        mine = of == c
        share = float(np.median(cost[mine] / (rest[0] + rest[1] * curve.x[mine])))
        name = (
            f"multiples of {modulus:g}"
            if remainder == 0
            else f"counts {modulus:g}k + {remainder:g}"
        )
        texts.append(f"{name} {share:.0%}")
    return f"Of what the others cost, {' and '.join(texts)}."
