"""``opscope findings``."""

from __future__ import annotations

from pathlib import Path

import click

from opscope.cli.output import console, database_option, json_option, platform_option, print_json


@click.command()
@click.argument("study")
@platform_option
@database_option
@json_option
def findings(study: str, platforms: tuple[str, ...], database: Path, *, as_json: bool) -> None:
    """Show what the newest run of STUDY says, while it runs or after."""
    from opscope import api

    found = api.findings(study, database=database, platforms=platforms)
    if as_json:
        print_json(found)
        return
    from opscope.report.terminal import finding_view

    out = console()
    if not found:
        out.print("no finding yet: too few points were measured")
    for finding in found:
        out.print(finding_view(finding, width=out.width))
