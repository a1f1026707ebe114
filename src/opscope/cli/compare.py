"""``opscope compare``."""

from __future__ import annotations

from pathlib import Path

import click

from opscope.cli.app import INCOMPLETE, OK, when_interrupted
from opscope.cli.output import (
    console,
    database_option,
    json_option,
    print_json,
    shared_core_option,
)


@click.command()
@click.argument("sides", nargs=2, metavar="A B")
@click.option(
    "-c",
    "--configuration",
    "workloads",
    multiple=True,
    metavar="CONFIGURATION",
    help="What to measure: conv:h=28,cin=64,cout=96,k=3, with @int8 or @fp32,batch=4 behind it "
    "if need be, or a model file; may be repeated.",
)
@click.option(
    "--study", "study", metavar="NAME", help="A study, or the file of one, to measure by."
)
@click.option("--quantity", default="latency_s", show_default=True, metavar="QUANTITY")
@click.option("--python-a", default="", metavar="PATH", help="Interpreter to measure A with.")
@click.option("--python-b", default="", metavar="PATH", help="Interpreter to measure B with.")
@click.option(
    "--html",
    type=click.Path(path_type=Path),
    metavar="FILE.html",
    help="Also write it as one HTML page.",
)
@database_option
@shared_core_option
@json_option
def compare(  # noqa: PLR0913 - one for each option
    sides: tuple[str, str],
    study: str | None,
    workloads: tuple[str, ...],
    quantity: str,
    python_a: str,
    python_b: str,
    html: Path | None,
    database: Path,
    *,
    shared_core: bool,
    as_json: bool,
) -> None:
    """Compare A and B: two platforms, runtime versions, runs or machines.

    Each is a platform, as in openvino-cpu:threads=2, or a run that is kept: run:3 in --db, FILE#3
    in another file, either with /PLATFORM behind it if the run has several. Two platforms are
    measured now, taking turns by round, on what -c and --study name; kept runs are compared by what
    they share. Nothing is stored.
    """
    from opscope import api
    from opscope.cli.progress import Progress
    from opscope.core.comparison import Outcome
    from opscope.core.text import model_text
    from opscope.store.files import refuse_unwritable

    if html:
        refuse_unwritable(html)
    with (
        when_interrupted("nothing is stored"),
        Progress(console(err=True), title="compare") as progress,
    ):
        found = api.compare(
            *sides,
            study=api.study(study) if study else None,
            workloads=[model_text(text, shape="", carries="") for text in workloads],
            quantity=quantity,
            database=database,
            pythons=(python_a, python_b),
            shared_core=shared_core,
            watch=progress.update,
        )
    if html:
        api.write_comparison(found, html)
    if as_json:
        print_json(found)
    else:
        from opscope.report.comparison import comparison_view

        console().print(comparison_view(found))
    click.get_current_context().exit(
        INCOMPLETE if Outcome.UNKNOWN.value in found.overall.counts else OK
    )
