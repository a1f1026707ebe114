"""Candidate models of a curve and the evidence for each. Outliers are settled elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING, Literal

import numpy as np

from opscope.stats.changepoints import RESOLUTION, Segmentation, difference_scale, relabel
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
from opscope.stats.residues import fit_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from opscope.stats.changepoints import Bools, Curve, Floats, Ints
    from opscope.stats.residues import Classes, LinesFit

Kind = Literal["flat", "linear", "quadratic", "curved", "segments", "comb", "lines"]

_PRIOR = 4.0  # nats a model must gain over the line before it is believed
_PLAIN = 2.0  # nats by which jumps are preferred to a slope that does as well


@dataclass(frozen=True, kw_only=True, eq=False)
class Model:
    """A candidate with its log evidence against the straight line.

    Models with segments have `labels`; evenly spaced ones also `index`, how many edges lie below
    each point, which may skip where a gap of the grid hides several. Interleaved lines have
    `classes` of all points of the curve, also those set aside.
    """

    kind: Kind
    score: float
    fitted: Floats
    labels: Ints | None = None
    index: Ints | None = None
    classes: Classes | None = None


class Candidates:
    """The models of one set of points: the best of each kind so far, against one line."""

    def __init__(self, curve: Curve) -> None:
        self.curve = curve
        self.null = fit_polynomial(curve, 1)
        self.best: dict[Kind, Model] = {}
        self.combs: list[Model] = []

    @property
    def winner(self) -> Model:
        """The model with most evidence."""
        return max(self.best.values(), key=lambda model: model.score)

    def add(self, models: Iterable[Model]) -> None:
        """Keep the best of each kind."""
        for model in models:
            if model.kind == "comb":
                self.combs.append(model)
            if model.kind not in self.best or self.best[model.kind].score < model.score:
                self.best[model.kind] = model

    def evidence(self, fit: Fit | SegmentFit | LinesFit) -> float:
        """Return the log evidence of a fit against the line, less the prior."""
        n = len(self.curve)
        return log_evidence(n=n, null=self.null, rss=fit.rss, size=fit.size) - _PRIOR


def smooth_models(candidates: Candidates) -> Iterator[Model]:
    """Yield flat, line, quadratic, and what is smooth but neither."""
    curve, null, n = candidates.curve, candidates.null, len(candidates.curve)
    flat = fit_polynomial(curve, 0)
    against = log_evidence(n=n, null=flat, rss=null.rss, size=null.size)
    yield Model(kind="flat", score=0.5 * log(n) - against, fitted=flat.fitted)
    yield Model(kind="linear", score=0.0, fitted=null.fitted)
    for degree in range(2, min(6, n - 2)):
        fit = fit_polynomial(curve, degree)
        score = candidates.evidence(fit) - 0.5 * (degree - 2) * log(n)
        kind: Kind = "quadratic" if degree == 2 else "curved"  # noqa: PLR2004 - a parabola
        yield Model(kind=kind, score=score, fitted=fit.fitted)
    if n > 6:  # noqa: PLR2004 - three points on each side of a kink
        fit = fit_kink(curve)
        yield Model(kind="curved", score=candidates.evidence(fit) - log(n), fitted=fit.fitted)


def line_models(candidates: Candidates, classes: Classes | None, inliers: Bools) -> Iterator[Model]:
    """Yield the interleaved lines, if there are any and each keeps two points."""
    if classes is None:
        return
    of = classes.of[inliers]
    if np.bincount(of, minlength=len(classes.rules) + 1).min() < 2:  # noqa: PLR2004 - a line
        return
    fit = fit_lines(candidates.curve, of)
    score = candidates.evidence(fit) - classes.cost
    yield Model(kind="lines", score=score, fitted=fit.fitted, classes=classes)


def segment_models(
    candidates: Candidates, found: list[Segmentation], inliers: Bools
) -> Iterator[Model]:
    """Yield a model for each distinct segmentation that leaves degrees of freedom."""
    seen: set[bytes] = set()
    for segmentation in found:
        labels = relabel(segmentation.labels[inliers])
        if 0 < labels[-1] < len(labels) - 3 and labels.tobytes() not in seen:
            seen.add(labels.tobytes())
            yield free_model(candidates, labels)


def improved(candidates: Candidates, labels: Ints) -> Iterator[Model]:
    """Yield segments with each edge moved to where it fits best, without the doubtful ones."""
    labels = polish(candidates.curve, labels)
    yield free_model(candidates, labels)
    pruned = prune(candidates.curve, labels)
    if 0 < pruned[-1] < labels[-1]:
        yield free_model(candidates, polish(candidates.curve, pruned))


def free_model(candidates: Candidates, labels: Ints) -> Model:
    """Score segments whose edges may lie anywhere."""
    n, edges = len(candidates.curve), int(labels[-1])
    fit = fit_segments(candidates.curve, labels)
    score = _segment_score(candidates, labels, fit) - log_choose(n - 1, edges)
    return Model(kind="segments", score=score, fitted=fit.fitted, labels=labels)


def _segment_score(candidates: Candidates, labels: Ints, fit: SegmentFit) -> float:
    """Return the evidence for free levels, preferring segments without a slope, or a small one."""
    level = fit_segments(candidates.curve, labels, slope=0.0)
    return candidates.evidence(fit) + _plainness(candidates.curve, fit, fit.rss, level.rss)


def _plainness(curve: Curve, fit: SegmentFit, rss: float, rss_level: float) -> float:
    """Return what describing the curve by jumps rather than by the slope is worth, in nats.

    With two points to a step, a staircase is also a steep zig-zag half a step further on; the
    plainer of two equal descriptions is meant. A slope that may be left out altogether saves a
    coefficient.
    """
    n = len(curve)
    floor = n * RESOLUTION**2
    saved = 0.5 * log(n) - 0.5 * n * log((rss_level + floor) / (rss + floor))
    jumps = float(np.sum(np.abs(np.diff(fit.levels))))
    climb = abs(fit.slope) * float(curve.x[-1] - curve.x[0])
    return max(saved, 0.0) + (_PLAIN * jumps / (jumps + climb) if jumps else 0.0)


def polish(curve: Curve, labels: Ints) -> Ints:
    """Move each edge to where it fits best between its neighbours; no edge is lost."""
    flat = curve.y - fit_segments(curve, labels).slope * curve.x
    w = 1 / curve.scale**2
    mass = np.concatenate([[0.0], np.cumsum(w)])
    sums = np.concatenate([[0.0], np.cumsum(w * flat)])
    edges = np.flatnonzero(np.diff(labels)) + 1
    bounds = [0, *(int(e) for e in edges), len(curve)]
    for i in range(1, len(bounds) - 1):
        start, stop = bounds[i - 1], bounds[i + 1]
        cuts = np.arange(start + 1, stop)
        left = (sums[cuts] - sums[start]) ** 2 / (mass[cuts] - mass[start])
        right = (sums[stop] - sums[cuts]) ** 2 / (mass[stop] - mass[cuts])
        bounds[i] = int(cuts[np.argmax(left + right)])
    opens = np.zeros(len(curve), dtype=np.int64)
    opens[bounds[1:-1]] = 1
    return np.cumsum(opens)


def prune(curve: Curve, labels: Ints) -> Ints:
    """Merge segments whose levels do not differ beyond the noise, the most alike first.

    The bar is sqrt(2 log n) standard errors, what the greatest of n normal deviations reaches.
    """
    bar = float(np.sqrt(2 * log(len(curve))))
    while labels[-1] > 0:
        fit = fit_segments(curve, labels)
        free = max(len(curve) - fit.size, 1)
        sigma = max(float(np.sqrt(fit.rss / free)), RESOLUTION)
        clear = np.abs(np.diff(fit.levels)) / np.sqrt(fit.rise_variance(sigma))
        least = int(np.argmin(clear))
        if clear[least] >= bar:
            break
        labels = labels - (labels > least)
    return labels


def comb_models(candidates: Candidates) -> Iterator[Model]:
    """Yield evenly spaced steps, with levels free and with regular rises."""
    curve = candidates.curve
    free = candidates.best.get("segments")
    labels = None if free is None else free.labels
    slopes = {0.0} if labels is None else {0.0, fit_segments(curve, labels).slope}
    combs = [propose_combs(curve, slope, difference_scale(curve, slope)) for slope in slopes]
    if labels is not None:
        combs += [index[None] for index in _combs_of_edges(curve.x, labels)]
    parabola = fit_polynomial(curve, 2)
    for index in _shortlist(candidates, np.concatenate(combs)):
        yield _comb_model(candidates, relabel(index), index, parabola)


def _shortlist(candidates: Candidates, combs: Ints, *, size: int = 10) -> list[Ints]:
    """Return the combs that explain most of what the line leaves, by equal rises or free levels."""
    curve = candidates.curve
    combs = combs - combs[:, :1]
    edges = np.count_nonzero(np.diff(combs, axis=1), axis=1)
    combs = combs[(edges > 0) & (edges <= len(curve) / 1.5)]
    combs = combs[np.unique(combs @ _hash_weights(len(curve)), return_index=True)[1]]
    rest = (curve.y - candidates.null.fitted) / curve.scale
    line = np.linalg.qr(np.column_stack([1 / curve.scale, curve.x / curve.scale]))[0]
    line, rest = line.astype(np.float32), rest.astype(np.float32)
    counts = combs.astype(np.float32) / curve.scale.astype(np.float32)  # single halves the time
    counts -= (counts @ line) @ line.T
    gain = (counts @ rest) ** 2 / np.maximum(np.sum(counts**2, axis=1), 1e-12)
    order = np.argsort(gain)[::-1][: 5 * size]
    free = [candidates.evidence(fit_segments(curve, relabel(combs[i]))) for i in order]
    chosen = {*order[:size].tolist(), *order[np.argsort(free)[::-1][:size]].tolist()}
    return [combs[i] for i in sorted(chosen)]


def _hash_weights(n: int) -> Floats:
    """Return weights under which different combs have different sums."""
    return np.sqrt(np.arange(1, n + 1))


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


def _comb_model(candidates: Candidates, labels: Ints, index: Ints, parabola: Fit) -> Model:
    """Score evenly spaced segments: free levels, or equal or evenly growing rises."""
    curve = candidates.curve
    free = fit_segments(curve, labels)
    score = _segment_score(candidates, labels, free)
    one, u, count = np.ones(len(curve)), unit_range(curve.x), unit_range(index.astype(np.float64))
    equal = fit_columns(curve, [one, u, count])
    level = fit_columns(curve, [one, count])
    plain = _plainness(curve, free, equal.rss, level.rss)
    score = max(score, candidates.evidence(equal) + plain)
    # Growing rises follow a parabola already; what they add to it is what counts.
    growing = fit_columns(curve, [one, u, u**2, count, count**2])
    beyond = log_evidence(n=len(curve), null=parabola, rss=growing.rss, size=growing.size)
    score = max(score, candidates.evidence(parabola) + beyond - _PRIOR)
    return Model(
        kind="comb",
        score=score - comb_cost(len(curve), int(labels[-1])),
        fitted=free.fitted,
        labels=labels,
        index=index,
    )
