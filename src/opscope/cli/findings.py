"""``opscope findings``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from opscope.cli.output import (
    console,
    database_option,
    json_option,
    platform_option,
    print_json,
    steps_option,
)

if TYPE_CHECKING:
    from opscope.core.study import Question


@click.command()
@click.argument("study")
@platform_option
@steps_option
@database_option
@json_option
def findings(
    study: str,
    platforms: tuple[str, ...],
    questions: tuple[Question, ...],
    database: Path,
    *,
    as_json: bool,
) -> None:
    """Show what the newest run of STUDY (or the file STUDY.toml) says, cannot say, and what failed.

    While it runs or after.
    """
    from opscope import api

    answers = api.findings(study, database=database, platforms=platforms, questions=questions)
    if as_json:
        print_json(answers)
        return
    from opscope.report.terminal import answers_view

    out = console()
    out.print(answers_view(answers, width=out.width))
