"""How runtimes that read ONNX get a graph: in one message, or above 2 GB as files for a moment."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from opscope.convert.files import kept, written
from opscope.convert.quantization import INTEGERS, quantised
from opscope.core.configuration import Precision
from opscope.graph import Graph

Model = bytes | str
"""A serialised ONNX model, or the path of one whose weights stand in a file beside it."""


@contextlib.contextmanager
def loadable(graph: Graph, seed: int, precision: Precision = Precision.FP32) -> Iterator[Model]:
    """Yield what a runtime that reads ONNX loads a graph from, weights drawn from ``seed``.

    A model that fits into one message is that message, a larger one a file for as long as the
    runtime loads it.

    Raises:
        UnsupportedWorkload: If there is no form of it in 8 bits, where these are asked for.
        PlatformError: If the directory for temporary files cannot take the model.
    """
    if graph.fits_one_message or precision in INTEGERS:
        yield _message(graph, seed, precision)
        return
    with written(graph, seed) as path:
        yield str(path)


@kept
def _message(graph: Graph, seed: int, precision: Precision) -> bytes:
    in_integers = precision in INTEGERS
    model = quantised(graph, seed, precision) if in_integers else graph.materialise(seed)
    message: bytes = model.SerializeToString()
    return message
