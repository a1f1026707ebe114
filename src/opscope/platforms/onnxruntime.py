"""The onnxruntime family: ONNX graphs run as they are. Its CPU device only, so far."""

from __future__ import annotations

import resource
import time
from typing import Any

import numpy as np

from opscope.convert.quantization import INTEGERS
from opscope.core.configuration import Precision, Workload
from opscope.core.platform import PlatformInfo, PlatformListing, PlatformName
from opscope.core.record import Record
from opscope.core.study import Instrumentation
from opscope.errors import PlatformError
from opscope.graph import Graph, build
from opscope.platforms.base import Arrays, ExecutedNode, TimedDeployment, read_options
from opscope.platforms.loading import Model, loadable
from opscope.platforms.onnxruntime_profile import Profile
from opscope.platforms.packages import load_package
from opscope.platforms.runtimes import CpuRuntime, Threads

RUNTIME = CpuRuntime(
    platform="onnxruntime-cpu",
    family="onnxruntime",
    package="onnxruntime",
    description="onnxruntime, CPU execution provider",
    precisions=(Precision.FP32, *INTEGERS),
    tells="profiled",
)


class Options(Record, frozen=True, kw_only=True):
    """What ``onnxruntime-cpu:…`` may say."""

    threads: Threads = 1


class OnnxRuntimeFamily:
    """Microsoft's onnxruntime with its own CPU kernels."""

    def listings(self) -> list[PlatformListing]:
        """Return its one platform."""
        return [RUNTIME.listing()]

    def open(self, name: PlatformName) -> OnnxRuntimeCpu:
        """Return the CPU platform with the options of ``name``."""
        return OnnxRuntimeCpu(*read_options(name, Options))


class OnnxRuntimeCpu:
    """onnxruntime on the CPU; with one thread it computes in the calling thread."""

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
        """Import onnxruntime."""
        _runtime()

    def prepare(
        self, workload: Workload, *, seed: int, instrumentation: Instrumentation
    ) -> OnnxRuntimeDeployment:
        """Return a session over the materialised graph."""
        graph = build(workload)
        with loadable(graph, seed, workload.precision) as model:
            return OnnxRuntimeDeployment(graph, model, self._options, instrumentation)


class OnnxRuntimeDeployment(TimedDeployment):
    """A session whose inputs and outputs are bound, so that a call copies nothing."""

    def __init__(
        self, graph: Graph, model: Model, options: Options, instrumentation: Instrumentation
    ) -> None:
        start = time.perf_counter()
        ort = _runtime()
        if options.threads > 1:
            self.counter = resource.RUSAGE_SELF
        settings = _session_options(ort, options)
        self._profile = Profile(graph, settings) if instrumentation.profile else None
        try:
            self._session: Any = ort.InferenceSession(
                model, settings, providers=["CPUExecutionProvider"]
            )
        except Exception as exc:  # onnxruntime raises types of its own that no stub declares
            if self._profile:
                self._profile.remove()
            raise PlatformError(f"onnxruntime refuses the graph: {exc}") from exc
        self.load_s = time.perf_counter() - start
        self._binding = self._session.io_binding()
        self._outputs = {}
        for tensor in graph.outputs:
            dtype = np.dtype(tensor.dtype)
            value = ort.OrtValue.ortvalue_from_shape_and_type(tensor.shape, dtype, "cpu", 0)
            self._binding.bind_ortvalue_output(tensor.name, value)
            self._outputs[tensor.name] = value

    def bind(self, inputs: Arrays) -> None:
        """Bind inputs by name; the session reads them where they are."""
        ort = _runtime()
        for name, array in inputs.items():
            self._binding.bind_ortvalue_input(name, ort.OrtValue.ortvalue_from_numpy(array))

    def call(self) -> None:
        """Run the session once."""
        self._session.run_with_iobinding(self._binding)

    def outputs(self) -> dict[str, np.ndarray]:
        """Return copies of the bound outputs."""
        return {name: value.numpy().copy() for name, value in self._outputs.items()}

    def executed(self) -> tuple[ExecutedNode, ...]:
        """Return the profiled nodes, and profile no more; nothing if it was never profiled."""
        return self._profile.read(self._session) if self._profile else ()

    def close(self) -> None:
        """Drop the session, and its profile."""
        if self._profile:
            self._profile.read(self._session)  # which ends it: else its file would be written later
            self._profile.remove()
        self._session = self._binding = self._profile = None
        self._outputs = {}


def _runtime() -> Any:
    return load_package("onnxruntime", ("InferenceSession", "OrtValue", "SessionOptions"))


def _session_options(ort: Any, options: Options) -> Any:
    session = ort.SessionOptions()
    session.intra_op_num_threads = options.threads
    session.inter_op_num_threads = 1
    session.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    session.log_severity_level = 3
    # Left alone, Arm builds may multiply FP32 matrices in BF16; asked-for precision must hold.
    session.add_session_config_entry("mlas.enable_gemm_fastmath_arm64_bfloat16", "0")
    return session


family = OnnxRuntimeFamily()
