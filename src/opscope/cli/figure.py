"""``opscope figure``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from opscope.cli.output import (
    console,
    database_option,
    json_option,
    platform_option,
    print_json,
    print_line,
    run_option,
    steps_option,
)

if TYPE_CHECKING:
    from opscope.core.study import Question


@click.command()
@click.argument("study")
@click.argument("name", required=False)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Where to write it: FILE.svg or FILE.png.",
)
@platform_option
@run_option
@steps_option
@database_option
@json_option
def figure(
    study: str,
    name: str | None,
    output: Path | None,
    platforms: tuple[str, ...],
    run: int | None,
    questions: tuple[Question, ...],
    database: Path,
    *,
    as_json: bool,
) -> None:
    """Draw the figure NAME of a run of STUDY; without NAME, list the figures there are."""
    from opscope import api
    from opscope.api.drawing import form_of
    from opscope.store.files import refuse_unwritable

    if (name is None) != (output is None) and not as_json:
        raise click.UsageError("Give both NAME and -o FILE to draw a figure, neither to list them.")
    if output:
        form_of(output)
        refuse_unwritable(output)
    if name is None:
        found = api.figures(
            study, database=database, platforms=platforms, run=run, questions=questions
        )
        if as_json:
            print_json(found)
            return
        from opscope.report.terminal import figure_table

        console().print(figure_table(found))
        return
    chart = api.figure(
        study, name, database=database, platforms=platforms, run=run, questions=questions
    )
    if output:
        size = api.write_figure(chart, output)
        if not as_json:
            print_line(f"{output}: {size:,} bytes")
    if as_json:
        print_json(chart)
