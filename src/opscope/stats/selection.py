"""Which shape a curve has: candidates of every kind, compared by evidence. No words, no advice."""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING, Literal

import numpy as np

from opscope.stats.changepoints import (
    RESOLUTION,
    Curve,
    Segmentation,
    difference_scale,
    relabel,
    segment_robustly,
    start_slopes,
    vote_spikes,
)
from opscope.stats.evidence import (
    Fit,
    SegmentFit,
    fit_columns,
    fit_kink,
    fit_polynomial,
    fit_segments,
    log_choose,
    log_evidence,
    unit_range,
)
from opscope.stats.periods import comb_cost, comb_index, fit_period, propose_combs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opscope.stats.changepoints import Bools, Floats, Ints

Kind = Literal["flat", "linear", "quadratic", "curved", "segments", "comb"]

_PRIOR = 4.0  # nats a model must gain over the line before it is believed
_PLAIN = 2.0  # nats by which jumps are preferred to a slope that does as well


@dataclass(frozen=True, kw_only=True, eq=False)
class Model:
    """A candidate with its log evidence against the straight line; labels if it has segments."""

    kind: Kind
    score: float
    fitted: Floats
    labels: Ints | None = None
    index: Ints | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Selection:
    """The best model and the best of each kind, over the points that are no spikes."""

    best: Model
    models: dict[Kind, Model]
    inliers: Bools


def select_model(curve: Curve) -> Selection:
    """Compare flat, linear, quadratic and other smooth curves with free and evenly spaced steps.

    Every model is compared with the straight line on the same points: those that a robust
    segmentation did not hold for lone spikes.
    """
    found = [s for slope in start_slopes(curve) for s in segment_robustly(curve, slope)]
    inliers = ~vote_spikes(found)
    kept = curve.only(inliers)
    null = fit_polynomial(kept, 1)
    models: dict[Kind, Model] = {}
    for model in _smooth_models(kept, null):
        _keep_best(models, model)
    for model in _segment_models(curve, inliers, found, null):
        _keep_best(models, model)
    slopes = {0.0} | {_slope(kept, models)}
    for model in _comb_models(kept, null, models, slopes):
        _keep_best(models, model)
    comb = models.get("comb")
    if comb is not None and comb.labels is not None:  # the same steps, but free to be unequal
        _keep_best(models, _free_model(kept, polish(kept, comb.labels), null))
    best = max(models.values(), key=lambda model: model.score)
    return Selection(best=best, models=models, inliers=inliers)


def _keep_best(models: dict[Kind, Model], model: Model) -> None:
    """Keep the best of each kind."""
    if model.kind not in models or models[model.kind].score < model.score:
        models[model.kind] = model


def _slope(kept: Curve, models: dict[Kind, Model]) -> float:
    """Return the slope within the best segments so far."""
    labels = models["segments"].labels if "segments" in models else None
    return fit_segments(kept, labels).slope if labels is not None else 0.0


def _smooth_models(curve: Curve, null: Fit) -> Iterator[Model]:
    """Yield flat, line, quadratic, and what is smooth but neither."""
    n = len(curve)
    flat = fit_polynomial(curve, 0)
    against = log_evidence(n=n, null=flat, rss=null.rss, size=null.size)
    yield Model(kind="flat", score=0.5 * log(n) - against, fitted=flat.fitted)
    yield Model(kind="linear", score=0.0, fitted=null.fitted)
    for degree in range(2, min(6, n - 2)):
        fit = fit_polynomial(curve, degree)
        score = log_evidence(n=n, null=null, rss=fit.rss, size=fit.size) - _PRIOR
        kind: Kind = "quadratic" if degree == 2 else "curved"  # noqa: PLR2004 - a parabola
        yield Model(kind=kind, score=score - 0.5 * (degree - 2) * log(n), fitted=fit.fitted)
    if n > 6:  # noqa: PLR2004 - three points on each side of a kink
        fit = fit_kink(curve)
        score = log_evidence(n=n, null=null, rss=fit.rss, size=fit.size) - _PRIOR - log(n)
        yield Model(kind="curved", score=score, fitted=fit.fitted)


def _segment_models(
    curve: Curve, inliers: Bools, found: list[Segmentation], null: Fit
) -> Iterator[Model]:
    """Yield the segmentations found, then those at the slope of the best of them, polished."""
    kept = curve.only(inliers)
    models = list(_score_segmentations(kept, inliers, found, null))
    if not models:
        return
    best = max(models, key=lambda model: model.score)
    if best.labels is not None:
        slope = fit_segments(kept, best.labels).slope
        again = segment_robustly(curve, slope)
        models += _score_segmentations(kept, inliers, again, null)
    models.sort(key=lambda model: model.score)
    yield from models
    for model in models[-2:]:
        if model.labels is not None:
            yield _free_model(kept, polish(kept, model.labels), null)


def _score_segmentations(
    kept: Curve, inliers: Bools, found: list[Segmentation], null: Fit
) -> Iterator[Model]:
    """Yield a model for each distinct segmentation that leaves degrees of freedom."""
    seen: set[bytes] = set()
    for segmentation in found:
        labels = relabel(segmentation.labels[inliers])
        if 0 < labels[-1] < len(kept) - 3 and labels.tobytes() not in seen:
            seen.add(labels.tobytes())
            yield _free_model(kept, labels, null)


def _free_model(kept: Curve, labels: Ints, null: Fit) -> Model:
    """Score segments whose edges may lie anywhere."""
    n, edges = len(kept), int(labels[-1])
    fit = fit_segments(kept, labels)
    score = _segment_score(kept, labels, fit, null) - log_choose(n - 1, edges)
    return Model(kind="segments", score=score, fitted=fit.fitted, labels=labels)


def _segment_score(kept: Curve, labels: Ints, fit: SegmentFit, null: Fit) -> float:
    """Return the evidence for free levels, preferring segments without a slope, or a small one."""
    n = len(kept)
    score = log_evidence(n=n, null=null, rss=fit.rss, size=fit.size) - _PRIOR
    level = fit_segments(kept, labels, slope=0.0)
    return score + _plainness(kept, fit, fit.rss, level.rss)


def _plainness(kept: Curve, fit: SegmentFit, rss: float, rss_level: float) -> float:
    """Return what describing the curve by jumps rather than by the slope is worth, in nats.

    With two points to a step, a staircase is also a steep zig-zag half a step further on; the
    plainer of two equal descriptions is meant. A slope that may be left out altogether saves a
    coefficient.
    """
    n = len(kept)
    floor = n * RESOLUTION**2
    saved = 0.5 * log(n) - 0.5 * n * log((rss_level + floor) / (rss + floor))
    jumps = float(np.sum(np.abs(np.diff(fit.levels))))
    climb = abs(fit.slope) * float(kept.x[-1] - kept.x[0])
    return max(saved, 0.0) + (_PLAIN * jumps / (jumps + climb) if jumps else 0.0)


def polish(curve: Curve, labels: Ints) -> Ints:
    """Move each edge to where it fits best between its neighbours; no edge is lost."""
    flat = curve.y - fit_segments(curve, labels).slope * curve.x
    w = 1 / curve.scale**2
    sums = np.concatenate([[0.0], np.cumsum(w)]), np.concatenate([[0.0], np.cumsum(w * flat)])
    edges = np.flatnonzero(np.diff(labels)) + 1
    bounds = [0, *(int(e) for e in edges), len(curve)]
    for i in range(1, len(bounds) - 1):
        start, stop = bounds[i - 1], bounds[i + 1]
        cuts = np.arange(start + 1, stop)
        gain = np.zeros(len(cuts))
        for first, last in ((np.full_like(cuts, start), cuts), (cuts, np.full_like(cuts, stop))):
            gain += (sums[1][last] - sums[1][first]) ** 2 / (sums[0][last] - sums[0][first])
        bounds[i] = int(cuts[np.argmax(gain)])
    moved = np.zeros(len(curve), dtype=np.int64)
    moved[bounds[1:-1]] = 1
    return np.cumsum(moved)


def _comb_models(
    kept: Curve, null: Fit, models: dict[Kind, Model], slopes: set[float]
) -> Iterator[Model]:
    """Yield evenly spaced steps, with levels free and with equal rises."""
    combs: dict[bytes, Ints] = {}
    for slope in slopes:
        sigma = difference_scale(kept, slope)
        for index in propose_combs(kept, slope, sigma):
            combs[(index - index[0]).tobytes()] = index - index[0]
    free = models.get("segments")
    if free is not None and free.labels is not None:
        for index in _combs_of_edges(kept.x, free.labels):
            combs[(index - index[0]).tobytes()] = index - index[0]
    for index in combs.values():
        labels = relabel(index)
        if 0 < labels[-1] <= len(kept) / 1.5:
            yield _comb_model(kept, labels, index, null)


def _combs_of_edges(x: Floats, labels: Ints) -> Iterator[Ints]:
    """Yield combs with the period of edges already found, in several phases."""
    at = np.flatnonzero(np.diff(labels))
    fit = fit_period(x[at], x[at + 1])
    if fit is None:
        return
    grid = float(np.median(np.diff(x)))
    for period in (fit.period, fit.interval[0], fit.interval[1]):
        for shift in (0.0, -0.5, 0.5):
            yield comb_index(x, period, fit.phase + shift * grid)


def _comb_model(kept: Curve, labels: Ints, index: Ints, null: Fit) -> Model:
    """Score evenly spaced segments: free levels, or equal or evenly growing rises."""
    n = len(kept)
    cost = comb_cost(kept.x)
    free = fit_segments(kept, labels)
    score = _segment_score(kept, labels, free, null)
    one, u = np.ones(n), unit_range(kept.x)
    count = index.astype(np.float64)
    for columns in ([one, u, count], [one, u, count, count**2]):
        fit = fit_columns(kept, columns)
        level = fit_columns(kept, columns[:1] + columns[2:])
        regular = log_evidence(n=n, null=null, rss=fit.rss, size=fit.size) - _PRIOR
        regular -= 0.5 * log(n) * (len(columns) - 3)
        regular += _plainness(kept, free, fit.rss, level.rss)
        score = max(score, regular)
    return Model(
        kind="comb", score=score - cost, fitted=free.fitted, labels=labels, index=index
    )
