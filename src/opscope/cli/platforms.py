"""``opscope platforms``."""

from __future__ import annotations

import click

from opscope.cli.output import console, json_option, print_json


@click.command()
@json_option
def platforms(*, as_json: bool) -> None:
    """List the platforms, and what would make a missing one available."""
    from opscope import api

    listings = api.platforms()
    if as_json:
        print_json(listings)
        return
    from opscope.report.terminal import platform_table

    console().print(platform_table(listings))
