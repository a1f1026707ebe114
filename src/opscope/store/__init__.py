"""The store: runs and trials in SQLite, durable, readable while a study runs."""

from opscope.store.store import Run, Store, StoredRecord, StoredTrial

__all__ = ["Run", "Store", "StoredRecord", "StoredTrial"]
