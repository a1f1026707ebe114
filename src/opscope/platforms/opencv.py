"""The opencv family: ONNX graphs read and run by OpenCV's own network engine, on the CPU."""

from __future__ import annotations

import re
import time
from typing import Any

import numpy as np

from opscope.convert.quiet import quiet
from opscope.convert.tools import no_form
from opscope.core.configuration import Precision
from opscope.core.study import Instrumentation
from opscope.errors import PlatformError
from opscope.graph import Graph
from opscope.platforms.base import Arrays, ExecutedNode, TimedDeployment
from opscope.platforms.execution import Seen, attribute, undisturbed
from opscope.platforms.family import Member, RuntimeFamily, RuntimePlatform
from opscope.platforms.loading import Model, loadable
from opscope.platforms.ordering import chained
from opscope.platforms.packages import load_package
from opscope.platforms.runtimes import CpuOptions, CpuRuntime

RUNTIME = CpuRuntime(
    platform="opencv-dnn",
    family="opencv",
    package="opencv-python-headless",
    description="OpenCV's network engine, CPU",
    precisions=(Precision.FP32, Precision.INT8),
)

_CARRIES = {"Concat", "DequantizeLinear", "Flatten", "Identity", "Pad", "QuantizeLinear", "Reshape"}
_CARRIES |= {"Slice", "Split", "Squeeze", "TransformLayout", "Transpose", "Unsqueeze"}
"""Types of layers that only carry data, or change its format; a 2 may follow."""

_UNKNOWN = re.compile(r"Unsupported operations:\s*((?:\s*\w+\s*?\n)+)")


class OpenCvDnn(RuntimePlatform[CpuOptions]):
    """OpenCV on the CPU; with one thread it computes in the calling thread."""

    def load(self) -> None:
        """Import OpenCV."""
        _runtime()

    def deploy(
        self, graph: Graph, precision: Precision, seed: int, instrumentation: Instrumentation
    ) -> OpenCvDeployment:
        """Return a net of the materialised graph."""
        with loadable(graph, seed, precision) as model:
            return OpenCvDeployment(graph, model, self.threads, instrumentation)


class OpenCvDeployment(TimedDeployment):
    """A net with inputs of its own; each call ends with copying the outputs to the same arrays."""

    def __init__(
        self, graph: Graph, model: Model, threads: int, instrumentation: Instrumentation
    ) -> None:
        self._graph = graph
        self._profiled = instrumentation.profile
        self._times: list[Any] = []
        self._names = [tensor.name for tensor in graph.outputs]
        self._results = [np.empty(tensor.shape, tensor.dtype) for tensor in graph.outputs]
        start = time.perf_counter()
        cv2 = _runtime()
        cv2.setNumThreads(threads)
        source = np.frombuffer(model, np.uint8) if isinstance(model, bytes) else model
        with quiet() as said:
            try:
                self._net: Any = cv2.dnn.readNetFromONNX(source, cv2.dnn.ENGINE_NEW)
            except cv2.error as exc:
                raise _refusal(exc) from exc
            # It would go on with an older engine, of other kernels.
            if unknown := _UNKNOWN.search(said()):
                raise no_form("OpenCV", graph, unknown[1].split())
        self.load_s = time.perf_counter() - start

    def bind(self, inputs: Arrays) -> None:
        """Copy the inputs to where the net reads them at each call."""
        cv2 = _runtime()
        for name, array in inputs.items():
            try:
                self._net.setInput(array, name)
            except cv2.error as exc:
                raise _refusal(exc) from exc

    def call(self) -> None:
        """Run the net once; what is wrong with a layer shows in the first call only."""
        try:
            self._results = self._net.forward(self._names, self._results)
        except _runtime().error as exc:
            raise _refusal(exc) from exc
        if self._profiled:
            self._times.append(self._net.getPerfProfile()[1])

    def outputs(self) -> dict[str, np.ndarray]:
        """Return copies of the last outputs."""
        return {
            tensor.name: np.array(result, tensor.dtype).reshape(tensor.shape)
            for tensor, result in zip(self._graph.outputs, self._results, strict=True)
        }

    def executed(self) -> tuple[ExecutedNode, ...]:
        """Return the layers, which are named after the graph's nodes, with times if profiled."""
        frequency = _runtime().getTickFrequency()
        layers = [(name, self._net.getLayer(name).type) for name in self._net.getLayerNames()]
        times = [taken / frequency for taken in self._times if len(taken) == len(layers)]
        seen = [
            Seen(
                name=name,
                kind=kind,
                names=(name.removesuffix("_DequantizeLinear"),),
                added=kind == "TransformLayout",
                format=_format(kind),
                time_s=undisturbed([float(taken[number]) for taken in times]),
            )
            for number, (name, kind) in enumerate(layers)
        ]
        return attribute(self._graph, chained(seen))

    def close(self) -> None:
        """Drop net and outputs."""
        self._net, self._results, self._times = None, [], []


def _format(kind: str) -> str:
    if kind.removesuffix("2") in _CARRIES:
        return ""
    return "i8" if kind.endswith("Int8") else "f32"


def _refusal(exc: Exception) -> PlatformError:
    return PlatformError(f"OpenCV refuses the graph: {' '.join(str(exc).split())}")


def _runtime() -> Any:
    return load_package("opencv-python-headless", ("dnn", "setNumThreads"), module="cv2")


family = RuntimeFamily(Member(OpenCvDnn, RUNTIME, CpuOptions))
