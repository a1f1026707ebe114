"""How long 100,000 trials take to be exported, and as many rows to be imported.

Run: python -m benchmarks.exchange_speed [trials]
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.figures import show
from benchmarks.many_trials import store_many
from opscope import api
from opscope.core.platform import Origin
from opscope.core.table import Elsewhere, Figures, Reading

ROWS = 100_000
TARGET_S = 5


def main() -> None:
    """Print the seconds of each."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "trials.db"
        study = store_many(database, rows)
        for ending in ("parquet", "csv"):
            os.sync()  # or what was written before is waited for here
            start = time.perf_counter()
            api.export(study.name, database=database, to=Path(folder) / f"table.{ending}")
            took_s = time.perf_counter() - start
            show(f"exporting {rows:,} trials, {ending}", took_s, "s", TARGET_S)
        for ending in ("parquet", "csv"):
            os.sync()
            start = time.perf_counter()
            import_again(Path(folder) / f"table.{ending}", Path(folder) / f"{ending}.db")
            took_s = time.perf_counter() - start
            show(f"importing as many rows, {ending}", took_s, "s", TARGET_S)


def import_again(table: Path, database: Path) -> None:
    """Import what was exported, as if a board had measured it."""
    figures = Figures(value="latency_s", low="latency_low_s", high="latency_high_s")
    reading = Reading(figures={"latency_s": figures}, configuration="configuration")
    board = Elsewhere(platform="board", origin=Origin.MEASURED)
    api.import_table(table, reading, board, database=database)


if __name__ == "__main__":
    main()
