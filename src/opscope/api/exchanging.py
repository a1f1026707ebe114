"""Measurements in and out: a run's trials as a table, and tables of figures taken elsewhere."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from opscope.api.database import DATABASE
from opscope.api.garbage import no_cycles
from opscope.api.kept import kept_as, kept_run, parameters_kept
from opscope.core.decoding import suggest
from opscope.core.platform import PlatformInfo
from opscope.core.record import Record
from opscope.core.study import MeterName, Study
from opscope.core.table import Elsewhere, Reading
from opscope.core.trial import IMPORTED
from opscope.errors import InputError, StudyError

if TYPE_CHECKING:
    from opscope.store import Store


class Imported(Record, frozen=True, kw_only=True):
    """What became of a table."""

    study: str
    run: int
    rows: int


@no_cycles()
def export(
    study: Study | str,
    *,
    to: Path,
    database: Path = DATABASE,
    platforms: Collection[str] = (),
    run: int | None = None,
) -> int:
    """Write a run's trials as one table, the last attempt of each a row; return how many.

    Args:
        study: The study, its name, or the TOML file that declares it.
        to: A file that ends in ``.parquet`` or ``.csv``; one that is there is replaced once all
            is written.
        database: The file its trials are in.
        platforms: Texts of platforms to keep to; all of the run unless given.
        run: Number of the run; the newest unless given.

    Raises:
        InputError: If the file cannot be written or its ending is unknown.
        StoreError: If there is no such run.
        ConfigurationError: If nothing is kept of a platform that is named.
        StudyError: If the study's file cannot be read or is no study.
    """
    from opscope.store import Store
    from opscope.store.database import explained
    from opscope.store.exchange import check_target, trial_columns, write_table
    from opscope.store.files import refuse_unwritable

    check_target(to)
    refuse_unwritable(to)
    with Store(database) as store, explained(database):
        found = kept_run(store, study, run=run, database=database)
        infos = store.platforms(found)
        names = {info.name for info in infos.values()}
        wanted = {kept_as(name, names) for name in platforms} or names
        columns = trial_columns(
            found,
            (record for record in store.records(found) if record.platform in wanted),
            infos,
            parameters_kept,
        )
    write_table(columns, to)
    return len(columns["trial"])


@no_cycles()
def import_table(
    table: Path,
    reading: Reading,
    elsewhere: Elsewhere,
    *,
    study: Study | str | None = None,
    meter: str = "",
    steps: Collection[str] = (),
    database: Path = DATABASE,
    fresh: bool = False,
) -> Imported:
    """Add the figures of a table, taken elsewhere, to a run; all of its rows or none.

    Their trust is ``not assessed``; each keeps its row and the digest of the file.

    Args:
        table: A CSV or a Parquet file.
        reading: Which column says what.
        elsewhere: Where they were taken, and how they came about.
        study: The study, its name or file, to whose newest run they are added; one of their own,
            named after the table, unless given.
        meter: What the figures stand for, as in ``call-latency``; unless given, what the study asks
            for first: of an operator or a block its layer latency, of a network that of a call.
        steps: Parameters along which the study of their own looks for steps.
        database: The file to add them to; made if it is not there.
        fresh: Add them to another run, although there is one.

    Raises:
        InputError: If a column, a row or an option cannot be meant, or they are there already.
        StoreError: If the database cannot be written.
    """
    from opscope.core.platform import PlatformName
    from opscope.engine.importing import ImportedTrials, study_of
    from opscope.store import Store
    from opscope.store.exchange import read_table

    name = str(PlatformName.parse(elsewhere.platform))
    read = read_table(table)
    with Store(database, write=True) as store:
        declared = _declared(store, study) if study else None
        asked = _meter(meter, declared)
        info = PlatformInfo(
            name=name,
            family=IMPORTED,
            device=elsewhere.device,
            runtime=elsewhere.runtime,
            runtime_version=elsewhere.runtime_version,
            precisions=(),
            quantities=tuple(reading.figures),
            origin=elsewhere.origin,
            deployments="reporting",
            tells="none",
            computes=False,
        )
        trials = ImportedTrials(read, reading, info, asked)
        jobs = trials.jobs.values()
        precisions = {job.workload.precision: None for job in jobs}
        info = msgspec.structs.replace(info, precisions=tuple(precisions))
        quantity = next(iter(reading.figures))
        target = declared or study_of(table, jobs, steps, quantity, asked)
        run = store.import_trials(target, info, trials, trials.table, fresh=fresh)
    return Imported(study=run.study.name, run=run.id, rows=len(trials))


def _meter(name: str, study: Study | None) -> MeterName:
    """Return the meter of a name among those that a study has; its first unless one is named."""
    from opscope.meters import NAMES

    meters = study.meters if study else tuple(MeterName(name=one) for one in NAMES)
    for one in meters:
        if name in {"", one.name}:
            return one
    what = f"the study {study.name} does not ask for it" if study else "there is no such meter"
    remedy = suggest(name, [one.name for one in meters])
    raise InputError(what, where=f"--meter {name}", remedy=remedy)


def _declared(store: Store, study: Study | str) -> Study:
    """Return the study as its newest run has it, or as it is declared where it was never run."""
    from opscope.engine.studies import builtin_studies, is_file_name, load_study

    if isinstance(study, str) and (is_file_name(study) or study in builtin_studies()):
        study = load_study(study)
    name = study if isinstance(study, str) else study.name
    runs = store.runs(name)
    if not runs and isinstance(study, str):
        known = sorted({*store.studies(), *builtin_studies()})
        raise StudyError(f"there is no study {name!r}", remedy=suggest(name, known))
    if runs:
        return runs[0].study
    assert isinstance(study, Study)  # noqa: S101 - else it were refused
    return study
