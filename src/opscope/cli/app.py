"""The ``opscope`` command: its groups, its exit codes, and errors in one line each."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import NoReturn

import click

import opscope
from opscope.errors import InputError, OpscopeError, PlatformError, StoreError

OK, INCOMPLETE, BAD_INPUT, NO_PLATFORM, NO_STORE, INTERNAL, INTERRUPTED = 0, 1, 2, 3, 4, 70, 130

WAITING = "waiting: this machine is being timed by another opscope"

_COMMANDS = {
    "doctor": "opscope.cli.doctor:doctor",
    "cost": "opscope.cli.cost:cost",
    "graph": "opscope.cli.cost:graph",
    "platforms": "opscope.cli.platforms:platforms",
    "measure": "opscope.cli.measure:measure",
    "study": "opscope.cli.study:study",
    "findings": "opscope.cli.findings:findings",
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
  130  interrupted; a study keeps every finished trial, the same command goes on
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
    try:
        code = app(prog_name="opscope", standalone_mode=False)
    except click.ClickException as exc:
        exc.show(sys.stderr)
        sys.exit(BAD_INPUT)
    except (click.Abort, KeyboardInterrupt) as exc:
        _complain("; ".join(["interrupted", *map(str, exc.args)]))
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(OK)
    except OpscopeError as exc:
        _complain(str(exc))
        sys.exit(_exit_code(exc))
    except Exception as exc:
        if os.environ.get("OPSCOPE_DEBUG"):
            raise
        _complain(
            f"a fault in opscope itself: {type(exc).__name__}: {exc}. "
            "Set OPSCOPE_DEBUG=1 to see where, and please report it."
        )
        sys.exit(INTERNAL)
    sys.exit(code or OK)


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
    click.echo(f"opscope: {text}", err=True)
