"""``opscope report``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from opscope.cli.output import (
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
@platform_option
@run_option
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE.html",
    help="The file to write; STUDY.html in this folder unless given.",
)
@steps_option
@database_option
@json_option
def report(
    study: str,
    platforms: tuple[str, ...],
    run: int | None,
    output: Path | None,
    questions: tuple[Question, ...],
    database: Path,
    *,
    as_json: bool,
) -> None:
    """Write all that a run of STUDY (or the file STUDY.toml) says as one HTML page.

    While it runs or after. The file holds all it needs and fetches nothing.
    """
    from opscope import api

    path = api.report(
        study, database=database, platforms=platforms, run=run, questions=questions, to=output
    )
    size = path.stat().st_size
    if as_json:
        print_json({"study": study, "file": str(path), "bytes": size})
    else:
        print_line(f"{path}: {size:,} bytes")
