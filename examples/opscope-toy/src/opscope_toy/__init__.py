"""The toy family: ONNX's reference implementation as a platform, slow and exact.

Everything a family needs is here: what the platform is, how it is loaded and how a graph is
deployed in it, and a deployment that binds, calls and reads its runtime. `tests/test_toy.py`
beside it runs opscope's conformance suite.
"""

from __future__ import annotations

import time

import numpy as np
import onnx

from opscope.core.configuration import Precision
from opscope.core.study import Instrumentation
from opscope.graph import Graph
from opscope.platforms.base import Arrays, TimedDeployment
from opscope.platforms.family import Member, RuntimeFamily, RuntimePlatform
from opscope.platforms.packages import load_package
from opscope.platforms.runtimes import CpuRuntime, NoOptions

RUNTIME = CpuRuntime(
    platform="toy",
    family="toy",
    package="onnx",
    description="ONNX reference implementation, an example",
    precisions=(Precision.FP32,),
    tells="none",
    options=(),
)


class Toy(RuntimePlatform[NoOptions]):
    """The reference implementation on this machine's processor."""

    def load(self) -> None:
        """Import it."""
        load_package("onnx", ("ReferenceEvaluator",), module="onnx.reference")

    def deploy(
        self,
        graph: Graph,
        precision: Precision,  # noqa: ARG002 - there is but one
        seed: int,
        instrumentation: Instrumentation,  # noqa: ARG002 - there is nothing to instrument
    ) -> ToyDeployment:
        """Return the graph, ready to run."""
        return ToyDeployment(graph.materialise(seed))


class ToyDeployment(TimedDeployment):
    """One graph in the reference implementation."""

    def __init__(self, model: onnx.ModelProto) -> None:
        start = time.perf_counter()
        reference = load_package("onnx", module="onnx.reference")
        self._evaluator = reference.ReferenceEvaluator(model)
        self.load_s = time.perf_counter() - start
        self._inputs: dict[str, np.ndarray] = {}
        self._results: list[np.ndarray] = []

    def bind(self, inputs: Arrays) -> None:
        """Keep the inputs for every call."""
        self._inputs = dict(inputs)

    def call(self) -> None:
        """Evaluate the graph once."""
        self._results = [np.asarray(r) for r in self._evaluator.run(None, self._inputs)]

    def outputs(self) -> dict[str, np.ndarray]:
        """Return the outputs of the last call."""
        return dict(zip(self._evaluator.output_names, self._results, strict=True))

    def close(self) -> None:
        """Hold nothing but memory."""


family = RuntimeFamily(Member(Toy, RUNTIME, NoOptions))
