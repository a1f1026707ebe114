"""Migrations: a database of an older format, step by step to the format of today."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlalchemy import Connection

from opscope.core.environment import Environment
from opscope.core.record import from_json, to_json
from opscope.store.tables import VERSION

OLDEST = 1
"""The oldest format that can still be read, and brought up to date by a writer."""


def migrate(connection: Connection, version: int) -> None:
    """Bring the tables from format ``version`` to today's, in the transaction in hand."""
    for step in range(version, VERSION):
        _STEPS[step](connection)
    connection.exec_driver_sql(f"PRAGMA user_version = {VERSION}")


def _from_1(connection: Connection) -> None:
    """A session kept one environment; now one for each platform, by its fingerprint."""
    run = connection.exec_driver_sql
    run("ALTER TABLE sessions RENAME COLUMN environment TO environments")
    run("ALTER TABLE sessions ADD COLUMN waited_s FLOAT")
    platforms: dict[int, set[str]] = {}
    for session, fingerprint in run("SELECT DISTINCT session_id, fingerprint FROM trials"):
        platforms.setdefault(session, set()).add(fingerprint)
    for session, text in run("SELECT id, environments FROM sessions").all():
        environment = from_json(text, Environment)
        each = dict.fromkeys(sorted(platforms.get(session, ())), environment)
        run("UPDATE sessions SET environments = ? WHERE id = ?", (to_json(each), session))


_STEPS: Mapping[int, Callable[[Connection], None]] = {1: _from_1}
