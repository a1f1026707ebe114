"""Studies: those there are, running one, and what its runs and other tables say."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from opscope.api.database import DATABASE
from opscope.api.measuring import measuring_with
from opscope.api.notebook import displayed
from opscope.api.reading import Kept, macs_of, read_run
from opscope.core.decoding import suggest
from opscope.core.study import Question, Study
from opscope.errors import InputError, OpscopeError, TableError

if TYPE_CHECKING:
    from opscope.analysis.findings import Answers
    from opscope.analysis.overview import Overview
    from opscope.analysis.steps import Steps
    from opscope.engine.executors.base import Executor
    from opscope.engine.runner import Event, Summary


@displayed
def studies() -> list[Study]:
    """Return the studies that come with opscope."""
    from opscope.engine.studies import builtin_studies, load_study

    return [load_study(name) for name in builtin_studies()]


@displayed
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


def run_study(  # noqa: PLR0913 - one for each option
    study: Study,
    platforms: Sequence[str] = (),
    *,
    database: Path = DATABASE,
    fresh: bool = False,
    retry: Collection[str] = (),
    budget_s: float | None = None,
    shared_core: bool = False,
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
        shared_core: Count rounds in which another hardware thread shares the core, whatever the
            study's protocol says; it is another study by that, with runs of its own.
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
            study.with_shared_core() if shared_core else study,
            platforms or study.platforms,
            store=store,
            executor=measuring,
            fresh=fresh,
            retry=retry,
            budget_s=budget_s,
            watch=watch,
        )


@displayed
def findings(
    study: Study | str,
    *,
    database: Path = DATABASE,
    platforms: Collection[str] = (),
    run: int | None = None,
    questions: Collection[Question] = (),
) -> Answers:
    """Return what a run of a study says, while it runs or after, and what it cannot say and why.

    Each platform is judged by its newest fingerprint: figures of another version or device of the
    same name are never mixed in.

    Args:
        study: The study, its name, or the TOML file that declares it.
        database: The file its trials are in.
        platforms: Texts of platforms to keep to; all of the run unless given.
        run: Number of the run; the newest unless given.
        questions: What is asked besides what the study asks; nothing of it is stored.

    Raises:
        StoreError: If there is no such run.
        ConfigurationError: If nothing is kept of a platform that is named.
        StudyError: If the file cannot be read or is no study.
        InputError: If a question is about a parameter that no configuration has.
    """
    from opscope.analysis.findings import answer

    kept = read_run(study, database, platforms, run)
    return answer(_asked(kept, questions), kept.evidence)


@displayed
def overview(
    study: Study | str,
    *,
    database: Path = DATABASE,
    platforms: Collection[str] = (),
    run: int | None = None,
    questions: Collection[Question] = (),
) -> Overview:
    """Return everything that a run of a study says, for whoever draws it, while it runs or after.

    What counts, and what the arguments mean, is as for `findings`.

    Raises:
        StoreError: If there is no such run.
        ConfigurationError: If nothing is kept of a platform that is named.
        StudyError: If the file cannot be read or is no study.
    """
    from opscope.analysis.overviews import overview

    kept = read_run(study, database, platforms, run)
    declared = _asked(kept, questions)
    names = list(kept.fingerprints)
    return overview(
        declared,
        kept.evidence,
        run=kept.run.id,
        started_at=kept.run.started_at,
        opscope=", ".join(dict.fromkeys(session.opscope for session in kept.sessions)),
        jobs=_jobs(declared, names, done=len(kept.evidence)),
        macs=macs_of(kept.evidence),
        environments={
            name: [
                session.environments[fingerprint]
                for session in kept.sessions
                if fingerprint in session.environments
            ]
            for name, fingerprint in kept.fingerprints.items()
        },
    )


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


def _asked(kept: Kept, questions: Collection[Question]) -> Study:
    """Return the study of a run with more questions than its own."""
    known = {name for item in kept.evidence for name in item.parameters}
    for question in questions:
        if known and question.x not in known:
            raise InputError(
                "no configuration has this parameter",
                where=question.x,
                remedy=suggest(question.x, known),
            )
    study = kept.run.study
    every = dict.fromkeys((*study.findings, *questions))
    return msgspec.structs.replace(study, findings=tuple(every))


def _jobs(study: Study, platforms: Sequence[str], *, done: int) -> int:
    """Return how many jobs a kept study is; those done, if this opscope cannot expand it."""
    try:
        return count_jobs(study, platforms)
    except OpscopeError:
        return done
