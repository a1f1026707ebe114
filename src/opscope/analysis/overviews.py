"""From the trials of a run to its overview: everything that is said of it, computed once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from opscope.analysis.bars import bars
from opscope.analysis.findings import answer
from opscope.analysis.overview import Overview, Row, Site, Supported
from opscope.analysis.reasons import count_reasons
from opscope.analysis.responses import Evidence
from opscope.analysis.sweeps import sweeps
from opscope.core.comparison import Figure
from opscope.core.configuration import Configuration
from opscope.core.environment import Environment
from opscope.core.measurement import Measurement
from opscope.core.study import Study
from opscope.core.text import quote_reserved

_USUAL = "latency_s"


def overview(
    study: Study,
    evidence: Sequence[Evidence],
    *,
    run: int,
    started_at: str,
    opscope: str,
    jobs: int,
    macs: Mapping[int, int | None],
    environments: Mapping[str, Sequence[Environment]],
) -> Overview:
    """Return all that a run says.

    Args:
        study: What was asked.
        evidence: The trials, oldest first, each platform's newest fingerprint alone.
        run: The run's number.
        started_at: When it began.
        opscope: The version, or versions, that measured.
        jobs: How many jobs the study is on these platforms.
        macs: Multiply-accumulates by number of the trial; None where they cannot be counted.
        environments: Where each platform was measured, by its name, oldest first.
    """
    quantity = _quantity(study, evidence)
    answers = answer(study, evidence)
    swept, more = sweeps(study, evidence, answers.findings, macs, quantity)
    infos = {item.platform.name: item.platform for item in evidence}
    return Overview(
        study=study,
        run=run,
        started_at=started_at,
        opscope=opscope,
        jobs=jobs,
        quantity=quantity,
        answers=answers,
        rows=tuple([_row(item, macs.get(item.number), quantity) for item in evidence]),
        sweeps=swept,
        bars=bars(evidence, swept, macs, quantity),
        support=support(evidence),
        sites=tuple(
            [
                Site(platform=info, environments=different(environments.get(name, ())))
                for name, info in infos.items()
            ]
        ),
        more_sweeps=more,
    )


def support(evidence: Iterable[Evidence]) -> tuple[Supported, ...]:
    """Return how the trials of each operator, block or network ended, and why some gave nothing."""
    groups: dict[tuple[str, str, str], list[Evidence]] = {}
    for item in evidence:
        workload = item.trial.job.workload
        key = _subject(workload.configuration), item.platform.name, workload.precision.value
        groups.setdefault(key, []).append(item)
    return tuple(
        [
            Supported(
                subject=subject,
                platform=platform,
                precision=items[0].trial.job.workload.precision,
                outcomes=dict(Counter(item.trial.status for item in items)),
                reasons=count_reasons(
                    item.trial.reason for item in items if item.trial.status != "ok"
                ),
            )
            for (subject, platform, _), items in sorted(groups.items())
        ]
    )


def different(environments: Iterable[Environment]) -> tuple[Environment, ...]:
    """Return one environment for each different machine or software.

    How much memory others left, and how long a reading of the clock took, is no other machine.
    """
    kept: list[Environment] = []
    machines: list[Environment] = []
    for item in environments:
        machine = msgspec.structs.replace(
            item, available_bytes=None, swap_used_bytes=None, timer_s=None
        )
        if machine not in machines:
            kept.append(item)
            machines.append(machine)
    return tuple(kept)


def _quantity(study: Study, evidence: Iterable[Evidence]) -> str:
    """Return what the study asks about first; else latency, or what its trials have most of."""
    if study.findings:
        return study.findings[0].quantity
    counts = Counter(
        measurement.quantity
        for item in evidence
        for measurement in item.trial.measurements
        if measurement.scope.kind == "network"
    )
    return _USUAL if _USUAL in counts or not counts else counts.most_common(1)[0][0]


def _row(item: Evidence, macs: int | None, quantity: str) -> Row:
    trial = item.trial
    measurement = trial.measurement(quantity)
    if measurement:
        figure = Figure.of(measurement)
    elif trial.status == "ok":
        figure = Figure(status="missing", reason=f"{quantity} was not reported")
    else:
        figure = Figure(status=trial.status, reason=trial.reason)
    return Row(
        trial=item.number,
        workload=trial.job.workload,
        platform=item.platform.name,
        meter=trial.job.meter.name,
        parameters=dict(item.parameters),
        macs=macs,
        figure=figure,
        spread=measurement.spread if measurement else None,
        samples=_samples(measurement) if measurement else 0,
        execution=trial.execution,
    )


def _samples(measurement: Measurement) -> int:
    if measurement.spread:
        return measurement.spread.samples
    return sum(len(visit.samples.durations_s) for visit in measurement.visits)


def _subject(configuration: Configuration) -> str:
    if not configuration.name:
        return configuration.kind
    return f"{configuration.kind}:{quote_reserved(configuration.name)}"
