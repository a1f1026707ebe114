"""Reports: what a run or a comparison says, written as one HTML file."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Collection
from pathlib import Path

from opscope.api.database import DATABASE
from opscope.api.studying import overview
from opscope.core.comparison import Comparison
from opscope.core.study import Study
from opscope.errors import InputError


def report(
    study: Study | str,
    *,
    database: Path = DATABASE,
    platforms: Collection[str] = (),
    run: int | None = None,
    to: Path | None = None,
) -> Path:
    """Write all that a run of a study says as one HTML page, while it runs or after; return where.

    What counts, and what the arguments mean, is as for `findings`.

    Args:
        study: The study, its name, or the TOML file that declares it.
        database: The file its trials are in.
        platforms: Texts of platforms to keep to; all of the run unless given.
        run: Number of the run; the newest unless given.
        to: The file to write; the study's name, in the folder one is in, unless given.

    Raises:
        InputError: If the file cannot be written.
        OpscopeError: If there is no such run, or nothing of a platform that is named.
    """
    from opscope.report.page import report_page

    if to:
        refuse_folder(to)
    found = overview(study, database=database, platforms=platforms, run=run)
    path = to or Path(f"{found.study.name}.html")
    write_whole(path, report_page(found))
    return path


def write_comparison(found: Comparison, to: Path) -> Path:
    """Write a comparison as one HTML page; return where.

    Raises:
        InputError: If the file cannot be written.
    """
    from opscope.analysis.distribution import distribution
    from opscope.report.comparison_page import comparison_page

    write_whole(to, comparison_page(found, distribution(found)))
    return to


def refuse_folder(path: Path) -> None:
    """Refuse a file that could not be written, before the work for it is done.

    Raises:
        InputError: If it is a folder, or there is no folder that it would be in.
    """
    if path.is_dir():
        raise InputError("it is a folder", where=str(path), remedy="Name a file in it.")
    if not path.parent.is_dir():
        raise InputError(
            "there is no such folder", where=str(path.parent), remedy="Make it, or name another."
        )


def write_whole(path: Path, text: str) -> None:
    """Write a file beside ``path`` and rename it: a reader never sees half of it.

    Raises:
        InputError: If it cannot be written.
    """
    refuse_folder(path)
    beside: Path | None = None
    try:
        with tempfile.NamedTemporaryFile(
            "w",
            encoding="utf-8",
            errors="replace",
            dir=path.parent,
            prefix=f".{path.name[:64]}.",
            delete=False,
        ) as file:
            beside = Path(file.name)
            file.write(text)
        beside.chmod(0o666 & ~_mask())
        beside.replace(path)
    except OSError as exc:
        if beside:
            with contextlib.suppress(OSError):
                beside.unlink()
        raise InputError(
            f"cannot be written: {exc.strerror}", where=str(path), remedy="Name another file."
        ) from exc


def _mask() -> int:
    """Return which permissions new files are denied."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
