"""The ``opscope`` command: its groups, its exit codes, and errors in one line each."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import NoReturn

import click

import opscope
from opscope.cli.interruption import leave, was_interrupted
from opscope.cli.streams import CutOff, Unwritable, own_streams, visible
from opscope.errors import InputError, OpscopeError, PlatformError, StoreError

OK, INCOMPLETE, BAD_INPUT, NO_PLATFORM, NO_STORE = 0, 1, 2, 3, 4
INTERNAL, UNWRITABLE, CUT_OFF = 70, 74, 141

WAITING = "waiting: this machine is being timed by another opscope"

_COMMANDS = {
    "doctor": "opscope.cli.doctor:doctor",
    "cost": "opscope.cli.cost:cost",
    "graph": "opscope.cli.cost:graph",
    "platforms": "opscope.cli.platforms:platforms",
    "measure": "opscope.cli.measure:measure",
    "compare": "opscope.cli.compare:compare",
    "study": "opscope.cli.study:study",
    "findings": "opscope.cli.findings:findings",
    "figure": "opscope.cli.figure:figure",
    "export": "opscope.cli.exchange:export",
    "import": "opscope.cli.exchange:import_",
    "report": "opscope.cli.report:report",
    "steps": "opscope.cli.steps:steps",
}

_EPILOG = """\b
Exit codes
    0  done
    1  done, but something failed or was unsupported, now or in the run before
    2  the command line, a configuration, a study or a table cannot be meant
    3  a platform is missing, broken or refuses
    4  the database is foreign, newer, busy or damaged
   70  a fault in opscope itself (OPSCOPE_DEBUG=1 shows where)
   74  the output, or a temporary file, cannot be written: the disk is full
  130  interrupted; a study keeps every finished trial, the same command goes on
  141  the output was closed by its reader, as by head; the rest was not written
"""


class _Commands(click.Group):
    """Loads the module of a command when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command


@click.group(
    cls=_Commands,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(opscope.__version__, prog_name="opscope")
def app() -> None:
    """Show what a network's design choices really cost on a target platform."""


def main() -> NoReturn:
    """Run the command line; every failure is one line on standard error and an exit code."""
    with own_streams():
        sys.exit(_run())


def _run() -> int:
    try:
        _check_arguments()
        code = app(prog_name="opscope", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as exc:
        _show_usage(exc)
        return BAD_INPUT
    except (click.Abort, KeyboardInterrupt) as exc:
        leave(*map(str, exc.args))
    except CutOff:
        return CUT_OFF
    except Unwritable as exc:
        _complain(f"standard output cannot be written: {exc}. Send it elsewhere.")
        return UNWRITABLE
    except OpscopeError as exc:
        _complain(str(exc))
        return _exit_code(exc)
    except Exception as exc:
        if os.environ.get("OPSCOPE_DEBUG"):
            raise
        return _own_up(exc)
    return code or OK


def _check_arguments() -> None:
    try:
        "".join(sys.argv).encode()
    except UnicodeEncodeError as exc:
        raise InputError(
            "it is not text in UTF-8", where="the command line", remedy="Rename the file it names."
        ) from exc


def _own_up(exc: Exception) -> int:
    """Say that something is wrong which is none of the user's making."""
    if was_interrupted():
        leave()
    if isinstance(exc, OSError) and exc.errno in {errno.ENOSPC, errno.EDQUOT}:
        _complain(f"{exc.strerror}. Free space, or set TMPDIR to a folder that has some.")
        return UNWRITABLE
    _complain(
        f"a fault in opscope itself: {type(exc).__name__}: {exc}. "
        "Set OPSCOPE_DEBUG=1 to see where, and please report it."
    )
    return INTERNAL


def _show_usage(exc: click.ClickException) -> None:
    page = io.StringIO()
    exc.show(page)
    click.echo(visible(page.getvalue()), err=True, nl=False)


@contextmanager
def when_interrupted(note: str) -> Iterator[None]:
    """Have ``note`` said if the block is interrupted: what is kept, and how to go on."""
    try:
        yield
    except KeyboardInterrupt as exc:
        raise click.Abort(note) from exc


def _exit_code(exc: OpscopeError) -> int:
    for kind, code in (
        (InputError, BAD_INPUT),
        (PlatformError, NO_PLATFORM),
        (StoreError, NO_STORE),
    ):
        if isinstance(exc, kind):
            return code
    return INCOMPLETE


def _complain(text: str) -> None:
    click.echo(visible(f"opscope: {text}"), err=True)
