"""The command line as a user has it: what it prints, what it complains of, its exit code."""

import contextlib
import io
import os
import subprocess
import sys
from pathlib import Path
from unittest import mock

import pytest

from opscope.cli import app


def opscope_process(*arguments, cwd=None, env=None):
    """Run a command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "opscope.cli", *arguments],
        cwd=cwd,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )


@contextlib.contextmanager
def started(*arguments, cwd, **variables):
    """Start a command in a process of its own, which is killed if the block leaves it running.

    Its lines are not counted: a signal that finds coverage holding its lock leaves the lock held,
    and the process waits for ever.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    with subprocess.Popen(
        [sys.executable, "-m", "opscope.cli", *arguments],
        cwd=cwd,
        env={**kept, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def opscope_command(*arguments, cwd=None):
    """Run a command here, which spares the start of a process."""
    output, errors = io.StringIO(), io.StringIO()
    with (
        contextlib.chdir(cwd or Path.cwd()),
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(errors),
        mock.patch.object(sys, "argv", ["opscope", *arguments]),
        pytest.raises(SystemExit) as end,
    ):
        app.main()
    return subprocess.CompletedProcess(
        arguments, end.value.code, output.getvalue(), errors.getvalue()
    )
