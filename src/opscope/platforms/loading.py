"""How runtimes that read ONNX get a graph: in one message, or above 2 GB as files for a moment."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from opscope.convert.files import kept, written
from opscope.convert.halves import HALVES, halved
from opscope.convert.quantization import INTEGERS, quantised
from opscope.core.configuration import Precision
from opscope.graph import Graph

Model = bytes | str
"""A serialised ONNX model, or the path of one whose weights stand in a file beside it."""


@contextlib.contextmanager
def loadable(
    graph: Graph, seed: int, precision: Precision = Precision.FP32, *, typed: bool = False
) -> Iterator[Model]:
    """Yield what a runtime that reads ONNX loads a graph from, weights drawn from ``seed``.

    A model that fits into one message is that message, a larger one a file for as long as the
    runtime loads it.

    Args:
        graph: What is loaded.
        seed: Of the weights.
        precision: 8 bits are in the model, as quantise-dequantise pairs; 16 are what the runtime is
            told to compute an FP32 model in.
        typed: Whether the runtime computes in the model's own types instead, and in 8 bits around
            zero only.

    Raises:
        UnsupportedWorkload: If there is no form of it in the bits that are asked for.
        PlatformError: If the directory for temporary files cannot take the model.
    """
    if typed and precision in (*HALVES, *INTEGERS):
        yield _typed_message(graph, seed, precision)
        return
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


@kept
def _typed_message(graph: Graph, seed: int, precision: Precision) -> bytes:
    if precision in INTEGERS:
        model = quantised(graph, seed, precision, symmetric=True)
    else:
        model = halved(graph, seed, precision)
    message: bytes = model.SerializeToString()
    return message
