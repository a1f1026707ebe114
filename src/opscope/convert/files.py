"""Models on their way to a runtime: written for a moment for what reads files, or kept a while."""

from __future__ import annotations

import contextlib
import functools
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from opscope.core.configuration import Precision
from opscope.errors import PlatformError
from opscope.graph import Graph

_KEPT_BYTES = 64 * 1024**2
"""Models up to this size are kept, since what is prepared once is mostly prepared again."""

T = TypeVar("T")
Make = Callable[[Graph, int, Precision], T]
"""Makes a form of a graph, weights drawn from a seed, in a precision."""


def kept(make: Make[T]) -> Make[T]:
    """Return ``make`` that keeps its last result, unless that is large."""
    remembered = functools.lru_cache(maxsize=1)(make)

    @functools.wraps(make)
    def made(graph: Graph, seed: int, precision: Precision) -> T:
        small = graph.size_bytes <= _KEPT_BYTES
        return (remembered if small else make)(graph, seed, precision)

    return made


@contextlib.contextmanager
def written(graph: Graph, seed: int) -> Iterator[Path]:
    """Yield the path of the graph's ONNX model, weights drawn from ``seed``.

    It lies in a directory that only its owner can enter, that may be written to, and that is gone
    afterwards; what is mapped of its files by then lives on without their names. Weights that do
    not fit into one message with the rest stand beside it.

    Raises:
        PlatformError: If the directory for temporary files cannot take the model.
    """
    with tempfile.TemporaryDirectory(prefix="opscope-model-") as folder:
        path = Path(folder, "model.onnx")
        try:
            graph.save(path, seed, **({} if graph.fits_one_message else {"limit_bytes": 0}))
        except OSError as exc:
            raise PlatformError(
                f"a model of {graph.size_bytes} bytes cannot be written: {exc.strerror}",
                where=tempfile.gettempdir(),
                remedy="Name a directory with room for it in TMPDIR.",
            ) from exc
        yield path
