"""Executors: where cohorts are measured. Local worker processes, so far."""
