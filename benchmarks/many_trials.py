"""A database of as many trials as a benchmark wants: one that was taken, under other names.

The trial is one that the fake platform gave, with as many of its raw samples as make 6 kB, under
as many configurations, so that nothing is met twice; its latency grows in steps of 16 channels.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
from sqlalchemy import insert

from opscope import api
from opscope.core.configuration import Configuration, Workload
from opscope.core.record import to_json
from opscope.core.study import Protocol, Study
from opscope.core.trial import Trial
from opscope.store import Store
from opscope.store.tables import trials

SIZE = 6_500
WIDTH = 400
"""Values of cout for each of cin."""


def store_many(database: Path, rows: int) -> Study:
    """Make a database of ``rows`` trials; return the study that they answer."""
    study = msgspec.structs.replace(api.study("conv-channels"), protocol=Protocol(rounds=6))
    (space,) = study.spaces
    one = msgspec.structs.replace(space, axes={"cout": (64,)})
    study = msgspec.structs.replace(study, spaces=(one,))
    api.run_study(study, ("fake",), database=database)
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
    return study


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
    (latency,) = trial.measurements
    for number in range(count):
        cin, cout = divmod(number, WIDTH)
        parameters = (("h", 28), ("cin", cin + 1), ("cout", cout + 1), ("k", 3))
        configuration = Configuration(kind="conv", parameters=parameters)
        job = msgspec.structs.replace(trial.job, workload=Workload(configuration=configuration))
        value = latency.value * (1 + cout // 16) * (1 + (7 * number % 11 - 5) / 2000)
        interval = (value * 0.99, value * 1.01)
        mine = msgspec.structs.replace(latency, value=value, interval=interval)
        yield msgspec.structs.replace(trial, job=job, measurements=(mine,))
