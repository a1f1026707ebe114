"""The latency meter: the undisturbed time of one call, from rounds of a few samples each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from opscope.core.measurement import Measurement, Samples, Spread, Trust, Verdict, Visit
from opscope.core.platform import PlatformInfo
from opscope.core.study import Instrumentation, Protocol
from opscope.errors import MeasurementError
from opscope.platforms.base import TimedDeployment
from opscope.stats.location import low_interval, low_location, percentiles

DERIVATION = "call latency: lower quartile of the rounds' fastest undisturbed calls"


class LatencyMeter:
    """Time from input available at the first layer to output available after the last.

    Source: backbone analysis, eq. 1. A call is of the whole network; of a single operator it
    includes layout changes at the boundary and the call's overhead, and is labelled so.
    """

    schedule: ClassVar[Literal["rounds", "once", "offline"]] = "rounds"
    instrumentation: ClassVar[Instrumentation] = Instrumentation()
    command: ClassVar[tuple[str, ...]] = ()

    def visit(
        self, deployment: TimedDeployment, protocol: Protocol, round_: int, preparation: int
    ) -> Visit:
        """Warm the deployment up again, since others ran meanwhile, and take samples."""
        return Visit(
            round=round_,
            preparation=preparation,
            rewarm=deployment.sample(protocol.rewarm),
            samples=deployment.sample(protocol.samples),
        )

    def settled(self, visits: Sequence[Visit], protocol: Protocol) -> bool:
        """Stop after the protocol's rounds: the interval holds for a number fixed beforehand."""
        return len(visits) >= protocol.rounds

    def conclude(self, visits: Sequence[Visit], info: PlatformInfo) -> tuple[Measurement, ...]:
        """Return ``latency_s`` with its interval, its spread and every raw sample.

        Raises:
            MeasurementError: If there is no sample at all.
        """
        if not visits:
            raise MeasurementError("the deployment was never visited")
        rounds = [_undisturbed(visit.samples) for visit in visits]
        trust = _judge(rounds)
        if not any(rounds):
            rounds = [list(visit.samples.durations_s) for visit in visits]
        interval = low_interval(rounds)
        return (
            Measurement(
                quantity="latency_s",
                value=low_location(rounds),
                unit="s",
                origin=info.origin,
                derivation=DERIVATION,
                interval=interval,
                interval_note=_interval_note(visits, rounds) if interval else _too_few(rounds),
                trust=trust,
                spread=_spread(visits),
                visits=tuple(visits),
            ),
        )


def _undisturbed(samples: Samples) -> list[float]:
    """Return the durations of calls during which the kernel preempted nothing."""
    if samples.preemptions is None:
        return list(samples.durations_s)
    pairs = zip(samples.durations_s, samples.preemptions, strict=True)
    return [duration for duration, preemptions in pairs if not preemptions]


def _judge(rounds: Sequence[Sequence[float]]) -> Trust:
    clean = sum(bool(samples) for samples in rounds)
    if 2 * clean >= len(rounds):
        return Trust()
    return Trust(
        verdict=Verdict.UNTRUSTED,
        reason=f"other processes interrupted every call in {len(rounds) - clean} of "
        f"{len(rounds)} rounds",
    )


def _interval_note(visits: Sequence[Visit], rounds: Sequence[Sequence[float]]) -> str:
    used = [visit for visit, samples in zip(visits, rounds, strict=True) if samples]
    preparations = len({visit.preparation for visit in used})
    over = f"95 % over {len(used)} rounds"
    return f"{over}, {preparations} preparations within one process"


def _too_few(rounds: Sequence[Sequence[float]]) -> str:
    return f"{sum(map(bool, rounds))} rounds are too few for a 95 % interval"


def _spread(visits: Sequence[Visit]) -> Spread:
    durations = [duration for visit in visits for duration in visit.samples.durations_s]
    median, p95, p99 = percentiles(durations, 50, 95, 99)
    return Spread(samples=len(durations), median=median, p95=p95, p99=p99)
