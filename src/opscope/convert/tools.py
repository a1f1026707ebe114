"""Converters of other packages, each run in a process of its own.

They may print, crash or leave a broken state behind, and do so to that process only.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import onnx

from opscope.errors import PlatformError, UnsupportedWorkload
from opscope.graph import Graph

_SHOWN = 3
"""How many nodes of an operator are named."""

_LAUNCH = (
    "import ctypes, os, signal, sys; "
    "ctypes.CDLL(None).prctl(1, signal.SIGKILL); "  # ends with the process that started it
    "os.execv(sys.argv[1], sys.argv[1:])"
)


def run_tool(name: str, command: Sequence[str | Path], folder: Path) -> str:
    """Run a converter in ``folder``, which it may write to, and return what it printed.

    Its exit status says little: whether there is a result is for the caller to see.

    Args:
        name: What messages call it.
        command: An executable's path and its arguments.
        folder: Its current directory.

    Raises:
        PlatformError: If a signal ended it.
    """
    ended = subprocess.run(
        [sys.executable, "-I", "-c", _LAUNCH, *map(str, command)],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if ended.returncode < 0:
        how = signal.Signals(-ended.returncode).name
        raise PlatformError(f"{name} crashes on the graph ({how})")
    return ended.stdout.decode(errors="replace")


def failure(name: str, said: str) -> PlatformError:
    """Return the error for a converter that made nothing, with the last that it printed."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return PlatformError(f"{name} fails: {lines[-1] if lines else 'it does not say why'}")


def no_form(name: str, graph: Graph, operators: Iterable[str]) -> UnsupportedWorkload:
    """Return the error for ``operators`` of ``graph`` that a converter cannot express."""
    nodes = onnx.ModelProto.FromString(graph.structure).graph.node
    told = []
    for operator in dict.fromkeys(operators):
        names = [node.name or node.output[0] for node in nodes if node.op_type == operator]
        more = ", …" if len(names) > _SHOWN else ""
        told.append(operator + (f" ({', '.join(names[:_SHOWN])}{more})" if names else ""))
    return UnsupportedWorkload(f"{name} has no form of {', '.join(told)}")
