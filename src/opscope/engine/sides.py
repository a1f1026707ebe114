"""The sides of a comparison: taken from a run that is kept, or measured now by themselves."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

import opscope
from opscope.core.comparison import Side, SideName
from opscope.core.platform import PlatformInfo
from opscope.core.record import Record
from opscope.core.study import Cohort, Job, Study
from opscope.core.trial import Trial
from opscope.engine.executors.local import LocalExecutor
from opscope.engine.planner import group
from opscope.engine.runner import Event
from opscope.errors import ConfigurationError, InputError, OpscopeError
from opscope.meters import quantities
from opscope.store import Store, StoredTrial

Key = tuple[object, ...]
"""Names what is measured, whatever it is measured on."""


class Question(NamedTuple):
    """One side as it is asked for: its name, and the interpreter where it is measured now."""

    name: SideName
    text: str
    python: str = ""


class Wanted(Record, frozen=True, kw_only=True):
    """What is to be compared.

    Attributes:
        study: Whose protocol, limits and seed count.
        jobs: Workloads and meters; none for all that a kept side has.
    """

    study: Study
    jobs: tuple[Job, ...] = ()
    quantity: str = "latency_s"


class Taken(NamedTuple):
    """One side as it was found."""

    side: Side
    trials: Mapping[Key, Trial]


class Counter:
    """Tells whoever watches how many configurations are through."""

    def __init__(self, watch: Callable[[Event], None]) -> None:
        self._watch = watch
        self._done = self._total = 0

    def expect(self, cohorts: Sequence[Cohort]) -> None:
        """Take note of what is going to be measured."""
        self._total += sum(len(cohort.jobs) for cohort in cohorts)
        self.note()

    def count(self) -> None:
        """Take note that a configuration is through."""
        self._done += 1
        self.note()

    def note(self, *, ahead: float = 0.0, waiting: bool = False) -> None:
        """Tell how far it is."""
        self._watch(Event(done=self._done, total=self._total, ahead=ahead, waiting=waiting))


def key_of(job: Job) -> Key:
    """Return what names a job on whatever platform."""
    workload = job.workload
    meter = job.meter.name, job.meter.settings
    options = workload.precision, workload.batch, workload.copies
    return (workload.configuration.digest, *options, *meter)


def kept(asked: Question, database: Path) -> Taken:
    """Return a kept run's trials on one platform, the newest version of it."""
    path = asked.name.database or database
    if asked.python:
        raise InputError("what is kept needs no interpreter", where=asked.text)
    with Store(path) as store:
        run = store.run(asked.name.run or 0)
        stored = store.trials(run)
        platform = _platform_of(asked, stored)
        mine = [item for item in stored if item.trial.job.platform == platform]
        info = store.platform(mine[-1].fingerprint)
        environments = [session.environments for session in store.sessions(run)]
    where = [found[info.fingerprint] for found in environments if info.fingerprint in found]
    return Taken(
        side=Side(
            text=asked.text,
            platform=info,
            environment=where[-1] if where else None,
            run=run.id,
            database=str(path),
        ),
        trials={
            key_of(item.trial.job): item.trial
            for item in mine
            if item.fingerprint == info.fingerprint
        },
    )


def _platform_of(asked: Question, stored: Sequence[StoredTrial]) -> str:
    names = list(dict.fromkeys(item.trial.job.platform for item in stored))
    named = asked.name.platform
    if named in names:
        return named
    if len(names) == 1 and not named:
        return names[0]
    if not names:
        raise ConfigurationError("this run has no trial yet", where=asked.text)
    what = "nothing on that platform is kept" if named else "this run has several platforms"
    base = asked.text.removesuffix(f"/{named}")
    forms = " or ".join(f"{base}/{name}" for name in names)
    raise ConfigurationError(what, where=asked.text, remedy=f"Write {forms}.")


def describe(asked: Question) -> Side:
    """Return a side to be measured now, in its environment, whose opscope must be this one.

    Raises:
        OpscopeError: If it cannot be opened there, or another opscope is there.
    """
    try:
        with LocalExecutor(python=asked.python or sys.executable) as executor:
            info, environment = executor.describe(asked.name.platform)
    except OpscopeError as exc:
        if not asked.python or asked.python in exc.where:
            raise
        raise exc.at(asked.python) from exc
    if environment.opscope != opscope.__version__:
        raise InputError(
            f"opscope {environment.opscope} is there, and this is {opscope.__version__}",
            where=asked.python,
            remedy=f"Install opscope {opscope.__version__} there.",
        )
    return Side(text=asked.text, platform=info, environment=environment, python=asked.python)


def cohorts_for(jobs: Sequence[Job], study: Study, info: PlatformInfo) -> list[Cohort]:
    """Return the jobs as cohorts of one platform, each only once."""
    unique = {key_of(job): msgspec.structs.replace(job, platform=info.name) for job in jobs}
    return group(list(unique.values()), study, [info])


def require_read(quantity: str, jobs: Sequence[Job]) -> None:
    """Refuse before anything is measured when no job reads the quantity.

    Raises:
        ConfigurationError: If so; it names what is read.
    """
    read = {name for job in jobs for name in quantities(job.meter.name)}
    if quantity not in read:
        raise ConfigurationError(
            f"{quantity!r} is not measured",
            where="--quantity",
            remedy=f"What is measured is {', '.join(sorted(read))}.",
        )


def measured(asked: Question, wanted: Wanted, jobs: Sequence[Job], progress: Counter) -> Taken:
    """Measure one side by itself.

    Raises:
        OpscopeError: If it cannot be opened, or would have nothing of the quantity.
    """
    side = describe(asked)
    if side.platform.deployments == "timed":
        require_read(wanted.quantity, jobs)
    cohorts = cohorts_for(jobs, wanted.study, side.platform)
    progress.expect(cohorts)
    trials: dict[Key, Trial] = {}
    with LocalExecutor(python=asked.python or sys.executable) as executor:
        for item in executor.execute(cohorts):
            if isinstance(item, Trial):
                trials[key_of(item.job)] = item
                progress.count()
            else:
                progress.note(ahead=item.ahead, waiting=item.waiting)
    return Taken(side=side, trials=trials)
