"""Sessions: the sittings at a run, read back from today's format and from the first."""

from __future__ import annotations

from sqlalchemy import Connection, literal_column, select

from opscope.core.environment import Environment
from opscope.core.record import Record, from_json
from opscope.store.tables import sessions, trials


class Session(Record, frozen=True, kw_only=True):
    """One sitting at a run.

    Attributes:
        opscope: The version that measured.
        environments: Where each platform was measured, by the platform's fingerprint.
    """

    id: int
    opscope: str
    environments: dict[str, Environment]


def read_sessions(connection: Connection, run: int) -> list[Session]:
    """Return the sessions of the run of this number, oldest first."""
    first = (connection.exec_driver_sql("PRAGMA user_version").scalar() or 0) == 1
    column = literal_column("environment") if first else sessions.c.environments
    query = select(sessions.c.id, sessions.c.opscope, column.label("text"))
    rows = connection.execute(query.where(sessions.c.run_id == run).order_by(sessions.c.id)).all()
    return [
        Session(
            id=row.id,
            opscope=row.opscope,
            environments=_of_all(connection, row.id, row.text)
            if first
            else from_json(row.text, dict[str, Environment]),
        )
        for row in rows
    ]


def _of_all(connection: Connection, session: int, text: str) -> dict[str, Environment]:
    """Return what the first format kept once for all platforms, by each one's fingerprint."""
    query = select(trials.c.fingerprint).distinct().where(trials.c.session_id == session)
    return dict.fromkeys(connection.scalars(query), from_json(text, Environment))
