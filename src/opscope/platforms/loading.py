"""How runtimes that read ONNX get a graph: in one message, or above 2 GB as files for a moment."""

from __future__ import annotations

import contextlib
import functools
import tempfile
from collections.abc import Iterator
from pathlib import Path

from opscope.convert.quantization import INTEGERS, quantised
from opscope.core.configuration import Precision
from opscope.errors import PlatformError
from opscope.graph import Graph

_KEPT_BYTES = 64 * 1024**2
"""Models up to this size are kept, since what is prepared once is mostly prepared again."""

Model = bytes | str
"""A serialised ONNX model, or the path of one whose weights stand in a file beside it."""


@contextlib.contextmanager
def loadable(graph: Graph, seed: int, precision: Precision = Precision.FP32) -> Iterator[Model]:
    """Yield what a runtime that reads ONNX loads a graph from, weights drawn from ``seed``.

    A model that fits into one message is that message. A larger one is written, its weights beside
    it, into a directory that only its owner can enter, and that is gone when the runtime has loaded
    it; what a runtime still maps of the files lives on without their names.

    Raises:
        UnsupportedWorkload: If there is no form of it in 8 bits, where these are asked for.
        PlatformError: If the directory for temporary files cannot take the model.
    """
    if graph.fits_one_message or precision in INTEGERS:
        make = _kept if graph.size_bytes <= _KEPT_BYTES else _message
        yield make(graph, seed, precision)
        return
    with tempfile.TemporaryDirectory(prefix="opscope-model-") as folder:
        path = Path(folder, "model.onnx")
        try:
            graph.save(path, seed, limit_bytes=0)
        except OSError as exc:
            raise PlatformError(
                f"a model of {graph.size_bytes} bytes cannot be written: {exc.strerror}",
                where=tempfile.gettempdir(),
                remedy="Name a directory with room for it in TMPDIR.",
            ) from exc
        yield str(path)


def _message(graph: Graph, seed: int, precision: Precision) -> bytes:
    in_integers = precision in INTEGERS
    model = quantised(graph, seed, precision) if in_integers else graph.materialise(seed)
    message: bytes = model.SerializeToString()
    return message


_kept = functools.lru_cache(maxsize=1)(_message)
