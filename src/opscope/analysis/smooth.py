"""Reading curves without steps: flat, a line, a parabola, or nothing of the kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from opscope.analysis.reading import Reading, Verdict
from opscope.analysis.recommend import NEGLIGIBLE
from opscope.stats.changepoints import student_quantile
from opscope.stats.evidence import fit_segments

if TYPE_CHECKING:
    from opscope.stats.changepoints import Curve, Floats
    from opscope.stats.models import Kind
    from opscope.stats.selection import Selection

MIN_COUNTS = 6
"""Fewer distinct counts have no verdict: two steps need two counts each beside the noise."""

MAX_SCATTER = 0.1
"""A curve that misses its points by more is no description of them."""


def read_few(curve: Curve) -> Reading:
    """Say that nothing can be said, beyond the line through the points."""
    slope, interval = _overall_slope(curve)
    line = fit_segments(curve, np.zeros(len(curve), dtype=np.int64))
    return Reading(
        verdict="irregular",
        reason=f"{len(curve)} distinct counts are too few to tell a shape: "
        f"measure at least {MIN_COUNTS}.",
        period_reason="steps cannot be told from so few counts",
        slope=slope,
        slope_interval=interval,
        noise=_scatter(curve, curve.y - line.fitted, 2),
        outliers=np.zeros(len(curve), dtype=np.bool_),
        cost=curve.y,
    )


def read_smooth(selection: Selection) -> Reading:
    """Describe a curve without steps."""
    curve = selection.curve
    kept = curve.only(selection.inliers)
    verdict, kind, why = _smooth_verdict(kept, selection)
    model = selection.models[kind]
    residual = kept.y - model.fitted
    noise = _scatter(kept, residual, 1 if kind == "flat" else 2)
    if noise > MAX_SCATTER:
        verdict = "irregular"
        why = (
            f"No line, curve or staircase comes near, the points scatter by {noise:.0%}: "
            "each count is judged by its own point."
        )
    slope, interval = _overall_slope(kept)
    cost = None if noise > MAX_SCATTER else np.interp(curve.x, kept.x, model.fitted)
    if verdict == "flat":
        cost = np.full(len(curve), float(np.median(curve.y)))
    return Reading(
        verdict=verdict,
        reason=why,
        slope=slope,
        slope_interval=interval,
        noise=noise,
        outliers=~selection.inliers,
        cost=cost,
    )


def _smooth_verdict(kept: Curve, selection: Selection) -> tuple[Verdict, Kind, str]:
    """Choose the plainest smooth model that is good enough for a designer."""
    models = selection.models
    kinds: tuple[Kind, ...] = ("flat", "linear", "quadratic", "curved")
    kind = max((k for k in kinds if k in models), key=lambda k: models[k].score)
    plainer: tuple[Kind, ...] = ("flat", "linear", "quadratic")
    for other in plainer:
        if kind == other:
            break
        near = float(np.max(np.abs(models[other].fitted - models[kind].fitted) / kept.scale))
        if near < NEGLIGIBLE:
            kind = other
            break
    gap = float(np.min(np.diff(kept.x)))
    texts: dict[Kind, tuple[Verdict, str]] = {
        "flat": ("flat", "The cost does not depend on the count: use the largest."),
        "linear": (
            "linear",
            f"The cost follows a line; steps no wider than the grid of {gap:g} would look alike.",
        ),
        "quadratic": ("quadratic", "The cost follows a parabola without steps."),
        "curved": ("irregular", "The cost bends smoothly, but is neither a line nor a parabola."),
    }
    verdict, why = texts[kind]
    return verdict, kind, why


def _scatter(kept: Curve, residual: Floats, size: int) -> float:
    """Return the relative scatter of residuals with `size` coefficients fitted."""
    level = np.maximum(np.abs(kept.y - residual), 0.01)  # as in _curve
    return float(np.sqrt(np.sum((residual / level) ** 2) / max(len(kept) - size, 1)))


def _overall_slope(kept: Curve) -> tuple[float, tuple[float, float] | None]:
    """Return the slope of the straight line with its 95 % interval, which two points lack."""
    fit = fit_segments(kept, np.zeros(len(kept), dtype=np.int64))
    degrees = len(kept) - 2
    if degrees < 1:
        return fit.slope, None
    half = student_quantile(degrees) * float(np.sqrt(fit.rss / degrees / fit.sxx))
    return fit.slope, (fit.slope - half, fit.slope + half)
