"""Which shape a curve has, and which points say so. No words, no advice."""

from __future__ import annotations

from dataclasses import dataclass
from math import e, log, pi
from typing import TYPE_CHECKING

import numpy as np

from opscope.stats.changepoints import RESOLUTION, segment_robustly, start_slopes
from opscope.stats.evidence import fit_segments
from opscope.stats.models import (
    Candidates,
    comb_models,
    improved,
    line_models,
    segment_models,
    smooth_models,
)
from opscope.stats.outliers import bursts, opinions
from opscope.stats.residues import find_classes

if TYPE_CHECKING:
    from opscope.stats.changepoints import Bools, Curve, Segmentation
    from opscope.stats.models import Kind, Model
    from opscope.stats.residues import Classes

_OUTLIER = log(0.05 / 3)  # one point in twenty lies anywhere up to three times too high
_NEARLY = 1.92  # nats: half the 95 % quantile of chi-square with one degree of freedom
_ALIKE = log(1.5)  # scales that differ by less than half are not worth telling apart
_SMALL = 64  # points up to which every opinion on outliers is followed to the end


@dataclass(frozen=True, kw_only=True, eq=False)
class Selection:
    """The best model and the best of each kind, over the inlying points of the curve.

    `rivals` are evenly spaced steps nearly as likely as the best of those.
    """

    curve: Curve
    inliers: Bools
    best: Model
    models: dict[Kind, Model]
    rivals: list[Model]


def select_model(curve: Curve, other: Curve | None = None) -> Selection:
    """Compare flat, linear, quadratic and other smooth curves with free and evenly spaced steps.

    Models are compared with the straight line on the same points. Which points to set aside is
    decided by the joint evidence of inlying points under their model and of outliers under a
    uniform distribution. `other` is the same curve with another scale of the noise, taken
    instead if the scatter about the best model follows that: long curves are asked once the
    segments are known, since searching twice takes long; short ones at the very end.
    """
    classes = find_classes(curve)
    tried = _search(curve, classes)
    short = len(curve) <= _SMALL
    if other is not None and not short and _follows(other, tried[0][1], tried[0][0]):
        return select_model(other)
    found = _segment_again(curve, tried[0][1])
    followed = tried if short else tried[:1]
    for inliers, candidates in followed:
        _second_look(candidates, found, inliers)
    inliers, candidates = max(followed, key=lambda pair: _joint(pair[1], pair[0]))
    quiet = _without_bursts(candidates, inliers)
    if quiet is not None:
        calmer = _first_look(curve, found, quiet, classes)
        _second_look(calmer, [], quiet)
        if _joint(calmer, quiet) > _joint(candidates, inliers):
            inliers, candidates = quiet, calmer
    if other is not None and short and _follows(other, candidates, inliers):
        return select_model(other)
    bar = max((comb.score for comb in candidates.combs), default=0.0) - _NEARLY
    return Selection(
        curve=curve,
        inliers=inliers,
        best=candidates.winner,
        models=candidates.best,
        rivals=[comb for comb in candidates.combs if comb.score >= bar],
    )


def _search(curve: Curve, classes: Classes | None) -> list[tuple[Bools, Candidates]]:
    """Return candidates for each opinion on outliers, the likeliest first."""
    found = [s for slope in start_slopes(curve) for s in segment_robustly(curve, slope)]
    far = None if classes is None else classes.spikes
    tried = [
        (inliers, _first_look(curve, found, inliers, classes))
        for inliers in opinions(curve, found, far)
    ]
    tried.sort(key=lambda pair: _joint(pair[1], pair[0]), reverse=True)
    return tried


def _follows(other: Curve, candidates: Candidates, inliers: Bools) -> bool:
    """Whether the scatter about the winner follows the other scale clearly better."""
    own, alien = candidates.curve.scale, other.scale[inliers]
    residual = np.abs(candidates.curve.y - candidates.winner.fitted)
    if np.max(residual / own) < RESOLUTION or np.ptp(np.log(alien / own)) < _ALIKE:
        return False
    # A robust likelihood (Laplace), as the scatter may have heavy tails.
    n = len(residual)
    mine = n * log(np.mean(residual / own)) + float(np.sum(np.log(own)))
    theirs = n * log(np.mean(residual / alien)) + float(np.sum(np.log(alien)))
    return theirs < mine - max(2.0, 0.03 * n)


def _first_look(
    curve: Curve, found: list[Segmentation], inliers: Bools, classes: Classes | None
) -> Candidates:
    """Score smooth curves, interleaved lines and the segmentations found."""
    candidates = Candidates(curve.only(inliers))
    candidates.add(smooth_models(candidates))
    candidates.add(line_models(candidates, classes, inliers))
    candidates.add(segment_models(candidates, found, inliers))
    return candidates


def _segment_again(curve: Curve, candidates: Candidates) -> list[Segmentation]:
    """Search once more, at the slope of the best segments so far."""
    free = candidates.best.get("segments")
    if free is None or free.labels is None:
        return []
    return segment_robustly(curve, fit_segments(candidates.curve, free.labels).slope)


def _second_look(candidates: Candidates, found: list[Segmentation], inliers: Bools) -> None:
    """Add the second search, evenly spaced steps, and the same steps free to be unequal."""
    candidates.add(segment_models(candidates, found, inliers))
    _improve(candidates, "segments")
    candidates.add(comb_models(candidates))
    _improve(candidates, "comb")


def _improve(candidates: Candidates, kind: Kind) -> None:
    """Polish the best segments of a kind."""
    best = candidates.best.get(kind)
    if best is not None and best.labels is not None:
        candidates.add(improved(candidates, best.labels))


def _without_bursts(candidates: Candidates, inliers: Bools) -> Bools | None:
    """Return the inlying points but for those of short segments that stick out, if any."""
    best = candidates.winner
    if best.labels is None:
        return None
    burst = bursts(best.labels, fit_segments(candidates.curve, best.labels).levels)
    if not burst.any():
        return None
    quiet = inliers.copy()
    quiet[np.flatnonzero(inliers)[burst]] = False
    return quiet


def _joint(candidates: Candidates, inliers: Bools) -> float:
    """Return the log evidence of all points: inlying ones under the winner, others as outliers."""
    n = len(candidates.curve)
    variance = candidates.null.rss / n + RESOLUTION**2
    return (
        candidates.winner.score
        - 0.5 * n * log(2 * pi * e * variance)
        + (len(inliers) - n) * _OUTLIER
    )
