"""Sweeps: curves of several platforms laid over each other, beside what MACs predict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from opscope.analysis.overview import Curve, Sweep
from opscope.analysis.responses import Evidence, Response, by_x, responses
from opscope.core.configuration import parse_precision
from opscope.core.finding import Finding, Point
from opscope.core.study import Study

MOST = 40
"""Sweeps that can be looked at; a grid of several axes has hundreds."""

_COSTS = ("_s", "_j")
"""How the quantities end that grow with the work there is to do."""


def sweeps(
    study: Study,
    evidence: Sequence[Evidence],
    findings: Sequence[Finding],
    macs: Mapping[int, int | None],
    quantity: str,
) -> tuple[tuple[Sweep, ...], int]:
    """Return the sweeps, those with a finding first, and how many more there are.

    A study that asks nothing is swept along every axis that its spaces vary with numbers.

    Args:
        study: What was asked.
        evidence: The trials.
        findings: What they say; their recommendations go with the curves.
        macs: Multiply-accumulates by number of the trial; None where they cannot be counted.
        quantity: What is looked at where the study asks nothing.
    """
    asked = [(question.x, question.quantity) for question in study.findings]
    varied = [(x, quantity) for space in study.spaces for x in space.varied()]
    kept = _recommended(findings)
    found = [
        sweep
        for x, wanted in dict.fromkeys(asked or varied)
        for sweep in _along(evidence, x, wanted, macs, kept)
    ]
    found.sort(key=lambda sweep: (not _told(sweep, kept), -_size(sweep)))
    return tuple(found[:MOST]), max(0, len(found) - MOST)


_Key = tuple[str, str, str, str, str]


def _key(item: Finding | Response) -> _Key:
    platform = item.platform if isinstance(item.platform, str) else item.platform.name
    return platform, item.precision, item.fixed, item.x, item.quantity


def _recommended(findings: Sequence[Finding]) -> dict[_Key, tuple[float, ...]]:
    return {_key(item): item.guideline.allowed if item.guideline else () for item in findings}


def _told(sweep: Sweep, kept: Mapping[_Key, tuple[float, ...]]) -> bool:
    """Return whether a finding is about one of the curves."""
    rest = sweep.precision.value, sweep.fixed, sweep.x, sweep.quantity
    return any((curve.platform, *rest) in kept for curve in sweep.curves)


def _size(sweep: Sweep) -> int:
    return max(len(curve.points) for curve in sweep.curves)


def _along(
    evidence: Sequence[Evidence],
    x: str,
    quantity: str,
    macs: Mapping[int, int | None],
    kept: Mapping[_Key, tuple[float, ...]],
) -> Iterator[Sweep]:
    groups: dict[tuple[str, str], list[Response]] = {}
    for response in responses(evidence, x, quantity):
        if response.swept and (response.points or response.doubted):
            groups.setdefault((response.precision, response.fixed), []).append(response)
    for (precision, fixed), group in groups.items():
        sweep = Sweep(
            x=x,
            quantity=quantity,
            precision=parse_precision(precision),
            fixed=fixed,
            curves=tuple([_curve(response, macs, kept) for response in group]),
        )
        if _size(sweep) > 1:
            yield sweep


def _curve(
    response: Response,
    macs: Mapping[int, int | None],
    kept: Mapping[_Key, tuple[float, ...]],
) -> Curve:
    points = by_x((*response.points, *response.doubted))
    return Curve(
        platform=response.platform.name,
        origin=response.origin,
        points=points,
        expected=expected(points, macs) if response.quantity.endswith(_COSTS) else None,
        recommended=kept.get(_key(response), ()),
    )


def expected(points: Sequence[Point], macs: Mapping[int, int | None]) -> tuple[float, ...] | None:
    """Return what MACs predict at each point: nothing would change but how many there are.

    The MACs over the most MACs per second, or joule, that any trusted point reaches; nothing where
    a point's are not known, or there is no rate to predict by.
    """
    counts = [macs.get(point.trial) for point in points]
    counted = [count for count in counts if count]
    if len(counted) < len(points):
        return None
    pairs = zip(points, counted, strict=True)
    each = [point.y / count for point, count in pairs if not point.untrusted]
    best = min(each, default=0.0)
    return tuple([count * best for count in counted]) if best > 0 else None
