"""Sessions: the sittings at a run, read back."""

from __future__ import annotations

from sqlalchemy import Connection, select

from opscope.core.environment import Environment
from opscope.core.record import Record, from_json
from opscope.core.trial import SourceTable
from opscope.store.tables import sessions


class Session(Record, frozen=True, kw_only=True):
    """One sitting at a run.

    Attributes:
        opscope: The version that measured.
        environments: Where each platform was measured, by the platform's fingerprint.
        source: The table that its trials were imported from; nothing where they were measured.
    """

    id: int
    opscope: str
    environments: dict[str, Environment]
    source: SourceTable | None = None


def read_sessions(connection: Connection, run: int) -> list[Session]:
    """Return the sessions of the run of this number, oldest first."""
    query = select(sessions).where(sessions.c.run_id == run).order_by(sessions.c.id)
    return [
        Session(
            id=row.id,
            opscope=row.opscope,
            environments=from_json(row.environments, dict[str, Environment]),
            source=from_json(row.source, SourceTable) if row.source else None,
        )
        for row in connection.execute(query)
    ]
