"""Figures of a study: which there are, one of them by its name, and writing it to a file."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from opscope.api.database import DATABASE
from opscope.api.notebook import displayed
from opscope.core.decoding import suggest
from opscope.core.study import Question, Study
from opscope.errors import InputError

if TYPE_CHECKING:
    from opscope.report.chart import Chart

Form = Literal["svg", "png"]

_FORMS: dict[str, Form] = {".svg": "svg", ".png": "png"}


@displayed
def figures(
    study: Study | str,
    *,
    database: Path = DATABASE,
    platforms: Collection[str] = (),
    run: int | None = None,
    questions: Collection[Question] = (),
) -> list[Chart]:
    """Return every figure that a run of a study gives; the arguments are those of `overview`.

    Raises:
        StoreError: If there is no such run.
        ConfigurationError: If nothing is kept of a platform that is named.
        StudyError: If the file cannot be read or is no study.
    """
    from opscope.api.studying import overview
    from opscope.report.charts import charts

    found = overview(study, database=database, platforms=platforms, run=run, questions=questions)
    return charts(found)


@displayed
def figure(
    study: Study | str,
    name: str,
    *,
    database: Path = DATABASE,
    platforms: Collection[str] = (),
    run: int | None = None,
    questions: Collection[Question] = (),
) -> Chart:
    """Return the figure of this name; the other arguments are those of `figures`.

    Raises:
        InputError: If there is no figure of this name; it suggests one.
        OpscopeError: As `figures`.
    """
    found = figures(study, database=database, platforms=platforms, run=run, questions=questions)
    by_name = {chart.name: chart for chart in found}
    if name not in by_name:
        remedy = suggest(name, by_name) if by_name else "Figures need trials: run the study first."
        raise InputError("there is no figure of this name", where=name, remedy=remedy)
    return by_name[name]


def write_figure(chart: Chart, path: Path) -> int:
    """Draw a figure into a file, SVG or PNG by the end of its name; return its size in bytes.

    Raises:
        InputError: If the name ends otherwise, or the file cannot be written.
    """
    from opscope.report.static import render
    from opscope.store.files import refuse_unwritable, written_whole

    form = form_of(path)
    refuse_unwritable(path)
    drawn = render(chart, form)
    with written_whole(path) as file:
        return file.write(drawn)


def form_of(path: Path) -> Form:
    """Return what a figure's file is to hold.

    Raises:
        InputError: If the end of its name does not say.
    """
    form = _FORMS.get(path.suffix.lower())
    if form is None:
        raise InputError(
            "the name of a figure's file says what it holds",
            where=str(path),
            remedy="End it in .svg or .png.",
        )
    return form
