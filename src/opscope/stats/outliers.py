"""Which points to set aside: several opinions on a curve. Which to follow is decided elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from opscope.stats.changepoints import RESOLUTION, difference_scale
from opscope.stats.evidence import unit_range

if TYPE_CHECKING:
    from opscope.stats.changepoints import Bools, Curve, Floats, Ints, Segmentation

MOST = 0.15
"""No more than this share of the points is ever set aside; else the model is at fault."""

_FAR = 5.0  # robust sigmas


def opinions(curve: Curve, found: list[Segmentation], far: Bools | None = None) -> list[Bools]:
    """Return distinct sets of inlying points: all; by segments, by growth, by smooth curves.

    `far` are points that some other model holds for outliers.
    """
    smooth = [spikes_of_polynomial(curve, degree) for degree in (1, 3)]
    none = np.zeros(len(curve), dtype=np.bool_)
    sets = [none, vote_spikes(found), spikes_of_growth(curve), *smooth]
    sets += [] if far is None else [far]
    distinct: dict[bytes, Bools] = {}
    for spikes in sets:
        if spikes.mean() <= MOST:
            distinct.setdefault(spikes.tobytes(), ~spikes)
    return list(distinct.values())


def vote_spikes(found: list[Segmentation]) -> Bools:
    """Return the points that most segmentations hold for spikes.

    Segmentations that lose too many points have misread the curve (the peaks of a zig-zag are no
    spikes) and do not vote.
    """
    sane = [s.spikes for s in found if s.spikes.mean() <= MOST]
    if not sane:
        return np.zeros(len(found[0].labels), dtype=np.bool_)
    votes: Bools = np.mean(sane, axis=0) > 0.5  # noqa: PLR2004 - a majority
    return votes


def spikes_of_growth(curve: Curve) -> Bools:
    """Return the points far above a later one, outliers if the cost never falls.

    On a coarse grid an outlier on a step of two points leaves one, and segments cannot tell; but
    disturbances slow, while larger counts rarely speed up.
    """
    later = np.minimum.accumulate(curve.y[::-1])[::-1]
    bound = later + 2 * _FAR * difference_scale(curve, 0.0) * curve.scale
    above: Bools = curve.y > bound
    return above


def spikes_of_polynomial(curve: Curve, degree: int) -> Bools:
    """Return the points far from a polynomial of least absolute deviations."""
    if len(curve) < degree + 4:
        return np.zeros(len(curve), dtype=np.bool_)
    u = unit_range(curve.x)
    design = np.column_stack([u**power for power in range(degree + 1)]) / curve.scale[:, None]
    target = curve.y / curve.scale
    weight = np.ones(len(curve))
    off = weight
    for _ in range(25):  # iteratively reweighted least squares
        normal = design.T @ (design * weight[:, None])
        coefficients = np.linalg.lstsq(normal, design.T @ (target * weight))[0]
        off = np.abs(target - design @ coefficients)
        weight = 1 / np.maximum(off, RESOLUTION)
    rank = np.sort(off)[degree + 1 :]  # as many points are met exactly as there are coefficients
    far: Bools = off > _FAR * max(1.4826 * float(np.median(rank)), RESOLUTION)
    return far


def bursts(labels: Ints, levels: Floats) -> Bools:
    """Return the points of segments of one or two that stick out upwards from their neighbours.

    At the ends only a lone point: a step of two may begin or end a sweep.
    """
    size = np.bincount(labels)
    above = np.diff(levels) > 0
    over_left = np.concatenate([size[:1] == 1, above])
    over_right = np.concatenate([~above, size[-1:] == 1])
    found: Bools = (over_left & over_right & (size <= 2))[labels]  # noqa: PLR2004
    return found
