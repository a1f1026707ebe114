"""The public functions of opscope. Commands are a thin layer over these; so are notebooks.

Everything takes texts or records and returns records; heavy packages load when they are needed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from opscope.core.configuration import Configuration, Precision, Workload
from opscope.core.decoding import suggest
from opscope.core.measurement import Measurement
from opscope.core.platform import PlatformInfo, PlatformListing
from opscope.core.record import Record
from opscope.core.study import Cohort, Job, Limits, MeterName, Protocol, Study
from opscope.core.text import Value
from opscope.core.trial import Trial
from opscope.cost.records import Cost
from opscope.errors import ConfigurationError, InputError, OpscopeError, StoreError, TableError

if TYPE_CHECKING:
    from opscope.analysis.findings import Answers
    from opscope.analysis.steps import Steps
    from opscope.core.comparison import Comparison
    from opscope.core.diagnosis import Diagnosis
    from opscope.engine.executors.base import Executor, Progress
    from opscope.engine.runner import Event, Summary

DATABASE = Path("opscope.db")
"""Where trials are kept unless another file is named."""


def platforms() -> list[PlatformListing]:
    """Return every platform that opscope knows, available ones first, with reasons for the rest.

    What is available has been seen to load, in processes of its own.
    """
    from opscope.platforms.probe import probed
    from opscope.platforms.registry import list_platforms

    return probed(list_platforms())


class Measured(Record, frozen=True, kw_only=True):
    """How one configuration fared on one platform; ``trial`` is absent if it never opened."""

    platform: str
    precision: Precision
    status: str
    reason: str
    info: PlatformInfo | None = None
    trial: Trial | None = None

    def quantity(self, name: str) -> Measurement | None:
        """Return the measurement of ``name`` over the whole network, if there is one."""
        return self.trial.measurement(name) if self.trial else None


def measure(
    configuration: str,
    platforms: Sequence[str],
    *,
    precisions: Sequence[Precision] = (Precision.FP32,),
    batch: int = 1,
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
    with _measuring(executor) as measuring:
        return [
            result
            for name in dict.fromkeys(platforms)
            for result in _measure_on(
                measuring, name, workloads, protocol or Protocol(), watch=watch
            )
        ]


def _measure_on(
    executor: Executor,
    name: str,
    workloads: Sequence[Workload],
    protocol: Protocol,
    *,
    watch: Callable[[Progress], None] | None,
) -> list[Measured]:
    try:
        info, _ = executor.describe(name)
    except InputError:
        raise
    except OpscopeError as exc:
        return [
            Measured(platform=name, precision=w.precision, status="unavailable", reason=str(exc))
            for w in workloads
        ]
    from opscope.meters import meter_for

    cohort = Cohort(
        platform=info.name,
        jobs=tuple(
            Job(workload=workload, platform=info.name, meter=meter_for(workload, MeterName()))
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

    with _measuring(executor) as measuring:
        return diagnose(examine(platform, budget_s=budget_s, executor=measuring, watch=watch))


class Counted(Record, frozen=True, kw_only=True):
    """What a workload costs that can be counted."""

    workload: str
    cost: Cost


def cost(model: str, *, precision: Precision = Precision.FP32, batch: int = 1) -> Counted:
    """Count what a model costs without running it.

    Args:
        model: A configuration's text, as in ``zoo:mobilenet_v2,width=0.5``.
        precision: Number format of the bytes.
        batch: Images in a call; counts are of the whole batch.

    Raises:
        ConfigurationError: If the configuration cannot be meant.
    """
    from opscope.cost import count
    from opscope.graph import build, resolve

    workload = Workload(configuration=resolve(model), precision=precision, batch=batch)
    return Counted(workload=str(workload), cost=count(build(workload), precision=precision))


def write_graph(model: str, path: Path, *, batch: int = 1, seed: int = 0) -> int:
    """Write a model as an ONNX file, weights drawn from ``seed``; return its size in bytes.

    Above 2 GB the weights go into ``<path>.data`` beside it.

    Raises:
        ConfigurationError: If the configuration cannot be meant.
        InputError: If the file cannot be written.
    """
    from opscope.graph import build, resolve

    workload = Workload(configuration=resolve(model), batch=batch)
    graph = build(workload)
    try:
        return graph.save(path, seed)
    except OSError as exc:
        raise InputError(f"cannot be written: {exc.strerror}", where=str(path)) from exc


def studies() -> list[Study]:
    """Return the studies that come with opscope."""
    from opscope.engine.studies import builtin_studies, load_study

    return [load_study(name) for name in builtin_studies()]


def study(name: str) -> Study:
    """Return the built-in study of this name, or the one in the TOML file of this path.

    Raises:
        StudyError: If there is none, or it is malformed.
    """
    from opscope.engine.studies import load_study

    return load_study(name)


def count_jobs(study: Study, platforms: Sequence[str]) -> int:
    """Return how many jobs the study is on these platforms.

    Raises:
        StudyError: If it holds an impossible configuration.
    """
    from opscope.engine.planner import plan

    return len(plan(study, platforms))


def run_study(
    study: Study,
    platforms: Sequence[str] = (),
    *,
    database: Path = DATABASE,
    fresh: bool = False,
    retry: Collection[str] = (),
    budget_s: float | None = None,
    watch: Callable[[Event], None] | None = None,
    executor: Executor | None = None,
) -> Summary:
    """Measure what is still missing of a study and store every trial as it ends.

    Args:
        study: The question.
        platforms: Texts of platforms; those the study names unless given.
        database: SQLite file; made if it is not there.
        fresh: Start another run although there is one to go on with.
        retry: Outcomes whose jobs are measured again: ``failed``, ``unsupported``, ``untrusted``.
        budget_s: Time it may take, in seconds; as long as the precision asks unless given.
        watch: Called at every event.
        executor: Where to measure; this machine unless given.

    Raises:
        OpscopeError: If a platform cannot be opened, the study is impossible, or the database
            cannot be written; nothing that was stored is lost.
    """
    from opscope.engine.runner import run_study
    from opscope.store import Store

    with Store(database, write=True) as store, _measuring(executor) as measuring:
        return run_study(
            study,
            platforms or study.platforms,
            store=store,
            executor=measuring,
            fresh=fresh,
            retry=retry,
            budget_s=budget_s,
            watch=watch,
        )


def findings(
    study: Study | str,
    *,
    database: Path = DATABASE,
    platforms: Collection[str] = (),
    run: int | None = None,
) -> Answers:
    """Return what a run of a study says, while it runs or after, and what it cannot say and why.

    Each platform is judged by its newest fingerprint: figures of another version or device of the
    same name are never mixed in.

    Args:
        study: The study, its name, or the TOML file that declares it.
        database: The file its trials are in.
        platforms: Texts of platforms to keep to; all of the run unless given.
        run: Number of the run; the newest unless given.

    Raises:
        StoreError: If there is no such run.
        ConfigurationError: If nothing is kept of a platform that is named.
        StudyError: If the file cannot be read or is no study.
    """
    from opscope.analysis.findings import answer
    from opscope.analysis.responses import Evidence
    from opscope.engine.studies import is_file_name, load_study
    from opscope.store import Store

    asked = study.name if isinstance(study, Study) else study
    declared = load_study(study) if isinstance(study, str) and is_file_name(study) else study
    name = declared.name if isinstance(declared, Study) else declared
    with Store(database) as store:
        runs = [kept for kept in store.runs(name) if run in {None, kept.id}]
        if not runs:
            raise StoreError(
                f"no run of a study {name!r} is kept there",
                where=str(database),
                remedy=_to_run(asked, store.studies()),
            )
        stored = store.trials(runs[0])
        newest = {item.trial.job.platform: item.fingerprint for item in stored}
        infos = {name: store.platform(fingerprint) for name, fingerprint in newest.items()}
    wanted = {_kept_as(name, infos) for name in platforms} if infos else set()
    evidence = [
        Evidence(
            number=item.id,
            trial=item.trial,
            platform=infos[item.trial.job.platform],
            parameters=_parameters(item.trial.job.workload.configuration),
        )
        for item in stored
        if item.fingerprint == newest[item.trial.job.platform]
        and (not wanted or item.trial.job.platform in wanted)
    ]
    return answer(runs[0].study, evidence)


def compare(
    a: str,
    b: str,
    *,
    study: Study | None = None,
    workloads: Sequence[str] = (),
    quantity: str = "latency_s",
    database: Path = DATABASE,
    pythons: tuple[str, str] = ("", ""),
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
        watch: Called at every event.

    Raises:
        OpscopeError: If a side cannot be opened or found, or nothing can be compared.
    """
    from msgspec.structs import replace

    from opscope.core.comparison import SideName
    from opscope.engine.comparing import Wanted, compare
    from opscope.engine.planner import plan
    from opscope.engine.sides import Question
    from opscope.graph import resolve
    from opscope.meters import meter_for

    first = Question(SideName.parse(a), a, pythons[0])
    second = Question(SideName.parse(b), b, pythons[1])
    jobs = []
    for workload in map(Workload.parse, workloads):
        whole = replace(workload, configuration=resolve(str(workload.configuration)))
        jobs.append(Job(workload=whole, platform="", meter=meter_for(whole, MeterName())))
    wanted = Wanted(
        study=study or Study(name="compare", title="", question="", spaces=()),
        jobs=(*(plan(study, [""]) if study else ()), *jobs),
        quantity=quantity,
    )
    return compare(first, second, wanted, database=database, watch=watch or _unwatched)


def _unwatched(event: Event) -> None:
    del event


def steps(table: Path, *, x: str, y: str, where: Iterable[tuple[str, str]] = ()) -> Steps:
    """Return the verdict on steps of column ``y`` against column ``x`` of a CSV table.

    Args:
        table: A CSV file whose first row names the columns.
        x: Column of counts.
        y: Column of costs, in any unit.
        where: Columns and the value, as text or number, that a row must have there to take part.

    Raises:
        TableError: If the file, a column or a value cannot be used; it names the row.
    """
    import numpy as np

    from opscope.analysis.steps import find_steps
    from opscope.store.exchange import read_columns

    columns = read_columns(table, x, y, where=dict(where))
    try:
        with np.errstate(over="raise", divide="raise", invalid="raise"):
            return find_steps(*columns)
    except TableError as exc:
        raise TableError(exc.what, where=str(table), remedy=exc.remedy) from exc
    except (FloatingPointError, MemoryError) as exc:
        raise TableError(
            f"the values of {x} or {y} lie too far apart to be compared",
            where=str(table),
            remedy="Remove rows that are out of all proportion.",
        ) from exc


def _to_run(study: str, kept: Sequence[str]) -> str:
    """Return what helps who wants to see a study that was never run."""
    from opscope.engine.studies import builtin_studies, is_file_name

    if is_file_name(study) or study in builtin_studies():
        return f"Run it: opscope study run {study}."
    return f"{suggest(study, kept)} Or run its file: opscope study run FILE.toml."


def _parameters(configuration: Configuration) -> dict[str, Value]:
    """Return every parameter; of a kind that this opscope does not know, those written out."""
    from opscope.graph import parameters_of

    try:
        return parameters_of(configuration)
    except ConfigurationError:
        return dict(configuration.parameters)


def _kept_as(platform: str, kept: Collection[str]) -> str:
    """Return the name under which a platform's trials are kept; its package may be gone by now.

    Raises:
        ConfigurationError: If none are kept.
    """
    from opscope.core.platform import PlatformName
    from opscope.platforms.registry import open_platform

    name = str(PlatformName.parse(platform))
    if name not in kept:
        with contextlib.suppress(OpscopeError):  # it may spell out what is left at its default
            name = open_platform(platform).info().name
    if name not in kept:
        raise ConfigurationError(
            "no trial on this platform is kept", where=platform, remedy=suggest(name, kept)
        )
    return name


@contextlib.contextmanager
def _measuring(executor: Executor | None) -> Iterator[Executor]:
    """Yield the executor given, or one of our own that ends with the block."""
    if executor:
        yield executor
        return
    from opscope.engine.executors.local import LocalExecutor

    with LocalExecutor() as own:
        yield own
