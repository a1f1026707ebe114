"""Responses: trials sorted into curves, each of one platform, precision and meter, along one x."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from opscope.analysis.reasons import count_reasons
from opscope.core.configuration import Precision
from opscope.core.finding import Point
from opscope.core.measurement import Measurement, Verdict
from opscope.core.platform import Origin, PlatformInfo
from opscope.core.record import Record
from opscope.core.study import MeterName
from opscope.core.text import Value, format_text
from opscope.core.trial import Trial


class Evidence(Record, frozen=True, kw_only=True):
    """A trial as analysis needs it: its number, what it says, and where it was measured.

    Attributes:
        parameters: Every parameter of its configuration, those at their default included.
    """

    number: int
    trial: Trial
    platform: PlatformInfo
    parameters: Mapping[str, Value]


class Response(Record, frozen=True, kw_only=True):
    """How one quantity responds to one parameter while everything else stays.

    Attributes:
        fixed: The workload without the parameter that varies, as text; with the meter, where
            others took the same quantity of the same workloads.
        points: By rising x; none if no trial has a usable figure.
        doubted: Those whose figure may not be relied on, by rising x.
        swept: Whether more than one value of x was tried, with success or without.
        unassessed: How many points' trust nobody assessed, since they were imported.
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
    swept: bool
    unassessed: int = 0
    left_out: dict[str, int]
    doubted: tuple[Point, ...] = ()

    @property
    def values(self) -> set[float]:
        """The values of x that have a point."""
        return {point.x for point in self.points}


_Group = tuple[str, str, str, str, Precision, int, MeterName]
_Others = frozenset[tuple[str, Value]]


def responses(evidence: Iterable[Evidence], x: str, quantity: str) -> list[Response]:
    """Return every curve of ``quantity`` along the parameter ``x`` that the evidence holds."""
    curves = _curves(
        [item for item in evidence if isinstance(item.parameters.get(x), int | float)], x
    )
    meters: dict[tuple[Precision, str], set[MeterName]] = {}
    for items in curves:
        if any(item.trial.measurement(quantity) for item in items):
            meters.setdefault(_alike(items[0].trial, x), set()).add(items[0].trial.job.meter)
    found = []
    for items in curves:
        meter = items[0].trial.job.meter
        taking = meters.get(_alike(items[0].trial, x), {meter})  # others take other quantities
        if meter in taking:
            found.append(_response(items, x, quantity, meter if len(taking) > 1 else None))
    return found


def _alike(trial: Trial, x: str) -> tuple[Precision, str]:
    """Return what curves have in common that differ in platform and meter alone."""
    return trial.job.workload.precision, _fixed(trial, x)


def _curves(evidence: Iterable[Evidence], x: str) -> list[list[Evidence]]:
    """Return the evidence sorted into curves by all that is written out besides ``x``.

    What a configuration leaves out because it is implied (w, where it equals h) may be what other
    points of a curve had to write out: such a configuration is a point of that curve too.
    """
    curves: dict[tuple[_Group, _Others], list[Evidence]] = {}
    written: dict[_Group, set[frozenset[str]]] = {}
    for item in evidence:
        others = _others(item.trial, x)
        group = _group(item)
        written.setdefault(group, set()).add(frozenset(others))
        curves.setdefault((group, frozenset(others.items())), []).append(item)
    own = {key: list(items) for key, items in curves.items()}
    for (group, fixed), items in own.items():
        names = frozenset(name for name, _ in fixed)
        for more in (wanted for wanted in written[group] if wanted > names):
            for item in items:
                spelled = frozenset((k, v) for k, v in item.parameters.items() if k in more)
                if (group, spelled) in own:
                    curves[group, spelled].append(item)
    return list(curves.values())


def _group(item: Evidence) -> _Group:
    job = item.trial.job
    configuration = job.workload.configuration
    network = configuration.kind, configuration.name, configuration.content
    deployed = job.workload.precision, job.workload.batch, job.meter
    return (item.platform.fingerprint, *network, *deployed)


def _others(trial: Trial, x: str) -> dict[str, Value]:
    return {k: v for k, v in trial.job.workload.configuration.parameters if k != x}


def _fixed(trial: Trial, x: str, meter: MeterName | None = None) -> str:
    workload = trial.job.workload
    configuration = workload.configuration
    others = _others(trial, x)
    if workload.batch != 1:
        others["batch"] = workload.batch
    if meter:
        others["meter"] = format_text(meter.name, "", meter.settings)
    return format_text(configuration.kind, configuration.name, others.items())


def _response(
    items: list[Evidence], x: str, quantity: str, meter: MeterName | None = None
) -> Response:
    points: list[Point] = []
    doubted: list[Point] = []
    left_out: list[str] = []
    example: Measurement | None = None
    unassessed = 0
    for item in items:
        measurement = item.trial.measurement(quantity)
        if measurement is None:
            left_out.append(item.trial.reason or f"{quantity} was not reported")
        elif measurement.trust.verdict is Verdict.UNTRUSTED:
            left_out.append(f"untrusted: {measurement.trust.reason}")
            doubted.append(_point(item, x, measurement, measurement.trust.reason))
        else:
            example = measurement
            unassessed += measurement.trust.verdict is Verdict.NOT_ASSESSED
            points.append(_point(item, x, measurement))
    return Response(
        platform=items[0].platform,
        precision=items[0].trial.job.workload.precision.value,
        fixed=_fixed(items[0].trial, x, meter),
        x=x,
        quantity=quantity,
        origin=example.origin if example else items[0].platform.origin,
        derivation=example.derivation if example else "",
        points=by_x(points),
        swept=len({item.parameters[x] for item in items}) > 1,
        unassessed=unassessed,
        left_out=count_reasons(left_out),
        doubted=by_x(doubted),
    )


def by_x(points: Iterable[Point]) -> tuple[Point, ...]:
    """Return the points by rising x."""
    return tuple(sorted(points, key=lambda point: point.x))


def _point(item: Evidence, x: str, measurement: Measurement, doubt: str = "") -> Point:
    return Point(
        x=float(item.parameters[x]),
        y=measurement.value,
        trial=item.number,
        interval=measurement.interval,
        untrusted=doubt,
    )
