"""Reports: what a run or a comparison says, written as one HTML file."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from opscope.api.database import DATABASE
from opscope.api.studying import overview
from opscope.core.comparison import Comparison
from opscope.core.study import Question, Study
from opscope.errors import InputError


def report(
    study: Study | str,
    *,
    database: Path = DATABASE,
    platforms: Collection[str] = (),
    run: int | None = None,
    questions: Collection[Question] = (),
    to: Path | None = None,
) -> Path:
    """Write all that a run of a study says as one HTML page, while it runs or after; return where.

    What counts, and what the arguments mean, is as for `findings`.

    Args:
        study: The study, its name, or the TOML file that declares it.
        database: The file its trials are in.
        platforms: Texts of platforms to keep to; all of the run unless given.
        run: Number of the run; the newest unless given.
        questions: What is asked besides what the study asks.
        to: The file to write; the study's name, in the folder one is in, unless given.

    Raises:
        InputError: If the file cannot be written.
        OpscopeError: If there is no such run, or nothing of a platform that is named.
    """
    from opscope.report.page import report_page
    from opscope.store.files import refuse_unwritable

    if to:
        refuse_unwritable(to)
    found = overview(study, database=database, platforms=platforms, run=run, questions=questions)
    return _write(to or _named(found.study.name), report_page(found))


def _named(study: str) -> Path:
    """Return the file of this folder that is named after a study."""
    path = Path(f"{study}.html")
    if path.name != str(path):
        raise InputError(
            "the study's name names no file of this folder",
            where=study,
            remedy="Name the file: -o FILE.html.",
        )
    return path


def write_comparison(found: Comparison, to: Path) -> Path:
    """Write a comparison as one HTML page; return where.

    Raises:
        InputError: If the file cannot be written.
    """
    from opscope.analysis.distribution import distribution
    from opscope.report.comparison_page import comparison_page

    return _write(to, comparison_page(found, distribution(found)))


def _write(path: Path, page: str) -> Path:
    from opscope.store.files import written_whole

    with written_whole(path) as file:
        file.write(page.encode(errors="replace"))
    return path
