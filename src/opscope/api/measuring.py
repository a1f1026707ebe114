"""Measuring now: platforms, one configuration, a machine, two sides. Nothing is stored."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from opscope.api.database import DATABASE
from opscope.api.notebook import displayed
from opscope.core.configuration import Precision, Workload
from opscope.core.environment import Environment
from opscope.core.fusion import Fusion
from opscope.core.measurement import Measurement
from opscope.core.platform import PlatformInfo, PlatformListing
from opscope.core.record import Record
from opscope.core.study import Cohort, Job, Limits, MeterName, Protocol, Study
from opscope.core.support import Support
from opscope.core.trial import Trial
from opscope.errors import InputError, OpscopeError

if TYPE_CHECKING:
    from opscope.core.comparison import Comparison
    from opscope.core.diagnosis import Diagnosis
    from opscope.engine.executors.base import Executor, Progress
    from opscope.engine.runner import Event


def platforms() -> list[PlatformListing]:
    """Return every platform that opscope knows, available ones first, with reasons for the rest.

    What is available has been seen to load, in processes of its own.
    """
    from opscope.platforms.probe import probed
    from opscope.platforms.registry import list_platforms

    return probed(list_platforms())


def support(
    platforms: Sequence[str],
    *,
    precisions: Sequence[Precision] = (),
    watch: Callable[[Progress], None] | None = None,
    executor: Executor | None = None,
) -> list[Support]:
    """Try every operator and block on platforms, and say what runs in which precision, and why not.

    Args:
        platforms: Texts of platforms.
        precisions: Which; those that each platform lists unless given.
        watch: Called at every sign of life.
        executor: Where to try; this machine unless given.

    Raises:
        OpscopeError: If a platform cannot be opened.
    """
    from opscope.engine.support import try_all

    with measuring_with(executor) as trying:
        return [
            found
            for name in dict.fromkeys(platforms)
            for found in try_all(name, executor=trying, precisions=precisions, watch=watch)
        ]


def fusions(
    platforms: Sequence[str],
    *,
    precision: Precision = Precision.FP32,
    watch: Callable[[Progress], None] | None = None,
    executor: Executor | None = None,
) -> list[Fusion]:
    """Measure what platforms fuse: BatchNorm, activations, Add and SE behind a convolution.

    Args:
        platforms: Texts of platforms.
        precision: In which precision.
        watch: Called at every sign of life.
        executor: Where to measure; this machine unless given.

    Raises:
        OpscopeError: If a platform cannot be opened.
    """
    from opscope.engine.fusing import find_fusions

    with measuring_with(executor) as measuring:
        return [
            found
            for name in dict.fromkeys(platforms)
            for found in find_fusions(name, executor=measuring, precision=precision, watch=watch)
        ]


class Measured(Record, frozen=True, kw_only=True):
    """How one configuration fared on one platform; the last three are absent if it never opened."""

    platform: str
    precision: Precision
    status: str
    reason: str
    info: PlatformInfo | None = None
    environment: Environment | None = None
    trial: Trial | None = None

    def quantity(self, name: str) -> Measurement | None:
        """Return the measurement of ``name`` over the whole network, if there is one."""
        return self.trial.measurement(name) if self.trial else None


@displayed
def measure(
    configuration: str,
    platforms: Sequence[str],
    *,
    precisions: Sequence[Precision] = (Precision.FP32,),
    batch: int = 1,
    meter: MeterName | None = None,
    protocol: Protocol | None = None,
    watch: Callable[[Progress], None] | None = None,
    executor: Executor | None = None,
) -> list[Measured]:
    """Measure one configuration now, on several platforms and precisions; nothing is stored.

    Args:
        configuration: Its text, as in ``conv:h=28,cin=320,cout=64,k=3``.
        platforms: Texts of platforms, as in ``openvino-cpu:threads=2``.
        precisions: Precisions to run it in.
        batch: Images in a call.
        meter: What to read; the latency of a layer, or of a network's call, unless given.
        protocol: How often to visit; the default serves.
        watch: Called at every sign of life.
        executor: Where to measure; this machine unless given.

    Returns:
        One result for each platform and precision, in the order asked for.

    Raises:
        ConfigurationError: If the configuration or the name of a platform cannot be meant.
    """
    from opscope.core.platform import PlatformName
    from opscope.graph import resolve

    resolved = resolve(configuration)
    for name in platforms:
        PlatformName.parse(name)
    workloads = [
        Workload(configuration=resolved, precision=precision, batch=batch)
        for precision in precisions
    ]
    with measuring_with(executor) as measuring:
        opened = {name: _opened(measuring, name) for name in platforms}
        return [
            result
            for name, found in opened.items()
            for result in (
                _unavailable(name, workloads, found)
                if isinstance(found, str)
                else _measure_on(
                    measuring,
                    *found,
                    workloads,
                    meter or MeterName(),
                    protocol or Protocol(),
                    watch,
                )
            )
        ]


def _opened(executor: Executor, name: str) -> tuple[PlatformInfo, Environment] | str:
    """Return what a platform says of itself and where it is, or why it cannot be opened.

    Raises:
        InputError: If there is no platform of this name.
    """
    try:
        return executor.describe(name)
    except InputError:
        raise
    except OpscopeError as exc:
        return str(exc)


def _unavailable(name: str, workloads: Sequence[Workload], reason: str) -> list[Measured]:
    return [
        Measured(platform=name, precision=w.precision, status="unavailable", reason=reason)
        for w in workloads
    ]


def _measure_on(
    executor: Executor,
    info: PlatformInfo,
    environment: Environment,
    workloads: Sequence[Workload],
    meter: MeterName,
    protocol: Protocol,
    watch: Callable[[Progress], None] | None,
) -> list[Measured]:
    from opscope.meters import meter_for

    cohort = Cohort(
        platform=info.name,
        jobs=tuple(
            Job(workload=workload, platform=info.name, meter=meter_for(workload, meter))
            for workload in workloads
        ),
        protocol=protocol,
        limits=Limits(),
        seed=0,
        timed=info.deployments == "timed",
    )
    trials: dict[Job, Trial] = {}
    for item in executor.execute([cohort]):
        if isinstance(item, Trial):
            trials[item.job] = item
        elif watch:
            watch(item)
    return [
        Measured(
            platform=info.name,
            precision=job.workload.precision,
            status=trials[job].status,
            reason=trials[job].reason,
            info=info,
            environment=environment,
            trial=trials[job],
        )
        for job in cohort.jobs
    ]


def diagnose(
    platform: str,
    *,
    budget_s: float = 30.0,
    watch: Callable[[Progress], None] | None = None,
    executor: Executor | None = None,
) -> Diagnosis:
    """Say how good this machine is for measuring on a platform, what to change, what to expect.

    Args:
        platform: Text of a platform whose figures are measured.
        budget_s: Time to watch the machine, in seconds, preparations included.
        watch: Called at every sign of life.
        executor: Where to measure; this machine unless given.

    Raises:
        OpscopeError: If the platform cannot be opened, or measures nothing.
    """
    from opscope.analysis.machine import diagnose
    from opscope.engine.examination import examine

    with measuring_with(executor) as measuring:
        return diagnose(examine(platform, budget_s=budget_s, executor=measuring, watch=watch))


@displayed
def compare(  # noqa: PLR0913 - one for each option
    a: str,
    b: str,
    *,
    study: Study | None = None,
    workloads: Sequence[str] = (),
    quantity: str = "latency_s",
    database: Path = DATABASE,
    pythons: tuple[str, str] = ("", ""),
    shared_core: bool = False,
    watch: Callable[[Event], None] | None = None,
) -> Comparison:
    """Compare two sides, configuration by configuration; nothing is stored.

    Args:
        a: A platform, or a kept run: ``run:3`` or ``FILE#3``, with ``/PLATFORM`` behind it if the
            run has several.
        b: The same; ratios are of B over A.
        study: What to measure, and how; its own platforms do not count.
        workloads: More to measure, as in ``conv:h=28,cin=64,cout=96,k=3@fp32,batch=4``. Kept runs
            need neither: they are compared by all that they have.
        quantity: What to compare by.
        database: The file of runs that name none.
        pythons: Interpreters to measure A and B with, of environments that have this opscope; this
            one where empty.
        shared_core: Count rounds in which another hardware thread shares the core.
        watch: Called at every event.

    Raises:
        OpscopeError: If a side cannot be opened or found, or nothing can be compared.
    """
    from msgspec.structs import replace

    from opscope.core.comparison import SideName
    from opscope.engine.comparing import compare
    from opscope.engine.planner import plan
    from opscope.engine.sides import Question, Wanted
    from opscope.graph import resolve
    from opscope.meters import meter_for

    first = Question(SideName.parse(a), a, pythons[0])
    second = Question(SideName.parse(b), b, pythons[1])
    jobs = []
    for workload in map(Workload.parse, workloads):
        whole = replace(workload, configuration=resolve(str(workload.configuration)))
        jobs.append(Job(workload=whole, platform="", meter=meter_for(whole, MeterName())))
    asked = study or Study(name="compare", title="", question="", spaces=())
    wanted = Wanted(
        study=asked.with_shared_core() if shared_core else asked,
        jobs=(*(plan(study, [""]) if study else ()), *jobs),
        quantity=quantity,
    )
    return compare(first, second, wanted, database=database, watch=watch or _unwatched)


def _unwatched(event: Event) -> None:
    del event


@contextlib.contextmanager
def measuring_with(executor: Executor | None) -> Iterator[Executor]:
    """Yield the executor given, or one of our own that ends with the block."""
    if executor:
        yield executor
        return
    from opscope.engine.executors.local import LocalExecutor

    with LocalExecutor() as own:
        yield own
