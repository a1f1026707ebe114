"""The store: runs and trials in SQLite, durable, readable while a study runs."""

from opscope.store.kept import StoredRecord, StoredTrial
from opscope.store.store import Store
from opscope.store.writing import Run

__all__ = ["Run", "Store", "StoredRecord", "StoredTrial"]
