"""What a network's outputs should be: those of onnxruntime in FP32. What is made of them is not."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from opscope.graph import Graph
from opscope.platforms.base import Arrays
from opscope.platforms.loading import loadable
from opscope.platforms.packages import load_package

_FLAT = 0.01
"""Of the largest output: what is spread less, as a stack of softmaxes is, is held against this."""


class Reference(NamedTuple):
    """What onnxruntime computes in FP32.

    Attributes:
        outputs: By name.
        load_s: Seconds that it took to load the graph.
        run_s: Seconds that it took to run it.
    """

    outputs: dict[str, np.ndarray]
    load_s: float
    run_s: float


def run_reference(graph: Graph, seed: int, inputs: Arrays) -> Reference:
    """Return the outputs of ``graph``, weights drawn from ``seed``, and the time they took.

    Raises:
        PlatformUnavailable: If onnxruntime does not load.
        PlatformError: If the model cannot be written where it is too large for a message.
    """
    ort = load_package("onnxruntime", ("InferenceSession", "SessionOptions"))
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    names = [tensor.name for tensor in graph.outputs]
    with loadable(graph, seed) as model:
        start = time.perf_counter()
        session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    loaded = time.perf_counter()
    outputs = session.run(names, dict(inputs))
    return Reference(
        outputs=dict(zip(names, outputs, strict=True)),
        load_s=loaded - start,
        run_s=time.perf_counter() - loaded,
    )


def output_error(outputs: Arrays, expected: Mapping[str, np.ndarray]) -> float:
    """Return by how much outputs differ: root mean square over their standard deviation.

    The deviation counts for 1 % of the largest output at least.

    Of several outputs the worst; of whole numbers, such as an ArgMax's, the share that differs.
    Infinite where a number is missing or a shape is another.
    """
    return max((_error(outputs[name], right) for name, right in expected.items()), default=0.0)


def _error(output: np.ndarray, right: np.ndarray) -> float:
    if output.shape != right.shape:
        return float("inf")
    if not np.issubdtype(right.dtype, np.floating):
        return float(np.mean(output != right))
    wide = right.astype(np.float64)
    scale = max(float(np.std(wide)), _FLAT * float(np.abs(wide).max(initial=0.0))) or 1.0
    error = float(np.sqrt(np.mean(np.square(output.astype(np.float64) - wide)))) / scale
    return error if np.isfinite(error) else float("inf")
