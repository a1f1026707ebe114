"""How long 100,000 trials take to be exported, and as many rows to be imported.

The trials are one that the fake platform gave, with as many of its raw samples as make 6 kB, under
as many configurations, so that nothing is met twice.

Run: python -m benchmarks.exchange_speed [trials]
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from sqlalchemy import insert

from opscope import api
from opscope.core.configuration import Configuration, Workload
from opscope.core.platform import Origin
from opscope.core.record import to_json
from opscope.core.study import Protocol, Study
from opscope.core.table import Elsewhere, Figures, Reading
from opscope.core.trial import Trial
from opscope.store import Store
from opscope.store.tables import trials

ROWS = 100_000
SIZE = 6_500
WIDTH = 400
"""Values of cout for each of cin."""


def main() -> None:
    """Print the seconds of each."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "trials.db"
        study = api.study("conv-channels")
        small = msgspec.structs.replace(study, protocol=Protocol(rounds=6))
        api.run_study(_one_point(small), ("fake",), database=database)
        size = _multiply(database, small, rows)
        print(f"{rows:,} trials of {size:,} bytes")
        for ending in ("parquet", "csv"):
            table = Path(folder) / f"table.{ending}"
            with _timed(f"export, {ending}"):
                api.export(study.name, database=database, to=table)
        for ending in ("parquet", "csv"):
            table = Path(folder) / f"table.{ending}"
            with _timed(f"import, {ending}"):
                _import(table, Path(folder) / f"{ending}.db")


def _import(table: Path, database: Path) -> None:
    figures = Figures(value="latency_s", low="latency_low_s", high="latency_high_s")
    reading = Reading(figures={"latency_s": figures}, configuration="configuration")
    board = Elsewhere(platform="board", origin=Origin.MEASURED)
    api.import_table(table, reading, board, database=database)


def _one_point(study: Study) -> Study:
    (space,) = study.spaces
    one = msgspec.structs.replace(space, axes={"cout": (64,)})
    return msgspec.structs.replace(study, spaces=(one,), findings=())


def _multiply(database: Path, study: Study, rows: int) -> int:
    """Store the one trial under ``rows`` configurations; return the size of its record."""
    with Store(database, write=True) as store:
        (run,) = store.runs(study.name)
        (kept,) = store.trials(run)
        info = store.platform(kept.fingerprint)
        session = store.open_session(run, {})
        with store._transaction() as connection:  # noqa: SLF001 - one by one takes an hour
            connection.execute(
                insert(trials),
                [
                    {
                        "run_id": run.id,
                        "session_id": session,
                        "key": f"{number:016x}",
                        "attempt": 0,
                        "status": trial.status,
                        "trusted": 1,
                        "configuration": str(trial.job.workload.configuration),
                        "workload": str(trial.job.workload),
                        "platform": info.name,
                        "fingerprint": info.fingerprint,
                        "meter": trial.job.meter.name,
                        "ended_at": "2026-01-01T00:00:00.000+00:00",
                        "record": to_json(trial),
                    }
                    for number, trial in enumerate(_varied(_shortened(kept.trial), rows - 1))
                ],
            )
    return len(to_json(_shortened(kept.trial)))


def _shortened(trial: Trial) -> Trial:
    """Return the trial with fewer of its visits and rounds, `SIZE` bytes at most."""
    (latency,) = trial.measurements
    for count in range(len(latency.visits), 0, -1):
        raw = {"visits": latency.visits[:count], "rounds": latency.rounds[: count // 4]}
        shorter = (msgspec.structs.replace(latency, **raw),)
        trial = msgspec.structs.replace(trial, measurements=shorter)
        if len(to_json(trial)) <= SIZE:
            break
    return trial


def _varied(trial: Trial, count: int) -> Iterator[Trial]:
    for number in range(count):
        cin, cout = divmod(number, WIDTH)
        parameters = (("h", 28), ("cin", cin + 1), ("cout", cout + 1), ("k", 3))
        configuration = Configuration(kind="conv", parameters=parameters)
        job = msgspec.structs.replace(trial.job, workload=Workload(configuration=configuration))
        yield msgspec.structs.replace(trial, job=job)


@contextmanager
def _timed(what: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    print(f"  {what:20s} {time.perf_counter() - start:6.2f} s", flush=True)


if __name__ == "__main__":
    main()
