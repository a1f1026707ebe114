"""How long 100,000 trials take to be exported, and as many rows to be imported.

Run: python -m benchmarks.exchange_speed [trials]
"""

from __future__ import annotations

import contextlib
import os
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import show
from benchmarks.many_trials import store_many
from opscope import api
from opscope.core.platform import Origin
from opscope.core.table import Elsewhere, Figures, Reading

ROWS = 100_000
TARGET_S = 5
TURNS = 7


def main() -> None:
    """Print the seconds of each, taken in turns since the machine's speed may change."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    took_s: defaultdict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as name:
        folder, database = Path(name), Path(name) / "trials.db"
        study = store_many(database, rows)
        for turn in range(TURNS):
            for ending in ("parquet", "csv"):
                table, other = folder / f"table.{ending}", folder / f"{ending}{turn}.db"
                with _timed(took_s[f"exporting {rows:,} trials, {ending}"]):
                    api.export(study.name, database=database, to=table)
                with _timed(took_s[f"importing as many rows, {ending}"]):
                    import_again(table, other)
                other.unlink()
    for what, seconds in took_s.items():
        show(f"{what}, median of {TURNS}", statistics.median(seconds), "s", TARGET_S)
        show("    fastest", min(seconds), "s")
        show("    slowest", max(seconds), "s")


@contextlib.contextmanager
def _timed(seconds: list[float]) -> Iterator[None]:
    os.sync()  # or what was written before is waited for here
    start = time.perf_counter()
    yield
    seconds.append(time.perf_counter() - start)


def import_again(table: Path, database: Path) -> None:
    """Import what was exported, as if a board had measured it."""
    figures = Figures(value="latency_s", low="latency_low_s", high="latency_high_s")
    reading = Reading(figures={"latency_s": figures}, configuration="configuration")
    board = Elsewhere(platform="board", origin=Origin.MEASURED)
    api.import_table(table, reading, board, database=database)


if __name__ == "__main__":
    main()
