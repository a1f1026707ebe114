"""The database file: locked, opened, its format checked, its errors put into words."""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import msgspec
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.pool import QueuePool

from opscope.errors import StoreError
from opscope.store.migrations import OLDEST, migrate
from opscope.store.tables import APPLICATION, VERSION, metadata


def lock_for_writing(path: Path) -> int:
    """Take the writer's lock beside the database and return its descriptor; it ends with us.

    Raises:
        StoreError: If another process has it, or the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as exc:
        raise StoreError(
            f"cannot be written: {exc.strerror}", where=str(path), remedy="Name another --db FILE."
        ) from exc
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as exc:
        os.close(descriptor)
        raise StoreError(
            "another opscope is writing to it",
            where=str(path),
            remedy="Wait for it to end, or name another --db FILE.",
        ) from exc
    return descriptor


def open_database(path: Path, *, write: bool) -> Engine:
    """Return the opened file, its format checked.

    A writer makes it where there is none, and brings one of an older format up to date.

    Raises:
        StoreError: If it is missing, foreign, of another format or damaged.
    """
    if not write and not path.is_file():
        raise StoreError(
            "there is no such database", where=str(path), remedy="Run a study first, or name --db."
        )
    mode = "rwc" if write else "ro"
    uri = f"file:{quote(str(path.absolute()))}?mode={mode}"
    engine = create_engine(
        "sqlite://",
        creator=lambda: sqlite3.connect(uri, uri=True, check_same_thread=False),
        poolclass=QueuePool,
    )

    @event.listens_for(engine, "connect")
    def _configure(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA busy_timeout = 10000")

    try:
        with explained(path):
            _check_version(engine, path, write=write)
            if write:  # only now, since this changes the file, and it might have been another's
                _write_ahead(engine)
    except BaseException:
        engine.dispose()
        raise
    return engine


def _check_version(engine: Engine, path: Path, *, write: bool) -> None:
    with engine.begin() as connection:
        application = connection.exec_driver_sql("PRAGMA application_id").scalar()
        version = connection.exec_driver_sql("PRAGMA user_version").scalar() or 0
        tables = connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar()
        if write and not tables and not application and not version:
            connection.exec_driver_sql("BEGIN IMMEDIATE")  # or each table would commit by itself
            metadata.create_all(connection)
            connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION}")
            connection.exec_driver_sql(f"PRAGMA user_version = {VERSION}")
            return
        if application == APPLICATION and write and OLDEST <= version < VERSION:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            migrate(connection, version)
            return
    if application != APPLICATION:
        raise StoreError(
            "this is a database, but not one of opscope's",
            where=str(path),
            remedy="Name another --db FILE; this one was left as it is.",
        )
    if not OLDEST <= version <= VERSION:
        raise StoreError(
            f"it has format {version}, and this opscope reads formats up to {VERSION}",
            where=str(path),
            remedy="Use the opscope it was written with, or name another --db FILE.",
        )


def _write_ahead(engine: Engine) -> None:
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA journal_mode = WAL")


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn the database's errors into words.

    Raises:
        StoreError: In place of whatever the database raised.
    """
    try:
        yield
    except OperationalError as exc:
        raise StoreError(
            f"the database refuses: {exc.orig}",
            where=str(path),
            remedy="Check that the disk has room and the file may be written.",
        ) from exc
    except (DatabaseError, msgspec.DecodeError) as exc:
        detail = exc.orig if isinstance(exc, DatabaseError) else exc
        raise StoreError(
            f"this is not a database, or it is damaged: {detail}",
            where=str(path),
            remedy="Name another --db FILE; this one was left as it is.",
        ) from exc
