"""``opscope platforms``."""

from __future__ import annotations

from typing import Any

import click

from opscope.cli.app import when_interrupted
from opscope.cli.measure import measuring_platforms, teller
from opscope.cli.output import console, json_option, platform_option, print_json


@click.command()
@click.option(
    "--matrix",
    is_flag=True,
    help="Try every operator and block in each precision, and say why not.",
)
@platform_option
@click.option(
    "--precision",
    "precisions",
    multiple=True,
    metavar="PRECISION",
    help="With --matrix: a precision to try; those the platform lists unless given.",
)
@json_option
def platforms(
    *, matrix: bool, platforms: tuple[str, ...], precisions: tuple[str, ...], as_json: bool
) -> None:
    """List the platforms, and what would make a missing one available.

    With --matrix, say what runs on those that measure, or on those named with -p.
    """
    if matrix:
        _show_matrix(platforms, precisions, as_json=as_json)
        return
    if platforms or precisions:
        raise click.UsageError("-p and --precision go with --matrix.")
    from opscope import api

    listings = api.platforms()
    if as_json:
        print_json(listings)
        return
    from opscope.report.terminal import platform_table

    console().print(platform_table(listings))


def _show_matrix(platforms: tuple[str, ...], precisions: tuple[str, ...], *, as_json: bool) -> None:
    from opscope import api
    from opscope.core.configuration import parse_precision

    asked = [parse_precision(precision) for precision in precisions]
    with when_interrupted("nothing is stored"):
        found = api.support(platforms or measuring_platforms(), precisions=asked, watch=teller())
    if as_json:
        print_json([_row(item) for item in found])
        return
    from opscope.report.support import support_view

    console().print(support_view(found))


def _row(item: Any) -> dict[str, Any]:
    execution = item.execution
    return {
        "configuration": str(item.workload.configuration),
        "precision": item.workload.precision,
        "platform": item.platform,
        "status": item.status,
        "reason": item.reason,
        "as_asked": execution.as_asked if execution else None,
        "kernels": dict(execution.kernels) if execution else None,
        "output_error": execution.output_error if execution else None,
    }
