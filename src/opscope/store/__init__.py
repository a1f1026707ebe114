"""The store: runs and trials in SQLite, durable, readable while a study runs."""

from opscope.store.store import Store, StoredRecord, StoredTrial
from opscope.store.writing import Run

__all__ = ["Run", "Store", "StoredRecord", "StoredTrial"]
