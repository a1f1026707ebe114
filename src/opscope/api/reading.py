"""Reading a kept run back: which trials count, and what is known of where they were measured."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from opscope.api.kept import kept_as, kept_run, parameters_kept
from opscope.core.configuration import Configuration
from opscope.core.study import Study
from opscope.errors import OpscopeError

if TYPE_CHECKING:
    from opscope.analysis.responses import Evidence
    from opscope.store import Run
    from opscope.store.sessions import Session


class Kept(NamedTuple):
    """What is kept of a run: its trials as evidence, oldest first, and where they are from.

    ``fingerprints`` holds those of the platforms by name, as they are in the store.
    """

    run: Run
    evidence: list[Evidence]
    fingerprints: Mapping[str, str]
    sessions: list[Session]


def read_run(
    study: Study | str, database: Path, platforms: Collection[str], run: int | None
) -> Kept:
    """Return what is kept of a run of ``study``: the newest, unless one is named.

    Raises:
        StoreError: If there is no such run.
        ConfigurationError: If nothing is kept of a platform that is named.
        StudyError: If the file cannot be read or is no study.
    """
    from opscope.analysis.responses import Evidence
    from opscope.store import Store

    with Store(database) as store:
        found = kept_run(store, study, run=run, database=database)
        stored = store.trials(found)
        newest = {item.trial.job.platform: item.fingerprint for item in stored}
        infos = {name: store.platform(fingerprint) for name, fingerprint in newest.items()}
        sessions = store.sessions(found)
    wanted = {kept_as(name, infos) for name in platforms} if infos else set()
    chosen = {name: newest[name] for name in newest if not wanted or name in wanted}
    evidence = [
        Evidence(
            number=item.id,
            trial=item.trial,
            platform=infos[item.trial.job.platform],
            parameters=parameters_kept(item.trial.job.workload.configuration),
        )
        for item in stored
        if item.fingerprint == chosen.get(item.trial.job.platform)
    ]
    return Kept(found, evidence, chosen, sessions)


def macs_of(evidence: Iterable[Evidence]) -> dict[int, int | None]:
    """Return each trial's multiply-accumulates by its number; None where they cannot be counted.

    They are the same at every precision, so each network is counted once.
    """
    counted: dict[tuple[Configuration, int], int | None] = {}
    macs = {}
    for item in evidence:
        workload = item.trial.job.workload
        key = workload.configuration, workload.batch
        if key not in counted:
            counted[key] = count_macs(*key)
        macs[item.number] = counted[key]
    return macs


def count_macs(configuration: Configuration, batch: int) -> int | None:
    """Return the multiply-accumulates of a call; None where they cannot be counted."""
    from opscope.core.configuration import Workload
    from opscope.cost import count_layers
    from opscope.graph import build

    try:
        layers = count_layers(build(Workload(configuration=configuration, batch=batch)))
    except OpscopeError:  # a file that is gone or has changed, a kind of another version
        return None
    macs = [layer.macs for layer in layers if layer.macs is not None]
    return sum(macs) if len(macs) == len(layers) else None
