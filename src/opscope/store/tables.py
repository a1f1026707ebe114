"""The tables. A trial's record is kept whole, as JSON; columns beside it are for looking it up."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

VERSION = 3
"""Raised when the tables change; kept in the file as ``user_version``."""

APPLICATION = 0x6F707363
"""Marks a database as opscope's ("opsc"); kept in the file as ``application_id``."""

metadata = MetaData()

runs = Table(
    "runs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("study", String, nullable=False),
    Column("study_digest", String, nullable=False),
    Column("definition", Text, nullable=False),
    Column("started_at", String, nullable=False),
    Index("runs_of_study", "study"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run_id", ForeignKey("runs.id"), nullable=False),
    Column("opscope", String, nullable=False),
    Column("environments", Text, nullable=False),  # JSON: platform's fingerprint → environment
    Column("source", Text),  # JSON: the table that its trials were imported from, if they were
    Column("started_at", String, nullable=False),
    Column("ended_at", String),
    Column("wall_s", Float),
    Column("runtime_s", Float),
    Column("waited_s", Float),
)

trials = Table(
    "trials",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run_id", ForeignKey("runs.id"), nullable=False),
    Column("session_id", ForeignKey("sessions.id"), nullable=False),
    Column("key", String, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("status", String, nullable=False),
    Column("trusted", Integer, nullable=False),
    Column("configuration", String, nullable=False),
    Column("workload", String, nullable=False),
    Column("platform", String, nullable=False),
    Column("fingerprint", String, nullable=False),
    Column("meter", String, nullable=False),
    Column("ended_at", String, nullable=False),
    Column("record", Text, nullable=False),
    UniqueConstraint("run_id", "key", "attempt"),
)

platforms = Table(
    "platforms",
    metadata,
    Column("fingerprint", String, primary_key=True),
    Column("info", Text, nullable=False),
)
