"""How commands print: JSON for machines, rich for people. Nothing is computed here."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from opscope.cli.streams import visible

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from opscope.core.study import Question


class Duration(click.ParamType[float]):
    """A time with its unit, as in ``10m``, in seconds."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the seconds that ``value`` spells."""
        found = re.fullmatch(r"(\d+(?:\.\d+)?)(s|m|h)", str(value))
        if not found or float(found[1]) == 0:
            self.fail(f"{value!r} is not a time. Write 90s, 10m or 1h.", param, ctx)
        return float(found[1]) * {"s": 1, "m": 60, "h": 3600}[found[2]]


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")

platform_option = click.option(
    "-p",
    "--platform",
    "platforms",
    multiple=True,
    metavar="PLATFORM",
    help="A platform, as in openvino-cpu:threads=2; may be repeated.",
)


run_option = click.option(
    "--run",
    type=click.IntRange(min=1),
    metavar="N",
    help="Number of the run; the newest unless given.",
)


def steps_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--steps [QUANTITY=]PARAMETER``, which asks more of a run than its study does."""
    return click.option(
        "--steps",
        "questions",
        multiple=True,
        metavar="[QUANTITY=]PARAMETER",
        callback=lambda _context, _option, texts: tuple(map(_question, texts)),
        help="Look for steps of latency_s, or QUANTITY, along this too; may be repeated.",
    )(function)


def _question(text: str) -> Question:
    from opscope.core.study import Question

    quantity, _, x = text.rpartition("=")
    return Question(kind="steps", x=x, quantity=quantity or "latency_s")


def model_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--shape`` and ``--input``, which declare what a model file leaves open."""
    shape = click.option(
        "--shape",
        default="",
        metavar="SHAPE",
        help="For a file: shapes of its inputs, as in 1x3x224x224 or ids:1x128+mask:1x128.",
    )
    carries = click.option(
        "--input",
        "carries",
        default="",
        metavar="KIND",
        help="For a file: what its inputs carry, as in image or ids:0..30521+mask:mask.",
    )
    return shape(carries(function))


def shared_core_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--shared-core``."""
    return click.option(
        "--shared-core",
        is_flag=True,
        help="Count rounds, too, in which another hardware thread shares the core; for machines on "
        "which it always is.",
    )(function)


def database_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--db FILE``."""
    return click.option(
        "--db",
        "database",
        type=click.Path(dir_okay=False, path_type=Path),
        default=Path("opscope.db"),
        show_default=True,
        metavar="FILE",
        help="Database of trials.",
    )(function)


def print_json(value: object) -> None:
    """Print records or plain values as JSON, in ASCII where standard output knows no more."""
    import msgspec

    text = msgspec.json.format(msgspec.json.encode(value, enc_hook=str), indent=2).decode()
    click.echo(_escape(text, sys.stdout.encoding or "utf-8"))


def print_line(text: str) -> None:
    """Print one line as it is."""
    click.echo(visible(text))


def console(*, err: bool = False) -> Console:
    """Return where rich prints: standard output unless ``err``."""
    from opscope.cli.screen import Screen

    return Screen(file=sys.stderr if err else sys.stdout, highlight=False)


def _escape(text: str, encoding: str) -> str:
    """Return JSON text with escapes for what cannot, or must not, be printed as it is."""

    def escaped(match: re.Match[str]) -> str:
        units = match[0].encode("utf-16-be").hex()
        return re.sub("....", r"\\u\g<0>", units)

    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return re.sub(r"[^\x00-\x7e]", escaped, text)
    return re.sub(r"[\x7f-\x9f]", escaped, text)
