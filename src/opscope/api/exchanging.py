"""Measurements in and out: a run's trials as a table, and tables of figures taken elsewhere."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from opscope.api.database import DATABASE
from opscope.api.kept import kept_as, kept_run, parameters_kept
from opscope.core.study import Study


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
    from opscope.store.exchange import check_target, trial_columns, write_table

    check_target(to)
    with Store(database) as store:
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
