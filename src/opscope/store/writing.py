"""What is written in a transaction that is open already: runs, sessions, trials, platforms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, insert, select, update

import opscope
from opscope.core.environment import Environment
from opscope.core.measurement import Verdict
from opscope.core.platform import PlatformInfo
from opscope.core.record import Record, from_json, to_json
from opscope.core.study import Study
from opscope.core.trial import IMPORTED, SourceTable, Trial
from opscope.errors import TableError
from opscope.store.tables import platforms, runs, sessions, trials

_TOGETHER = 2_000
"""Rows that are handed to the driver at once."""


class Run(Record, frozen=True, kw_only=True):
    """One execution of a study, over as many sessions as it took."""

    id: int
    study: Study
    started_at: str


def open_run(connection: Connection, study: Study, *, fresh: bool) -> Run:
    """Return the newest run of exactly this study; a new one if none is there, or ``fresh``."""
    query = select(runs).where(runs.c.study_digest == study.digest).order_by(runs.c.id.desc())
    found = None if fresh else connection.execute(query).first()
    if found:
        same = update(runs).where(runs.c.id == found.id)
        connection.execute(same.values(definition=to_json(study)))
        return Run(id=found.id, study=study, started_at=found.started_at)
    values = {
        "study": study.name,
        "study_digest": study.digest,
        "definition": to_json(study),
        "started_at": now(),
    }
    result = connection.execute(insert(runs).values(values))
    return Run(id=new_id(result), study=study, started_at=values["started_at"])


def open_session(
    connection: Connection,
    run: Run,
    environments: Mapping[str, Environment],
    source: SourceTable | None = None,
) -> int:
    """Note that ``run`` is being worked on; return the session's number.

    Args:
        connection: A transaction.
        run: The run.
        environments: Where each platform is measured, by the platform's fingerprint.
        source: The table that its trials come from, where they are imported.
    """
    values = {
        "run_id": run.id,
        "opscope": opscope.__version__,
        "environments": to_json(environments),
        "source": to_json(source) if source else None,
        "started_at": now(),
    }
    return new_id(connection.execute(insert(sessions).values(values)))


class TrialRow(NamedTuple):
    """A trial's row, but for its number, in the order of the table's columns."""

    run_id: int
    session_id: int
    key: str
    attempt: int
    status: str
    trusted: bool
    configuration: str
    workload: str
    platform: str
    fingerprint: str
    meter: str
    ended_at: str
    record: str


class Sitting(NamedTuple):
    """What trials have in common that end together in a session, on one platform."""

    run: int
    session: int
    fingerprint: str
    ended_at: str

    def row(self, key: str, attempt: int, trial: Trial) -> TrialRow:
        """Return the row of one of them."""
        workload = str(trial.job.workload)
        verdicts = [measurement.trust.verdict for measurement in trial.measurements]
        return TrialRow(
            run_id=self.run,
            session_id=self.session,
            key=key,
            attempt=attempt,
            status=trial.status,
            trusted=Verdict.UNTRUSTED not in verdicts,
            configuration=workload.partition("@")[0],
            workload=workload,
            platform=trial.job.platform,
            fingerprint=self.fingerprint,
            meter=trial.job.meter.name,
            ended_at=self.ended_at,
            record=to_json(trial),
        )


def insert_rows(connection: Connection, rows: Iterable[TrialRow]) -> None:
    """Add the rows of many trials, some thousand at a time so that few are in memory.

    They go to the driver as they are: SQLAlchemy would take as long over each as SQLite does.
    """
    statement = insert(trials).compile(dialect=connection.dialect, column_keys=TrialRow._fields)
    rows = iter(rows)
    while some := list(islice(rows, _TOGETHER)):
        connection.exec_driver_sql(str(statement), some)


def keep_platform(connection: Connection, info: PlatformInfo) -> None:
    """Keep what is known of a platform, unless something is."""
    if known_platform(connection, info.fingerprint) is None:
        values = {"fingerprint": info.fingerprint, "info": to_json(info)}
        connection.execute(insert(platforms).values(values))


def keep_imported_platform(connection: Connection, run: Run, info: PlatformInfo) -> None:
    """Keep a platform that figures were imported of, with all precisions and quantities so far.

    Raises:
        TableError: If its name stands for another in the run, whose figures these would hide.
    """
    query = select(platforms.c.info).where(
        platforms.c.fingerprint.in_(
            select(trials.c.fingerprint).where(
                trials.c.run_id == run.id, trials.c.platform == info.name
            )
        )
    )
    here = [from_json(text, PlatformInfo) for text in connection.scalars(query)]
    if any(one.family != IMPORTED for one in here):
        raise TableError(
            f"run {run.id} of {run.study.name} has figures that opscope measured on it",
            where=f"--platform {info.name}",
            remedy="Give what is imported a name of its own.",
        )
    known = known_platform(connection, info.fingerprint)
    if known is None:
        return keep_platform(connection, info)
    if known.origin is not info.origin:
        raise TableError(
            f"its figures are kept as {known.origin.value}, not {info.origin.value}",
            where=f"--platform {info.name}",
            remedy="Name the same --origin, or another platform.",
        )
    both = msgspec.structs.replace(
        known,
        precisions=tuple(dict.fromkeys(known.precisions + info.precisions)),
        quantities=tuple(dict.fromkeys(known.quantities + info.quantities)),
    )
    same = update(platforms).where(platforms.c.fingerprint == info.fingerprint)
    connection.execute(same.values(info=to_json(both)))
    return None


def refuse_repeats(
    connection: Connection, run: Run, imported: Mapping[str, Trial], table: SourceTable
) -> None:
    """Refuse trials of a table of which one is in the run already.

    Raises:
        TableError: Saying which, and from where.
    """
    kept = connection.scalars(select(trials.c.key).where(trials.c.run_id == run.id))
    key = next((key for key in kept if key in imported), None)
    if key is None:
        return
    query = select(sessions.c.source).join(trials, trials.c.session_id == sessions.c.id)
    query = query.where(trials.c.run_id == run.id, trials.c.key == key)
    text = connection.scalars(query).one() or ""  # which is damage
    old, new = from_json(text, SourceTable), imported[key]
    place = table.place(new.source) if new.source else table.file
    what = str(new.job.workload)
    if old.sha256 == table.sha256:
        place, what = table.file, "this very file"
    raise TableError(
        f"{what} was imported into run {run.id} of {run.study.name} already, "
        f"from {old.file}; nothing was added",
        where=place,
        remedy="Use --fresh to make another run, or give --platform another name.",
    )


def known_platform(connection: Connection, fingerprint: str) -> PlatformInfo | None:
    """Return what is known of a platform, if anything is."""
    query = select(platforms.c.info).where(platforms.c.fingerprint == fingerprint)
    text = connection.scalar(query)
    return None if text is None else from_json(text, PlatformInfo)


def new_id(result: Any) -> int:
    """Return the number of the row that was inserted."""
    return int(result.inserted_primary_key[0])


def now() -> str:
    """Return the time, as it is kept."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
