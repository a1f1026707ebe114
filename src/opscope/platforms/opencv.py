"""The opencv family: ONNX graphs read and run by OpenCV's own network engine, on the CPU."""

from __future__ import annotations

import re
import resource
import time
from typing import Any

import numpy as np

from opscope.convert.quiet import quiet
from opscope.convert.tools import no_form
from opscope.core.configuration import Precision, Workload
from opscope.core.platform import PlatformInfo, PlatformListing, PlatformName
from opscope.core.record import Record
from opscope.core.study import Instrumentation
from opscope.errors import PlatformError
from opscope.graph import Graph, build
from opscope.platforms.base import Arrays, ExecutedNode, TimedDeployment, read_options
from opscope.platforms.execution import Seen, attribute, undisturbed
from opscope.platforms.loading import Model, loadable
from opscope.platforms.packages import load_package
from opscope.platforms.runtimes import CpuRuntime, Threads

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


class Options(Record, frozen=True, kw_only=True):
    """What ``opencv-dnn:…`` may say."""

    threads: Threads = 1


class OpenCvFamily:
    """OpenCV's dnn module with its own kernels."""

    def listings(self) -> list[PlatformListing]:
        """Return its one platform."""
        return [RUNTIME.listing()]

    def open(self, name: PlatformName) -> OpenCvDnn:
        """Return the platform with the options of ``name``."""
        return OpenCvDnn(*read_options(name, Options))


class OpenCvDnn:
    """OpenCV on the CPU; with one thread it computes in the calling thread."""

    def __init__(self, name: PlatformName, options: Options) -> None:
        self._name = name
        self._options = options

    def info(self) -> PlatformInfo:
        """Return device, version and precisions."""
        return RUNTIME.info(self._name, self._options.threads)

    def supports(self, workload: Workload) -> str:
        """Refuse precisions there is no converted form for."""
        return RUNTIME.refusal(workload)

    def load(self) -> None:
        """Import OpenCV."""
        _runtime()

    def prepare(
        self, workload: Workload, *, seed: int, instrumentation: Instrumentation
    ) -> OpenCvDeployment:
        """Return a net of the materialised graph."""
        graph = build(workload)
        with loadable(graph, seed, workload.precision) as model:
            return OpenCvDeployment(graph, model, self._options, instrumentation)


class OpenCvDeployment(TimedDeployment):
    """A net with inputs of its own; each call ends with copying the outputs to the same arrays."""

    def __init__(
        self, graph: Graph, model: Model, options: Options, instrumentation: Instrumentation
    ) -> None:
        self._graph = graph
        if options.threads > 1:
            self.counter = resource.RUSAGE_SELF
        self._profiled = instrumentation.profile
        self._times: list[Any] = []
        self._names = [tensor.name for tensor in graph.outputs]
        self._results = [np.empty(tensor.shape, tensor.dtype) for tensor in graph.outputs]
        start = time.perf_counter()
        cv2 = _runtime()
        cv2.setNumThreads(options.threads)
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
        nanoseconds = _runtime().getTickFrequency() / 1e9
        layers = [(name, self._net.getLayer(name).type) for name in self._net.getLayerNames()]
        times = [taken / nanoseconds / 1e9 for taken in self._times if len(taken) == len(layers)]
        # What a layer takes is not told: order stands for it.
        seen = [
            Seen(
                name=name,
                kind=kind,
                names=(name.removesuffix("_DequantizeLinear"),),
                takes=(str(number - 1),),
                yields=(str(number),),
                added=kind == "TransformLayout",
                format=""
                if kind.removesuffix("2") in _CARRIES
                else "i8"
                if kind.endswith("Int8")
                else "f32",
                time_s=undisturbed([float(taken[number]) for taken in times]),
            )
            for number, (name, kind) in enumerate(layers)
        ]
        return attribute(self._graph, seen)

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


family = OpenCvFamily()
