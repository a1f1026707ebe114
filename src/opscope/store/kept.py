"""Runs and trials as they are kept, read back. Sessions are read in `sessions`."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import Select, func, select

from opscope.core.record import Record, from_json
from opscope.core.study import Study
from opscope.core.trial import Trial
from opscope.store.tables import trials
from opscope.store.writing import Run


class StoredTrial(Record, frozen=True, kw_only=True):
    """A trial with what the store knows about it."""

    id: int
    session: int
    key: str
    attempt: int
    fingerprint: str
    trial: Trial


class StoredRecord(NamedTuple):
    """A trial as it is kept, its record not yet decoded, with what its session says of it.

    Attributes:
        opscope: The version that wrote it.
        source: JSON of the table that it was imported from; nothing where it was measured.
    """

    id: int
    attempt: int
    configuration: str
    workload: str
    platform: str
    fingerprint: str
    ended_at: str
    opscope: str
    source: str | None
    record: str


def newest(run: Run) -> Select[Any]:
    """Return the query for the number of each key's last attempt."""
    return select(func.max(trials.c.id)).where(trials.c.run_id == run.id).group_by(trials.c.key)


def run_of(row: Any) -> Run:
    """Return the run that a row of its table says."""
    return Run(id=row.id, study=from_json(row.definition, Study), started_at=row.started_at)


def stored_trial(row: Any) -> StoredTrial:
    """Return the trial that a row of its table says."""
    return StoredTrial(
        id=row.id,
        session=row.session_id,
        key=row.key,
        attempt=row.attempt,
        fingerprint=row.fingerprint,
        trial=from_json(row.record, Trial),
    )
