"""Store: adds runs and trials durably, and reads them back. Opening the file is `database`'s."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import DatabaseError

from opscope.core.environment import Environment
from opscope.core.platform import PlatformInfo
from opscope.core.record import from_json
from opscope.core.study import Study
from opscope.core.trial import SourceTable, Trial
from opscope.errors import StoreError
from opscope.store.database import explained, lock_for_writing, opened, refuse_foreign, write_ahead
from opscope.store.kept import StoredRecord, StoredTrial, newest, run_of, stored_trial
from opscope.store.sessions import Session, read_sessions
from opscope.store.tables import platforms, runs, sessions, trials
from opscope.store.writing import (
    Run,
    Sitting,
    insert_rows,
    keep_imported_platform,
    keep_platform,
    known_platform,
    new_id,
    now,
    open_run,
    open_session,
    refuse_repeats,
)


class Store:
    """An opened database.

    Args:
        path: The SQLite file.
        write: Whether trials are to be added; one process at a time may. A reader never creates.

    Raises:
        StoreError: If the file is missing, foreign, newer, damaged or being written by another.
    """

    def __init__(self, path: Path, *, write: bool = False) -> None:
        self._path = path
        refuse_foreign(path)
        with contextlib.ExitStack() as held:
            if write:
                held.callback(os.close, lock_for_writing(path))
            self._engine = held.enter_context(opened(path, write=write))
            self._held = held.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; what was added is on disk already."""
        self._held.close()

    def open_run(self, study: Study, *, fresh: bool = False) -> Run:
        """Return the newest run of exactly this study; a new one if none is there, or ``fresh``.

        What does not make it another study (its words, what it wants found) is taken over.
        """
        with explained(self._path):
            write_ahead(self._engine)
        with self._transaction() as connection:
            return open_run(connection, study, fresh=fresh)

    def open_session(self, run: Run, environments: Mapping[str, Environment]) -> int:
        """Note that ``run`` is being worked on; return the session's number.

        Args:
            run: The run.
            environments: Where each platform is measured, by the platform's fingerprint.
        """
        with self._transaction() as connection:
            return open_session(connection, run, environments)

    def close_session(
        self, session: int, *, wall_s: float, runtime_s: float, waited_s: float
    ) -> None:
        """Note that a session ended, how long it took, how much of that in runtimes or waiting."""
        query = update(sessions).where(sessions.c.id == session)
        with self._transaction() as connection:
            values = {"wall_s": wall_s, "runtime_s": runtime_s, "waited_s": waited_s}
            connection.execute(query.values(ended_at=now(), **values))

    def add_trial(
        self, run: Run, session: int, key: str, info: PlatformInfo, trial: Trial
    ) -> StoredTrial:
        """Add a finished trial; when this returns, it survives a crash and a power cut."""
        with self._transaction() as connection:
            earlier = select(func.count()).where(trials.c.run_id == run.id, trials.c.key == key)
            attempt = connection.scalar(earlier) or 0
            keep_platform(connection, info)
            row = Sitting(run.id, session, info.fingerprint, now()).row(key, attempt, trial)
            result = connection.execute(insert(trials).values(row._asdict()))
            return StoredTrial(
                id=new_id(result),
                session=session,
                key=key,
                attempt=attempt,
                fingerprint=info.fingerprint,
                trial=trial,
            )

    def import_trials(
        self,
        study: Study,
        info: PlatformInfo,
        imported: Mapping[str, Trial],
        table: SourceTable,
        *,
        fresh: bool,
    ) -> Run:
        """Add trials that were taken elsewhere to the newest run of a study, all or none.

        Their session has no environment, since nobody noted one.

        Args:
            study: The study; its run is made if there is none.
            info: The platform they are of.
            imported: The trials by the keys that they are stored under.
            table: What they are imported from.
            fresh: Make another run although there is one.

        Raises:
            TableError: If one of the keys is in the run already, or the platform's name stands for
                one that figures were measured on here.
        """
        with self._transaction() as connection:
            run = open_run(connection, study, fresh=fresh)
            refuse_repeats(connection, run, imported, table)
            keep_imported_platform(connection, run, info)
            session = open_session(connection, run, {}, table)
            sitting = Sitting(run.id, session, info.fingerprint, now())
            insert_rows(connection, (sitting.row(key, 0, one) for key, one in imported.items()))
            ended = update(sessions).where(sessions.c.id == session)
            connection.execute(ended.values(ended_at=sitting.ended_at))
        with contextlib.suppress(DatabaseError):  # all is kept by now, and the next writer will
            write_ahead(self._engine)
        return run

    def first_trials(self, run: Run, fingerprint: str, count: int) -> list[Trial]:
        """Return the first trials of a run that went well on the platform of this fingerprint."""
        query = select(trials.c.record).where(
            trials.c.run_id == run.id,
            trials.c.fingerprint == fingerprint,
            trials.c.status == "ok",
        )
        with self._reading() as connection:
            records = connection.scalars(query.order_by(trials.c.id).limit(count))
            return [from_json(record, Trial) for record in records]

    def outcomes(self, run: Run) -> dict[str, str]:
        """Return how the last attempt of each key ended: a status, or ``untrusted``."""
        query = select(trials.c.key, trials.c.status, trials.c.trusted)
        query = query.where(trials.c.run_id == run.id).order_by(trials.c.id)
        with self._reading() as connection:
            return {
                row.key: row.status if row.trusted else "untrusted"
                for row in connection.execute(query)
            }

    def runs(self, study: str) -> list[Run]:
        """Return the runs of the study of this name, newest first."""
        query = select(runs).where(runs.c.study == study).order_by(runs.c.id.desc())
        with self._reading() as connection:
            return [run_of(row) for row in connection.execute(query)]

    def studies(self) -> list[str]:
        """Return the names of the studies that were run."""
        with self._reading() as connection:
            return list(connection.execute(select(runs.c.study).distinct()).scalars())

    def run(self, number: int) -> Run:
        """Return the run of this number.

        Raises:
            StoreError: If there is none; it names those there are.
        """
        with self._reading() as connection:
            row = connection.execute(select(runs).where(runs.c.id == number)).first()
            kept = connection.scalars(select(runs.c.id).order_by(runs.c.id)).all()
        if row is None:
            listed = f"Runs {', '.join(map(str, kept))} are." if kept else "Run a study first."
            raise StoreError(f"no run {number} is kept there", where=str(self._path), remedy=listed)
        return run_of(row)

    def trials(self, run: Run) -> list[StoredTrial]:
        """Return the last attempt of every trial of ``run``, oldest first."""
        query = select(trials).where(trials.c.id.in_(newest(run))).order_by(trials.c.id)
        with self._reading() as connection:
            return [stored_trial(row) for row in connection.execute(query)]

    def sessions(self, run: Run) -> list[Session]:
        """Return the sessions of ``run``, oldest first."""
        with self._reading() as connection:
            return read_sessions(connection, run.id)

    def records(self, run: Run) -> Iterator[StoredRecord]:
        """Yield the same as they are kept, for whoever needs a part of so many."""
        of_session = {"opscope": sessions, "source": sessions}
        columns = [of_session.get(name, trials).c[name] for name in StoredRecord._fields]
        query = select(*columns).join(sessions, sessions.c.id == trials.c.session_id)
        query = query.where(trials.c.id.in_(newest(run))).order_by(trials.c.id)
        with self._reading() as connection:
            rows = connection.execution_options(yield_per=1000).execute(query)
            yield from map(StoredRecord._make, rows)

    def platform(self, fingerprint: str) -> PlatformInfo:
        """Return what is known of the platform with this fingerprint.

        Raises:
            StoreError: If nothing was ever measured on it.
        """
        with self._reading() as connection:
            info = known_platform(connection, fingerprint)
        if info is None:
            what = f"no platform has the fingerprint {fingerprint}"
            raise StoreError(what, where=str(self._path))
        return info

    def platforms(self, run: Run) -> dict[str, PlatformInfo]:
        """Return what is known of each platform that ``run`` has trials on, by fingerprint."""
        here = select(trials.c.fingerprint).where(trials.c.run_id == run.id)
        query = select(platforms).where(platforms.c.fingerprint.in_(here))
        with self._reading() as connection:
            rows = connection.execute(query)
            return {row.fingerprint: from_json(row.info, PlatformInfo) for row in rows}

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[Any]:
        with explained(self._path), self._engine.begin() as connection:
            yield connection

    @contextlib.contextmanager
    def _reading(self) -> Iterator[Any]:
        with explained(self._path), self._engine.connect() as connection:
            yield connection
