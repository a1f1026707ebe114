"""The latency meters: one call of a network, and one layer inside a network."""

from __future__ import annotations

import functools
import math
from collections import Counter
from collections.abc import Sequence
from typing import ClassVar, Literal

from opscope.core.configuration import Workload
from opscope.core.measurement import Measurement, Spread, Stop, Trust, Verdict
from opscope.core.parameters import read_parameters
from opscope.core.platform import PlatformInfo
from opscope.core.readings import Samples, Visit
from opscope.core.record import Record
from opscope.core.study import Instrumentation, Protocol
from opscope.core.text import Parameters
from opscope.errors import MeasurementError
from opscope.graph.stacks import Term, layer_terms
from opscope.meters.base import Readings
from opscope.meters.caches import flush_caches
from opscope.meters.calls import NO_CALLS, joined, steady
from opscope.meters.contention import alone, judged_by
from opscope.meters.correction import combined, corrected, half_width
from opscope.meters.estimate import Estimate, estimate
from opscope.platforms.base import TimedDeployment
from opscope.stats.location import LEAST_ROUNDS, percentiles

_CHANGE = 2.0
"""How many times the precision asked for a trusted figure may change with time or order."""

_WIDEST = 2.5
"""How many times as wide as asked its interval may be: ±5 % at the usual ±2 %."""

_PARTS = 3
"""After one of so many parts of the rounds it may take, it may be given up for a shared core."""

_VISIT_S = 0.001
_MOST_SAMPLES = 10
"""Calls are repeated until a visit has counted for this long, or this often."""

_TRIES = 3
"""How often a visit takes its samples anew while every one of them is disturbed."""


class Settings(Record, frozen=True, kw_only=True):
    """What latency meters may be told: nothing."""


class CallLatencyMeter:
    """Time from input available at the first layer to output available after the last.

    Source: backbone analysis, eq. 1. A call is of the whole network; of a single operator it
    includes layout changes at the boundary and the call's overhead, and is labelled so.
    """

    schedule: ClassVar[Literal["rounds", "once", "offline"]] = "rounds"
    instrumentation: ClassVar[Instrumentation] = Instrumentation()
    command: ClassVar[tuple[str, ...]] = ()
    quantities: ClassVar[tuple[str, ...]] = ("latency_s",)
    streams: int = 1

    def __init__(self, settings: Parameters = ()) -> None:
        read_parameters(settings, Settings, where="latency")

    def terms(self, workload: Workload) -> tuple[Term, ...]:
        """Return the network itself."""
        return (Term(workload=workload, coefficient=1.0),)

    def visit(self, deployment: TimedDeployment, protocol: Protocol) -> tuple[Samples, Samples]:
        """Warm the deployment up again, since others ran meanwhile, and take samples."""
        if protocol.cold:
            return NO_CALLS, _cold(deployment, protocol.samples)
        rewarm, samples = steady(deployment, row=protocol.samples, rewarm=protocol.rewarm)
        fastest = min(samples.durations_s)
        count = max(protocol.samples, min(math.ceil(_VISIT_S / fastest), _MOST_SAMPLES))
        samples = joined(samples, deployment.sample(count - len(samples.durations_s)))
        for _ in range(_TRIES - 1):
            if samples.fastest_s is not None:
                break
            samples = joined(samples, deployment.sample(count))
        return rewarm, samples

    def settled(self, readings: Readings) -> Stop:
        """Stop when the interval is within the protocol's precision, or its rounds are spent.

        The interval is the one that is reported, corrections included. Of the rounds it needs at
        least, those in which the core was shared are none. If there were such, more are taken, as
        long as enough with the core alone can be hoped for by what a third of them showed.
        """
        protocol, counted = readings.protocol, alone(readings)
        rounds, kept = _rounds(readings), _rounds(counted)
        least = min(protocol.min_rounds, protocol.rounds)
        half = math.inf
        if kept >= least:
            estimates = _estimates(counted, None)
            half = half_width(*combined(counted, estimates))
            if half <= protocol.precision:
                half = half_width(*corrected(counted, estimates, readings)[:2])
        if half <= protocol.precision:
            return "precision"
        if rounds < protocol.rounds:
            return ""
        enough = kept >= protocol.rounds or half <= _WIDEST * protocol.precision
        tried = rounds * _PARTS >= protocol.longest
        hopeless = tried and kept * protocol.longest < least * rounds
        return "rounds" if enough or hopeless or rounds >= protocol.longest else ""

    def conclude(
        self, readings: Readings, info: PlatformInfo, stopped: Stop
    ) -> tuple[Measurement, ...]:
        """Return ``latency_s`` with its interval, its spread and every raw reading.

        Raises:
            MeasurementError: If there is no sample at all.
        """
        if not readings.visits:
            raise MeasurementError("the deployment was never visited")
        counted, shared = alone(readings), ""
        if _rounds(counted) < min(LEAST_ROUNDS, _rounds(readings)):
            counted, shared = readings, _shared(counted, readings)
        estimates = _estimates(counted, _CHANGE * readings.protocol.precision)
        value, interval, seen = corrected(counted, estimates, readings)
        return (
            Measurement(
                quantity="latency_s",
                value=value,
                unit="s",
                origin=info.origin,
                derivation=f"{self._what(readings)}; {_estimator(readings, estimates)}",
                interval=interval,
                interval_note=_interval_note(estimates, _rounds(readings), found=bool(interval)),
                trust=_judge(value, interval, readings, estimates, shared),
                spread=_spread(readings.visits) if len(readings.terms) == 1 else None,
                stopped=stopped,
                speed=seen,
                least_contention=judged_by(readings),
                visits=readings.visits,
                rounds=readings.rounds,
            ),
        )

    def _what(self, readings: Readings) -> str:
        del readings
        return "call latency"


class LayerLatencyMeter(CallLatencyMeter):
    """Time of an operator or block inside a network: from stacks of it, by their differences.

    Source: behaviour study, Appendix A.
    """

    def terms(self, workload: Workload) -> tuple[Term, ...]:
        """Return the stacks, and what each counts for."""
        return layer_terms(workload)

    def _what(self, readings: Readings) -> str:
        deep, shallow, *_ = (term.workload.copies for term in readings.terms)
        unseen = "" if readings.told else ", unchecked, since nothing tells what runs"
        return f"layer latency: difference of stacks of {deep} and {shallow} copies{unseen}"


def _rounds(readings: Readings) -> int:
    """Return in how many rounds each network was visited at least."""
    visited = Counter(visit.term for visit in readings.visits)
    return min(visited[number] for number in range(len(readings.terms)))


def _cold(deployment: TimedDeployment, count: int) -> Samples:
    """Return calls before each of which the caches were emptied."""
    taken = []
    for _ in range(count):
        flush_caches()
        taken.append(deployment.sample(1))
    return functools.reduce(joined, taken)


def _estimates(readings: Readings, least_change: float | None) -> list[Estimate]:
    """Return the estimate of each term."""
    return [
        estimate(
            [visit for visit in readings.visits if visit.term == number],
            least_change=least_change,
        )
        for number in range(len(readings.terms))
    ]


def _too_wide(value: float, interval: tuple[float, float] | None, readings: Readings) -> str:
    """Say that the interval, corrections included, is far wider than was asked for, if so."""
    half, asked = half_width(value, interval), readings.protocol.precision
    if half <= _WIDEST * asked or math.isinf(half):
        return ""
    rounds = _rounds(readings)
    return f"after {rounds} rounds its interval is still ±{half:.0%}, where ±{asked:.0%} was asked"


def _shared(counted: Readings, readings: Readings) -> str:
    rounds = _rounds(readings)
    return (
        f"another hardware thread shared the processor's core in {rounds - _rounds(counted)}"
        f" of {rounds} rounds; --shared-core counts those, too"
    )


def _judge(
    value: float,
    interval: tuple[float, float] | None,
    readings: Readings,
    estimates: Sequence[Estimate],
    shared: str,
) -> Trust:
    """Return whether to trust a figure: not without an interval, for whichever reason."""
    doubts = (
        "" if value > 0 else "the deeper stack is no slower than the shallower one",
        shared,
        _too_wide(value, interval, readings),
        *(part.doubt for part in estimates),
        "" if interval else _too_few(estimates),
    )
    for doubt in filter(None, doubts):
        return Trust(verdict=Verdict.UNTRUSTED, reason=doubt)
    return Trust()


def _too_few(estimates: Sequence[Estimate]) -> str:
    rounds = min(part.rounds for part in estimates)
    return f"{'1 round is' if rounds == 1 else f'{rounds} rounds are'} too few for a 95 % interval"


def _estimator(readings: Readings, estimates: Sequence[Estimate]) -> str:
    replaced = sum(part.by_cpu_time for part in estimates)
    cpu = f", CPU time for {replaced} rounds without one" if replaced else ""
    cold = ", with empty caches" if readings.protocol.cold else ""
    return f"lower quartile of the rounds' fastest undisturbed calls{cpu}{cold}"


def _interval_note(estimates: Sequence[Estimate], visited: int, *, found: bool) -> str:
    if not found:
        return _too_few(estimates)
    rounds = min(part.rounds for part in estimates)
    preparations = min(part.preparations for part in estimates)
    over = (
        f"95 % over {rounds} of {visited} rounds"
        if rounds < visited
        else f"95 % over {rounds} rounds"
    )
    if preparations == 1:
        return f"{over}, within one preparation"
    return f"{over}, {preparations} preparations"


def _spread(visits: Sequence[Visit]) -> Spread:
    durations = [duration for visit in visits for duration in visit.samples.durations_s]
    median, p95, p99 = percentiles(durations, 50, 95, 99)
    return Spread(samples=len(durations), median=median, p95=p95, p99=p99)
