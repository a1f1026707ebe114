"""``opscope export`` and ``opscope import``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from opscope.cli.app import when_interrupted
from opscope.cli.output import (
    database_option,
    json_option,
    platform_option,
    print_json,
    print_line,
    run_option,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from opscope.core.table import Reading


@click.command()
@click.argument("study")
@platform_option
@run_option
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


def _pairs(option: str, given: tuple[str, ...], form: str) -> dict[str, str]:
    """Return what an option of the form NAME=VALUE was given, each name once."""
    pairs: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not (name and equals and value):
            raise click.UsageError(f"{option} {text}: write {form}.")
        if name in pairs:
            raise click.UsageError(f"{option} {text}: {name} is given twice.")
        pairs[name] = value
    return pairs


def _several(option: str, form: str, help_: str) -> Callable[..., Any]:
    return click.option(option, multiple=True, metavar=form, help=f"{help_}; may be repeated.")


@click.command("import")
@click.argument("table", type=click.Path(path_type=Path))
@click.option("--platform", "-p", required=True, metavar="NAME", help="What to call where it ran.")
@click.option(
    "--origin",
    type=click.Choice(["measured", "simulated", "estimated"]),
    required=True,
    help="How the figures came about.",
)
@click.option("--configuration", default="", metavar="COLUMN", help="Column of configurations.")
@click.option("--kind", default="", metavar="KIND", help="Or their kind, as in conv or zoo:vgg16.")
@_several("--parameter", "PARAMETER=COLUMN", "Column of a parameter, as in cout=channels")
@_several("--set", "PARAMETER=VALUE", "A parameter that is the same in every row, as in h=28")
@_several("--value", "QUANTITY=COLUMN", "Column of figures, as in latency_s=time or energy_j=mj")
@_several("--low", "QUANTITY=COLUMN", "Column of lower bounds of 95 % intervals")
@_several("--high", "QUANTITY=COLUMN", "Column of upper bounds")
@_several("--unit", "[QUANTITY=]UNIT", "Unit of the figures: s, ms, us, ns; J, mJ, uJ")
@click.option("--precision", default="fp32", show_default=True, metavar="P", help="What ran.")
@click.option("--precision-column", default="", metavar="COLUMN", help="Or the column of it.")
@click.option("--batch", type=int, default=1, show_default=True, metavar="N", help="Images a call.")
@click.option("--batch-column", default="", metavar="COLUMN", help="Or the column of them.")
@_several("--where", "COLUMN=VALUE", "Use only rows with this value")
@click.option("--device", default="", metavar="TEXT", help="What it ran on.")
@click.option("--runtime", default="", metavar="TEXT", help="What ran it.")
@click.option("--runtime-version", default="", metavar="TEXT", help="Of what version.")
@click.option("--meter", default="", metavar="METER", help="What it read, as in call-latency.")
@click.option("--study", default="", metavar="NAME", help="Add it to the newest run of this study.")
@_several("--steps", "PARAMETER", "Without --study: look for steps along this")
@click.option("--fresh", is_flag=True, help="Add it to another run instead of the newest.")
@database_option
@json_option
def import_(
    table: Path,
    platform: str,
    origin: str,
    study: str,
    meter: str,
    steps: tuple[str, ...],
    database: Path,
    *,
    as_json: bool,
    **options: Any,
) -> None:
    """Take the figures in TABLE (CSV or Parquet), which were taken elsewhere, into the database.

    Findings and comparisons then hold for them too; their trust is "not assessed". Every row is
    checked first, and all are taken or none.
    """
    from opscope import api
    from opscope.core.platform import Origin
    from opscope.core.table import Elsewhere

    if study and steps:
        raise click.UsageError("--steps is for tables without --study, which has its questions.")
    told = {key: options.pop(key) for key in ("device", "runtime", "runtime_version")}
    fresh = options.pop("fresh")
    with when_interrupted("all rows were taken or none: the same command tells"):
        taken = api.import_table(
            table,
            _reading(**options),
            Elsewhere(platform=platform, origin=Origin(origin), **told),
            study=study or None,
            meter=meter,
            steps=steps,
            database=database,
            fresh=fresh,
        )
    if as_json:
        print_json(taken)
    else:
        rows = f"{taken.rows:,} {'row' if taken.rows == 1 else 'rows'}"
        print_line(f"{table}: {rows} in run {taken.run} of {taken.study}, trust not assessed")


def _reading(
    *,
    value: tuple[str, ...],
    low: tuple[str, ...],
    high: tuple[str, ...],
    unit: tuple[str, ...],
    parameter: tuple[str, ...],
    set: tuple[str, ...],  # noqa: A002 - as the option is called
    where: tuple[str, ...],
    precision: str,
    **columns: Any,
) -> Reading:
    """Return how the options say that the table is to be read."""
    from opscope.core.configuration import parse_precision
    from opscope.core.table import Figures, Reading
    from opscope.core.text import parse_value

    values = _pairs("--value", value, "QUANTITY=COLUMN")
    only = next(iter(values), "") if len(values) == 1 else ""
    units = tuple(text if "=" in text or not only else f"{only}={text}" for text in unit)
    said = {
        "low": _pairs("--low", low, "QUANTITY=COLUMN"),
        "high": _pairs("--high", high, "QUANTITY=COLUMN"),
        "unit": _pairs("--unit", units, "QUANTITY=UNIT, since there are several values"),
    }
    for option, pairs in said.items():
        if unknown := sorted(pairs.keys() - values.keys()):
            raise click.UsageError(f"--{option} {unknown[0]}: no --value {unknown[0]}=COLUMN.")
    figures = {
        quantity: Figures(
            value=column, **{name: pairs.get(quantity, "") for name, pairs in said.items()}
        )
        for quantity, column in values.items()
    }
    fixed = _pairs("--set", set, "PARAMETER=VALUE")
    return Reading(
        figures=figures,
        parameters=_pairs("--parameter", parameter, "PARAMETER=COLUMN"),
        fixed={name: parse_value(text) for name, text in fixed.items()},
        where=_pairs("--where", where, "COLUMN=VALUE"),
        precision=parse_precision(precision),
        **columns,
    )
