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
@click.option("--fusion", is_flag=True, help="Measure what is fused into a convolution.")
@platform_option
@click.option(
    "--precision",
    "precisions",
    multiple=True,
    metavar="PRECISION",
    help="A precision to try; those the platform lists unless given, fp32 with --fusion.",
)
@json_option
def platforms(
    *,
    matrix: bool,
    fusion: bool,
    platforms: tuple[str, ...],
    precisions: tuple[str, ...],
    as_json: bool,
) -> None:
    """List the platforms, and what would make a missing one available.

    With --matrix or --fusion, try those that measure, or those named with -p.
    """
    if matrix and fusion:
        raise click.UsageError("Ask for --matrix or for --fusion.")
    if matrix or fusion:
        show = _show_matrix if matrix else _show_fusions
        show(platforms, precisions, as_json=as_json)
        return
    if platforms or precisions:
        raise click.UsageError("-p and --precision go with --matrix and --fusion.")
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


def _show_fusions(
    platforms: tuple[str, ...], precisions: tuple[str, ...], *, as_json: bool
) -> None:
    from opscope import api
    from opscope.core.configuration import parse_precision

    if len(precisions) > 1:
        raise click.UsageError("--fusion takes one --precision.")
    precision = parse_precision(*(precisions or ("fp32",)))
    with when_interrupted("nothing is stored"):
        found = api.fusions(platforms or measuring_platforms(), precision=precision, watch=teller())
    if as_json:
        print_json(found)
        return
    from opscope.report.support import fusion_view

    console().print(fusion_view(found))


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
