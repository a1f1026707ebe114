"""``opscope measure``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from opscope.cli.app import INCOMPLETE, NO_PLATFORM, OK, WAITING, when_interrupted
from opscope.cli.output import (
    console,
    json_option,
    model_options,
    platform_option,
    print_json,
    shared_core_option,
)
from opscope.errors import PlatformUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from opscope.api import Measured
    from opscope.core.study import MeterName
    from opscope.engine.executors.base import Progress


@click.command()
@click.argument("configuration")
@platform_option
@click.option(
    "--precision",
    "precisions",
    multiple=True,
    default=["fp32"],
    show_default=True,
    metavar="PRECISION",
    help="A precision to run in; may be repeated.",
)
@click.option("--batch", type=click.IntRange(min=1), default=1, show_default=True)
@click.option(
    "--streams",
    type=click.IntRange(min=1, max=256),
    help="Measure throughput with this many calls at once, instead of latency.",
)
@click.option(
    "--operators",
    is_flag=True,
    help="Show how long each operator takes by the runtime's own clocks, instead of latency.",
)
@model_options
@shared_core_option
@json_option
def measure(  # noqa: PLR0913 - one for each option
    configuration: str,
    platforms: tuple[str, ...],
    precisions: tuple[str, ...],
    batch: int,
    streams: int | None,
    shape: str,
    carries: str,
    *,
    operators: bool,
    shared_core: bool,
    as_json: bool,
) -> None:
    """Measure CONFIGURATION now, side by side on several platforms.

    CONFIGURATION is a text such as conv:h=28,cin=320,cout=64,k=3, or a model file. Nothing is
    stored. Without -p it is measured on the platforms that came with opscope.
    """
    from opscope import api
    from opscope.core.configuration import parse_precision
    from opscope.core.study import Protocol
    from opscope.core.text import model_text

    with when_interrupted("nothing is stored"):
        results = api.measure(
            model_text(configuration, shape=shape, carries=carries),
            platforms or measuring_platforms(),
            precisions=[parse_precision(precision) for precision in precisions],
            batch=batch,
            meter=_meter(streams, operators=operators),
            protocol=Protocol(shared_core=shared_core),
            watch=teller(),
        )
    if as_json:
        print_json([_row(result) for result in results])
    else:
        _show(results)
    click.get_current_context().exit(_exit_code({result.status for result in results}))


def _meter(streams: int | None, *, operators: bool) -> MeterName:
    from opscope.core.study import MeterName

    if operators and streams is not None:
        raise click.UsageError("Ask for --operators or for --streams.")
    if operators:
        return MeterName(name="operator-times")
    if streams is None:
        return MeterName()
    return MeterName(name="throughput", settings=(("streams", streams),))


def _exit_code(statuses: set[str]) -> int:
    if "unavailable" in statuses:
        return NO_PLATFORM
    return OK if statuses <= {"ok"} else INCOMPLETE


def teller() -> Callable[[Progress], None]:
    """Return what says on standard error, once, that another opscope is waited for."""
    said = False

    def tell(progress: Progress) -> None:
        nonlocal said
        if progress.waiting and not said:
            said = True
            click.echo(f"opscope: {WAITING}", err=True)

    return tell


def measuring_platforms() -> list[str]:
    """Return the available platforms whose figures are measured, at least one.

    Those that came with opscope; where none of them is available, those of its extras.
    """
    from opscope import api
    from opscope.core.platform import Origin

    found = [
        listing
        for listing in api.platforms()
        if listing.available and listing.origin is Origin.MEASURED
    ]
    if not found:
        raise PlatformUnavailable(
            "no platform whose figures are measured is available",
            remedy="See why: opscope platforms. Or name one: -p PLATFORM.",
        )
    own = [listing.name for listing in found if not listing.by_extra]
    return own or [listing.name for listing in found]


def _row(result: Measured) -> dict[str, Any]:
    """Return one result flat; quantities other than latency stand under their own names."""
    latency = result.quantity("latency_s")
    others = result.trial.measurements if result.trial else ()
    figure = latency or next(iter(others), None)
    execution = result.trial.execution if result.trial else None
    return {
        "platform": result.platform,
        "precision": result.precision,
        "status": result.status,
        "reason": result.reason,
        "origin": result.info.origin if result.info else None,
        "latency_s": latency.value if latency else None,
        "interval_s": latency.interval if latency else None,
        "stopped": latency.stopped if latency else None,
        "trust": latency.trust.verdict if latency else None,
        "trust_reason": latency.trust.reason if latency else None,
        "derivation": latency.derivation if latency else None,
        "spread_s": latency.spread if latency else None,
        "speed": figure.speed if figure else None,
        "isolation": figure.isolation if figure else None,
        "as_asked": execution.as_asked if execution else None,
        "output_error": execution.output_error if execution else None,
        "runtime_version": result.info.runtime_version if result.info else None,
        "environment": result.environment,
        **{
            other.quantity: other.value
            for other in others
            if other.quantity != "latency_s" and other.scope.kind == "network"
        },
        "operators": [
            {
                "node": other.scope.node,
                "sources": other.scope.sources,
                "kernel": other.scope.kernel,
                "format": other.scope.format,
                "device": other.scope.device,
                "time_s": other.value,
            }
            for other in others
            if other.scope.kind == "node"
        ],
    }


def _show(results: list[Measured]) -> None:
    from rich.text import Text

    from opscope.report.operators import operator_table
    from opscope.report.terminal import execution_line, measurement_lines

    out = console()
    for result in results:
        out.print(Text(f"{result.platform} @{result.precision.value}", style="bold underline"))
        if result.status != "ok":
            out.print(Text(f"{result.status}: {result.reason}", style="red"))
        measurements = result.trial.measurements if result.trial else ()
        for measurement in measurements:
            if measurement.scope.kind == "network":
                out.print(measurement_lines(measurement))
        if steps := [found for found in measurements if found.scope.kind == "node"]:
            out.print(operator_table(steps))
        if result.trial and result.trial.execution:
            out.print(execution_line(result.trial.execution))
        out.print()
