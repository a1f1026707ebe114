"""``opscope export`` and ``opscope import``."""

from __future__ import annotations

from pathlib import Path

import click

from opscope.cli.output import (
    database_option,
    json_option,
    platform_option,
    print_json,
    print_line,
)


@click.command()
@click.argument("study")
@platform_option
@click.option("--run", type=int, metavar="N", help="Number of the run; the newest unless given.")
@database_option
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="Where to write the table: FILE.parquet or FILE.csv.",
)
@json_option
def export(
    study: str,
    platforms: tuple[str, ...],
    run: int | None,
    database: Path,
    output: Path,
    *,
    as_json: bool,
) -> None:
    """Write the trials of a run of STUDY as a table, a row for each, the last attempt of it.

    Units stand in the columns' names. It may be called while the study runs.
    """
    from opscope import api

    rows = api.export(study, database=database, platforms=platforms, run=run, to=output)
    if as_json:
        print_json({"file": str(output), "rows": rows})
    else:
        print_line(f"{output}: {rows:,} {'row' if rows == 1 else 'rows'}")
