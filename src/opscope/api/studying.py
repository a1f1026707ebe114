"""Studies: those there are, running one, and what its runs and other tables say."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from opscope.api.database import DATABASE
from opscope.api.measuring import measuring_with
from opscope.core.configuration import Configuration
from opscope.core.decoding import suggest
from opscope.core.study import Study
from opscope.core.text import Value
from opscope.errors import ConfigurationError, OpscopeError, StoreError, TableError

if TYPE_CHECKING:
    from opscope.analysis.findings import Answers
    from opscope.analysis.steps import Steps
    from opscope.engine.executors.base import Executor
    from opscope.engine.runner import Event, Summary


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

    with Store(database, write=True) as store, measuring_with(executor) as measuring:
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
