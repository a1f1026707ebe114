"""Responses: trials sorted into curves, each of one platform and precision along one parameter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from opscope.core.finding import Point
from opscope.core.measurement import Measurement, Verdict
from opscope.core.platform import Origin, PlatformInfo
from opscope.core.record import Record
from opscope.core.text import format_text
from opscope.core.trial import Trial


class Evidence(Record, frozen=True, kw_only=True):
    """A trial as analysis needs it: its number, what it says, and where it was measured."""

    number: int
    trial: Trial
    platform: PlatformInfo


class Response(Record, frozen=True, kw_only=True):
    """How one quantity responds to one parameter while everything else stays.

    Attributes:
        fixed: The workload without the parameter that varies, as text.
        points: By rising x.
        left_out: Trials without a usable figure, counted by reason.
    """

    platform: PlatformInfo
    precision: str
    fixed: str
    x: str
    quantity: str
    origin: Origin
    derivation: str
    points: tuple[Point, ...]
    left_out: dict[str, int]


def responses(evidence: Iterable[Evidence], x: str, quantity: str) -> list[Response]:
    """Return every curve of ``quantity`` along the parameter ``x`` that the evidence holds."""
    curves: dict[tuple[str, str, str], list[Evidence]] = {}
    for item in evidence:
        workload = item.trial.job.workload
        if isinstance(workload.configuration.get(x), int | float):
            key = (item.platform.fingerprint, _fixed(item.trial, x), workload.precision.value)
            curves.setdefault(key, []).append(item)
    found = (_response(items, x, quantity) for items in curves.values())
    return [response for response in found if response]


def _fixed(trial: Trial, x: str) -> str:
    workload = trial.job.workload
    configuration = workload.configuration
    others = [(key, value) for key, value in configuration.parameters if key != x]
    batch = [("batch", workload.batch)] if workload.batch != 1 else []
    return format_text(configuration.kind, configuration.name, [*others, *batch])


def _response(items: list[Evidence], x: str, quantity: str) -> Response | None:
    points: list[Point] = []
    left_out: Counter[str] = Counter()
    example: Measurement | None = None
    for item in items:
        measurement = item.trial.measurement(quantity)
        if measurement is None:
            left_out[item.trial.reason or f"{quantity} was not reported"] += 1
        elif measurement.trust.verdict is Verdict.UNTRUSTED:
            left_out[f"untrusted: {measurement.trust.reason}"] += 1
        else:
            example = measurement
            points.append(_point(item, x, measurement))
    if example is None:
        return None
    return Response(
        platform=items[0].platform,
        precision=items[0].trial.job.workload.precision.value,
        fixed=_fixed(items[0].trial, x),
        x=x,
        quantity=quantity,
        origin=example.origin,
        derivation=example.derivation,
        points=tuple(sorted(points, key=lambda point: point.x)),
        left_out=dict(left_out),
    )


def _point(item: Evidence, x: str, measurement: Measurement) -> Point:
    value = item.trial.job.workload.configuration.get(x)
    return Point(
        x=float(value or 0),
        y=measurement.value,
        trial=item.number,
        interval=measurement.interval,
    )
