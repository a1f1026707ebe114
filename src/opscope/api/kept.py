"""What is kept: a run found by the study's name or file, platforms by their texts."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from opscope.core.configuration import Configuration
from opscope.core.decoding import suggest
from opscope.core.study import Study
from opscope.core.text import Value
from opscope.errors import ConfigurationError, OpscopeError, StoreError

if TYPE_CHECKING:
    from opscope.store import Run, Store


def kept_run(store: Store, study: Study | str, *, run: int | None, database: Path) -> Run:
    """Return the run of this number of a study, or its newest.

    Args:
        store: Where runs are kept.
        study: The study, its name, or the TOML file that declares it.
        run: The number; absent for the newest.
        database: The store's file, for errors.

    Raises:
        StoreError: If there is no such run.
        StudyError: If the file cannot be read or is no study.
    """
    from opscope.engine.studies import is_file_name, load_study

    asked = study.name if isinstance(study, Study) else study
    declared = load_study(study) if isinstance(study, str) and is_file_name(study) else study
    name = declared.name if isinstance(declared, Study) else declared
    runs = [kept for kept in store.runs(name) if run in {None, kept.id}]
    if not runs:
        raise StoreError(
            f"no run of a study {name!r} is kept there",
            where=str(database),
            remedy=_to_run(asked, store.studies()),
        )
    return runs[0]


def kept_as(platform: str, kept: Collection[str]) -> str:
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


def parameters_kept(configuration: Configuration) -> dict[str, Value]:
    """Return every parameter; of a kind that this opscope does not know, those written out."""
    from opscope.graph import parameters_of

    try:
        return parameters_of(configuration)
    except ConfigurationError:
        return dict(configuration.parameters)


def _to_run(study: str, kept: Sequence[str]) -> str:
    """Return what helps who wants to see a study that was never run."""
    from opscope.engine.studies import builtin_studies, is_file_name

    if is_file_name(study) or study in builtin_studies():
        return f"Run it: opscope study run {study}."
    return f"{suggest(study, kept)} Or run its file: opscope study run FILE.toml."
