"""The database file: locked, opened, its format checked, its errors put into words."""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import msgspec
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import QueuePool

from opscope.errors import StoreError
from opscope.store.migrations import OLDEST, migrate
from opscope.store.tables import APPLICATION, VERSION, metadata

_PRIMARY = 0xFF
"""The bits of an error's code that tell its kind."""

_PAGE = 16_384
"""Bytes; a trial takes 2 kB and more, of which SQLite's own 4 kB hold one, and half is wasted."""

_REFUSALS = {
    sqlite3.SQLITE_BUSY: "Wait for whoever else has it open, or name another --db FILE.",
    sqlite3.SQLITE_LOCKED: "Wait for whoever else has it open, or name another --db FILE.",
    sqlite3.SQLITE_FULL: "Free space on the disk.",
    sqlite3.SQLITE_IOERR: "Check that the disk works and has room.",
    sqlite3.SQLITE_READONLY: "Allow yourself to write the file and its folder.",
    sqlite3.SQLITE_PERM: "Allow yourself to write the file and its folder.",
    sqlite3.SQLITE_CANTOPEN: "Allow yourself to open the file and to write its folder.",
}
"""What helps where the file is sound but cannot be used; any other error means damage."""


def lock_for_writing(path: Path) -> int:
    """Take the writer's lock beside the database and return its descriptor; it ends with us.

    Raises:
        StoreError: If another process has it, or the folder cannot be written.
    """
    real = Path(os.path.realpath(path))  # one file has one lock, whatever links lead to it
    try:
        descriptor = os.open(f"{real}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
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


def refuse_foreign(path: Path) -> None:
    """Refuse a file that is not a database of opscope's, leaving nothing beside it.

    Raises:
        StoreError: If there is such a file, or something that is no file or cannot be reached.
    """
    try:
        there, file = path.exists(), path.is_file()
    except OSError as exc:
        raise StoreError(
            f"cannot be reached: {exc.strerror}",
            where=str(path),
            remedy="Allow yourself to enter its folder, or name another --db FILE.",
        ) from exc
    if not there or _is_marked(path):
        return
    if not file:
        raise StoreError("this is not a file", where=str(path), remedy="Name another --db FILE.")
    # Were it not immutable, SQLite would put its own files beside it.
    with (
        _engine(path, "mode=ro&immutable=1") as engine,
        explained(path),
        engine.connect() as connection,
    ):
        _format_of(connection, path)


@contextlib.contextmanager
def opened(path: Path, *, write: bool) -> Iterator[Engine]:
    """Yield the opened file, its format checked.

    A writer makes it where there is none, and brings one of an older format up to date; a reader,
    who must leave it as it is, gets a copy that was brought up to date.

    Raises:
        StoreError: If it is missing, foreign, of another format or damaged.
    """
    if not write and not path.is_file():
        raise StoreError(
            "there is no such database", where=str(path), remedy="Run a study first, or name --db."
        )
    with contextlib.ExitStack() as held:
        with explained(path):
            engine = held.enter_context(_engine(path, _options(path, write=write)))
            version = _prepare(engine, path, write=write)
            if version < VERSION and not write:
                engine = held.enter_context(_up_to_date_copy(engine, path))
        yield engine


def _options(path: Path, *, write: bool) -> str:
    """Return how SQLite is to open the file.

    For a reader it undoes what a killed writer began, if it may. Where it can put nothing beside
    the file, and nothing is there, nobody is writing; it would refuse if it were not told.
    """
    real = Path(os.path.realpath(path))
    if write:
        return "mode=rwc"
    if Path(f"{real}-journal").exists():
        return "mode=rw"
    alone = not os.access(real.parent, os.W_OK) and not Path(f"{real}-wal").exists()
    return "mode=ro&immutable=1" if alone else "mode=ro"


@contextlib.contextmanager
def _up_to_date_copy(engine: Engine, path: Path) -> Iterator[Engine]:
    """Yield a copy of a file of an older format in today's; it ends with its reader."""
    with contextlib.ExitStack() as held:
        try:
            folder = held.enter_context(tempfile.TemporaryDirectory(prefix="opscope-read-"))
            copy = Path(folder, "copy.db")
            with engine.connect() as connection:
                connection.exec_driver_sql("VACUUM INTO ?", (str(copy),))
            newer = held.enter_context(_engine(copy, "mode=rw"))
            _prepare(newer, path, write=True)
        except (OSError, DatabaseError) as exc:
            if isinstance(exc, DatabaseError) and _code(exc) != sqlite3.SQLITE_FULL:
                raise  # it is the file itself that cannot be read
            detail = exc.orig if isinstance(exc, DatabaseError) else exc.strerror
            raise StoreError(
                f"its format is an older one, and no copy can be made to read it: {detail}",
                where=str(path),
                remedy="Name a directory with room for it in TMPDIR.",
            ) from exc
        yield newer


def _is_marked(path: Path) -> bool:
    """Whether a database's header says that this opscope can read it.

    Source: https://www.sqlite.org/fileformat2.html, "The Database Header".
    """
    try:
        with path.open("rb") as file:
            header = file.read(72)
    except OSError:
        return False
    version, application = struct.unpack_from(">I4xI", header.ljust(72, b"\0"), 60)
    return bool(application == APPLICATION and OLDEST <= version <= VERSION)


@contextlib.contextmanager
def _engine(path: Path, options: str) -> Iterator[Engine]:
    """Yield SQLAlchemy's engine for a file, and close its connections in the end."""
    uri = f"file:{quote(str(path.absolute()))}?{options}"
    engine = create_engine(
        "sqlite://",
        creator=lambda: sqlite3.connect(uri, uri=True, check_same_thread=False),
        poolclass=QueuePool,
    )

    @event.listens_for(engine, "connect")
    def _configure(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute(f"PRAGMA page_size = {_PAGE}")  # of a file that is yet to be made
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA busy_timeout = 10000")
        connection.execute("PRAGMA cache_size = -65536")  # KiB; its own 2 MB thrash in an import

    try:
        yield engine
    finally:
        engine.dispose()


def _prepare(engine: Engine, path: Path, *, write: bool) -> int:
    """Return the format that the file had; a writer's is brought up to date."""
    with engine.begin() as connection:
        version = _format_of(connection, path)
        if write and version < VERSION:
            connection.exec_driver_sql("BEGIN IMMEDIATE")  # or each table would commit by itself
            _bring_up_to_date(connection, version)
        elif not version:
            raise StoreError(
                "nothing is stored in it",
                where=str(path),
                remedy="Run a study first, or name --db.",
            )
    return version


def _bring_up_to_date(connection: Connection, version: int) -> None:
    if version:
        migrate(connection, version)
        return
    metadata.create_all(connection)
    connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION}")
    connection.exec_driver_sql(f"PRAGMA user_version = {VERSION}")


def _format_of(connection: Connection, path: Path) -> int:
    """Return the format, 0 where nobody wrote yet; refuse one that is foreign or too new."""
    application = connection.exec_driver_sql("PRAGMA application_id").scalar()
    version: int = connection.exec_driver_sql("PRAGMA user_version").scalar() or 0
    query = "SELECT name FROM sqlite_master WHERE type = 'table'"
    tables = set(connection.exec_driver_sql(query).scalars())
    if not tables and not application and not version:
        return 0
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
    if missing := sorted(set(metadata.tables) - tables):
        raise StoreError(
            f"it is damaged: it lacks the tables {', '.join(missing)}",
            where=str(path),
            remedy="Restore it from a copy, or name another --db FILE.",
        )
    return version


def write_ahead(engine: Engine) -> None:
    """Let others read while trials are written; the file stays so.

    What is written takes twice as long then, once beside the file and once into it.
    """
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
    except (DatabaseError, msgspec.DecodeError) as exc:
        detail = exc.orig if isinstance(exc, DatabaseError) else exc
        if remedy := _REFUSALS.get(_code(exc)):
            raise StoreError(
                f"the database refuses: {detail}", where=str(path), remedy=remedy
            ) from exc
        raise StoreError(
            f"this is not a database, or it is damaged: {detail}",
            where=str(path),
            remedy="Name another --db FILE; this one was left as it is.",
        ) from exc


def _code(exc: Exception) -> int:
    """Return of what kind SQLite says an error is; damage where it does not say."""
    code: int = getattr(getattr(exc, "orig", None), "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)
    return code & _PRIMARY
