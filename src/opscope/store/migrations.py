"""Migrations: a database of an older format, step by step to the format of today."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec
from sqlalchemy import Connection

from opscope.core.environment import Environment
from opscope.core.record import from_json, to_json
from opscope.core.trial import Source, SourceTable
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


class _Row(msgspec.Struct):
    """The row that a trial was imported from, as the second format kept it."""

    file: str
    sha256: str
    number: int
    row: dict[str, str] = {}


_SOURCES = """
SELECT id, CASE WHEN json_valid(record) THEN json_extract(record, '$.source') END
FROM trials WHERE session_id = ?
"""
"""Finds no source in a damaged record, which stays as it is: the others can be read without it."""


def _from_2(connection: Connection) -> None:
    """A trial kept its table's name and each cell's column; now its session does, once."""
    run = connection.exec_driver_sql
    run("ALTER TABLE sessions ADD COLUMN source TEXT")
    for (session,) in run("SELECT id FROM sessions WHERE environments = '{}'").all():
        kept = run(_SOURCES, (session,)).all()
        rows = {trial: from_json(text, _Row) for trial, text in kept if text}
        if not rows:
            continue
        first = next(iter(rows.values()))
        columns = tuple(dict.fromkeys(name for old in rows.values() for name in old.row))
        table = SourceTable(file=first.file, sha256=first.sha256, columns=columns)
        run("UPDATE sessions SET source = ? WHERE id = ?", (to_json(table), session))
        for trial, old in rows.items():
            source = Source(number=old.number, cells=tuple(old.row.get(c, "") for c in columns))
            change = "UPDATE trials SET record = json_set(record, '$.source', json(?)) WHERE id = ?"
            run(change, (to_json(source), trial))


_STEPS: Mapping[int, Callable[[Connection], None]] = {1: _from_1, 2: _from_2}
