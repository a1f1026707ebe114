"""``opscope steps``."""

from __future__ import annotations

from pathlib import Path

import click

from opscope.cli.output import console, json_option, print_json


@click.command()
@click.argument("table", type=click.Path(path_type=Path))
@click.option("--x", required=True, metavar="COLUMN", help="Column of counts, as in cout.")
@click.option("--y", required=True, metavar="COLUMN", help="Column of costs, as in latency_ms.")
@click.option(
    "--where",
    multiple=True,
    metavar="COLUMN=VALUE",
    help="Use only rows with this value; may be repeated.",
)
@json_option
def steps(table: Path, x: str, y: str, where: tuple[str, ...], *, as_json: bool) -> None:
    """Say whether column Y of the CSV file TABLE grows in steps with column X."""
    from opscope import api

    conditions = [condition.partition("=") for condition in where]
    if wrong := [column for column, equals, _ in conditions if not equals]:
        raise click.UsageError(f"--where {wrong[0]}: write COLUMN=VALUE.")
    verdict = api.steps(table, x=x, y=y, where=[(column, value) for column, _, value in conditions])
    if as_json:
        print_json(verdict)
        return
    from opscope.report.terminal import steps_view

    console().print(steps_view(verdict))
