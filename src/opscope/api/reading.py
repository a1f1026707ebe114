"""Reading a kept run back: which trials count, and what is known of where they were measured."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from opscope.core.configuration import Configuration
from opscope.core.decoding import suggest
from opscope.core.study import Study
from opscope.core.text import Value
from opscope.errors import ConfigurationError, OpscopeError, StoreError

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
    from opscope.engine.studies import is_file_name, load_study
    from opscope.store import Store

    asked = study.name if isinstance(study, Study) else study
    declared = load_study(study) if isinstance(study, str) and is_file_name(study) else study
    name = declared.name if isinstance(declared, Study) else declared
    with Store(database) as store:
        runs = [kept for kept in store.runs(name) if run in {None, kept.id}]
        if not runs:
            raise StoreError(
                f"no run of a study {name!r} is kept there",
                where=str(database),
                remedy=_to_run(asked, store.studies()),
            )
        stored = store.trials(runs[0])
        newest = {item.trial.job.platform: item.fingerprint for item in stored}
        infos = {name: store.platform(fingerprint) for name, fingerprint in newest.items()}
        sessions = store.sessions(runs[0])
    wanted = {_kept_as(name, infos) for name in platforms} if infos else set()
    chosen = {name: newest[name] for name in newest if not wanted or name in wanted}
    evidence = [
        Evidence(
            number=item.id,
            trial=item.trial,
            platform=infos[item.trial.job.platform],
            parameters=_parameters(item.trial.job.workload.configuration),
        )
        for item in stored
        if item.fingerprint == chosen.get(item.trial.job.platform)
    ]
    return Kept(runs[0], evidence, chosen, sessions)


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
            counted[key] = _count(*key)
        macs[item.number] = counted[key]
    return macs


def _count(configuration: Configuration, batch: int) -> int | None:
    from opscope.core.configuration import Workload
    from opscope.cost import count_layers
    from opscope.graph import build

    try:
        layers = count_layers(build(Workload(configuration=configuration, batch=batch)))
    except OpscopeError:  # a file that is gone or has changed, a kind of another version
        return None
    macs = [layer.macs for layer in layers if layer.macs is not None]
    return sum(macs) if len(macs) == len(layers) else None


def _to_run(study: str, kept: Sequence[str]) -> str:
    """Return what helps who wants to see a study that was never run."""
    from opscope.engine.studies import builtin_studies, is_file_name

    if is_file_name(study) or study in builtin_studies():
        return f"Run it: opscope study run {study}."
    return f"{suggest(study, kept)} Or run its file: opscope study run FILE.toml."


def _parameters(configuration: Configuration) -> dict[str, Value]:
    """Return every parameter; of a kind that this opscope does not know, those written out."""
    from opscope.graph import parameters_of

    try:
        return parameters_of(configuration)
    except ConfigurationError:
        return dict(configuration.parameters)


def _kept_as(platform: str, kept: Collection[str]) -> str:
    """Return the name under which a platform's trials are kept; its package may be gone by now.

    Raises:
        ConfigurationError: If none are kept.
    """
    from opscope.core.platform import PlatformName
    from opscope.platforms.registry import open_platform

    name = str(PlatformName.parse(platform))
    if name not in kept:
        with contextlib.suppress(OpscopeError):  # it may spell out what is left at its default
            name = open_platform(platform).info().name
    if name not in kept:
        raise ConfigurationError(
            "no trial on this platform is kept", where=platform, remedy=suggest(name, kept)
        )
    return name
