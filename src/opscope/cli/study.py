"""``opscope study list | show | run``."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from opscope.cli.app import INCOMPLETE, OK, when_interrupted
from opscope.cli.output import (
    Duration,
    console,
    database_option,
    json_option,
    platform_option,
    print_json,
    shared_core_option,
)
from opscope.errors import StudyError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opscope.engine.runner import Summary

RETRIABLE = ("failed", "unsupported", "untrusted")


@click.group()
def study() -> None:
    """List, show and run studies: declared questions about a design space."""


@study.command("list")
@json_option
def list_(*, as_json: bool) -> None:
    """List the studies that come with opscope."""
    from opscope import api

    studies = api.studies()
    if as_json:
        print_json([{"name": s.name, "question": s.question, "source": s.source} for s in studies])
        return
    from opscope.report.terminal import study_table

    console().print(study_table(studies))


@study.command()
@click.argument("name")
@json_option
def show(name: str, *, as_json: bool) -> None:
    """Show what the study NAME (or the file NAME.toml) declares and how many jobs it is."""
    from opscope import api

    declared = api.study(name)
    with _named(name):
        jobs = api.count_jobs(declared, declared.platforms or ("one platform",))
    if as_json:
        print_json({"study": declared, "jobs": jobs})
        return
    from opscope.report.terminal import study_view

    console().print(study_view(declared, jobs))


@study.command()
@click.argument("name")
@platform_option
@database_option
@click.option("--fresh", is_flag=True, help="Start another run instead of going on with the last.")
@click.option(
    "--retry",
    default="",
    metavar="OUTCOMES",
    help=f"Measure again what ended so: any of {', '.join(RETRIABLE)}, separated by commas.",
)
@click.option(
    "--budget",
    "budget_s",
    type=Duration(),
    metavar="TIME",
    help="Time the study may take, as in 90s, 10m or 1h; says first what precision that gives.",
)
@shared_core_option
@json_option
@click.pass_context
def run(  # noqa: PLR0913 - one for each option
    ctx: click.Context,
    name: str,
    platforms: tuple[str, ...],
    database: Path,
    retry: str,
    budget_s: float | None,
    *,
    fresh: bool,
    shared_core: bool,
    as_json: bool,
) -> None:
    """Run the study NAME (or the file NAME.toml) and show what it found and what failed.

    What was measured before is not measured again: after an interruption, of whatever kind, the
    same command goes on.
    """
    from opscope import api
    from opscope.cli.progress import Progress

    outcomes = [outcome for outcome in retry.split(",") if outcome]
    if unknown := [outcome for outcome in outcomes if outcome not in RETRIABLE]:
        raise click.UsageError(f"--retry {unknown[0]}: use any of {', '.join(RETRIABLE)}.")
    declared = api.study(name)
    kept = "every finished trial is kept, and the same command goes on"
    with (
        when_interrupted(kept),
        _named(name),
        Progress(console(err=True), title=declared.name) as progress,
    ):
        summary = api.run_study(
            declared,
            platforms,
            database=database,
            fresh=fresh,
            retry=outcomes,
            budget_s=budget_s,
            shared_core=shared_core,
            watch=progress.update,
        )
    answers = api.findings(declared, database=database, platforms=platforms, run=summary.run.id)
    if as_json:
        print_json(
            {
                "summary": _row(summary),
                "findings": answers.findings,
                "unanswered": answers.unanswered,
                "failures": answers.failures,
            }
        )
    else:
        from opscope.report.terminal import answers_view, summary_view

        out = console()
        out.print(answers_view(answers, width=out.width))
        out.print(summary_view(_row(summary)))
    ctx.exit(INCOMPLETE if summary.unfinished else OK)


@contextmanager
def _named(file: str) -> Iterator[None]:
    """Name the study's file in what is found wrong with it."""
    try:
        yield
    except StudyError as exc:
        raise exc.at(file) from exc


def _row(summary: Summary) -> dict[str, object]:
    return {
        "run": summary.run.id,
        "jobs": summary.total,
        "found": summary.found,
        "earlier": summary.earlier,
        "outcomes": summary.outcomes,
        "untrusted": summary.untrusted,
        "unfinished": summary.unfinished,
        "wall_s": summary.wall_s,
        "waited_s": summary.waited_s,
        "load_s": summary.load_s,
        "run_s": summary.run_s,
        "runtime_share": summary.runtime_share,
    }
