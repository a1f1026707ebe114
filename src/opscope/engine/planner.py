"""The planner: a study becomes jobs, and jobs become cohorts. Pure; nothing is run or read."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from opscope.core.configuration import Configuration, Workload
from opscope.core.platform import PlatformInfo
from opscope.core.record import Record
from opscope.core.space import Space
from opscope.core.study import Cohort, Job, Limits, Study
from opscope.cost import count_layers
from opscope.errors import ImpossibleError, OpscopeError, ParameterError, StudyError
from opscope.graph import build, resolve
from opscope.meters import meter_for, open_meter

_CALL_S, _MACS_PER_S, _BYTES_PER_S, _VISIT_S = 2e-5, 5e10, 1e10, 1e-3
"""A desktop's core, to predict how long jobs take beside each other; nothing else rests on it."""


def plan(study: Study, platforms: Sequence[str]) -> list[Job]:
    """Return every job of ``study`` on ``platforms``: workload × platform × meter.

    Raises:
        StudyError: If a space cannot be expanded or holds an impossible configuration; it names
            the space.
    """
    found = list(configurations(study))
    workloads = [
        Workload(configuration=configuration, precision=precision, batch=batch)
        for configuration, precision, batch in itertools.product(
            found, study.precisions, study.batches
        )
    ]
    return [
        Job(workload=workload, platform=platform, meter=meter_for(workload, meter))
        for platform, workload, meter in itertools.product(platforms, workloads, study.meters)
    ]


def group(jobs: Sequence[Job], study: Study, infos: Sequence[PlatformInfo]) -> list[Cohort]:
    """Return the jobs as cohorts, one platform each, small enough for count and memory.

    Each cohort mixes distant points of a sweep, so that a drift of the machine falls on all of
    it and not on neighbours.

    Args:
        jobs: What is left to measure.
        study: Its limits bound a cohort, its seed shuffles.
        infos: The platforms in the order in which they are to be measured.
    """
    cohorts = []
    for info in infos:
        mine = [job for job in jobs if job.platform == info.name]
        random.Random(study.seed).shuffle(mine)  # noqa: S311 - an order, not a secret
        for number, (part, round_s) in enumerate(_parts(mine, study)):
            cohorts.append(
                Cohort(
                    platform=info.name,
                    jobs=tuple(part),
                    protocol=study.protocol,
                    limits=study.limits,
                    seed=study.seed,
                    number=number,
                    timed=info.deployments == "timed",
                    round_s=round_s,
                )
            )
    return cohorts


def configurations(study: Study) -> Iterator[Configuration]:
    """Yield every configuration of ``study`` once, its parameters written out.

    Raises:
        StudyError: If a space cannot be expanded or holds an impossible configuration.
    """
    seen: set[Configuration] = set()
    for number, space in enumerate(study.spaces):
        for configuration in _resolved(space, f"spaces[{number}]"):
            if configuration not in seen:
                seen.add(configuration)
                yield configuration


def _resolved(space: Space, where: str) -> Iterator[Configuration]:
    try:
        points = space.points()
    except StudyError as exc:
        raise StudyError(exc.what, where=f"{where}.{exc.where}", remedy=exc.remedy) from exc
    for point in points:
        try:
            yield resolve(
                Configuration(kind=space.kind, name=space.name, parameters=tuple(point.items()))
            )
        except OpscopeError as exc:
            raise _at_point(exc, space, where) from exc


def _at_point(exc: OpscopeError, space: Space, where: str) -> StudyError:
    """Return what is wrong with a point as an error of the study, which names the key at fault."""
    remedy = exc.remedy
    if isinstance(exc, ImpossibleError):
        remedy += " Or keep such points out with constraints = […]."
    elif isinstance(exc, ParameterError):
        if key := space.key_of(exc.parameter):
            where += f".{key}"
        elif exc.parameter in {"kind", "name"}:
            where += f".{exc.parameter}"
        else:
            remedy += f" Give {exc.parameter} in base or in axes."
    return StudyError(exc.what, where=f"{where}: {exc.where}", remedy=remedy)


class _Load(Record, frozen=True, kw_only=True):
    """What a job asks of a cohort.

    Attributes:
        held: Bytes that its deployments hold together.
        macs: MACs of one round.
        round_s: Time of one round, roughly: only its ratio to others' counts.
    """

    held: int = 0
    macs: int = 0
    round_s: float = 0.0

    def __add__(self, other: _Load) -> _Load:
        return _Load(
            held=self.held + other.held,
            macs=self.macs + other.macs,
            round_s=self.round_s + other.round_s,
        )

    def exceeds(self, limits: Limits) -> bool:
        return self.held > limits.cohort_bytes or self.macs > limits.cohort_macs


def _parts(jobs: Sequence[Job], study: Study) -> Iterator[tuple[list[Job], float]]:
    """Yield the jobs of each cohort, and the predicted time of its rounds."""
    part: list[Job] = []
    load = _Load()
    for job in jobs:
        more = _load(job, study)
        full = len(part) >= study.limits.cohort_size or (load + more).exceeds(study.limits)
        if part and full:
            yield part, load.round_s
            part, load = [], _Load()
        part.append(job)
        load = load + more
    if part:
        yield part, load.round_s


def _load(job: Job, study: Study) -> _Load:
    """Predict what a job holds, weights twice since a runtime packs its own copy, and computes.

    A stack counts as so many layers: to build each only to plan takes as long as to prepare it.
    """
    load, meter = _Load(), open_meter(job.meter)
    for term in meter.terms(job.workload):
        graph, copies = build(replace(term.workload, copies=0)), term.workload.copies or 1
        layers = count_layers(graph, precision=job.workload.precision)
        macs = copies * sum(layer.macs or 0 for layer in layers)
        moved_bytes = copies * sum(layer.memory_access_bytes for layer in layers)
        held = 4 * copies * (2 * graph.parameters + graph.activations)
        held *= study.protocol.preparations * meter.streams
        call_s = _CALL_S + macs / _MACS_PER_S + moved_bytes / _BYTES_PER_S
        visit_s = max(study.protocol.samples * call_s, _VISIT_S)
        load = load + _Load(held=held, macs=macs, round_s=visit_s)
    return load
