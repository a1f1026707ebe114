"""The onnxruntime family: ONNX graphs run as they are. Its providers stand in a table beside it."""

from __future__ import annotations

import resource
import time
from typing import Any, Literal

import numpy as np

from opscope.core.configuration import Workload
from opscope.core.platform import PlatformInfo, PlatformListing, PlatformName
from opscope.core.record import Record
from opscope.core.study import Instrumentation
from opscope.errors import PlatformError
from opscope.graph import Graph, build
from opscope.platforms.base import Arrays, ExecutedNode, TimedDeployment, read_options
from opscope.platforms.loading import Model, loadable
from opscope.platforms.onnxruntime_profile import Profile
from opscope.platforms.onnxruntime_providers import CPU, PROVIDERS, Provider, load, session
from opscope.platforms.runtimes import Threads

_LEVELS = {
    "none": "ORT_DISABLE_ALL",
    "basic": "ORT_ENABLE_BASIC",
    "extended": "ORT_ENABLE_EXTENDED",
    "all": "ORT_ENABLE_ALL",
}


class Options(Record, frozen=True, kw_only=True):
    """What ``onnxruntime-cpu:…`` and its siblings may say.

    Idle threads that spin answer the next call sooner, and for some 35 ms take time from whatever
    else runs on the machine.
    """

    threads: Threads = 1
    optimization: Literal["none", "basic", "extended", "all"] = "all"
    spinning: Literal["yes", "no"] = "yes"


class OnnxRuntimeFamily:
    """Microsoft's onnxruntime with its own CPU kernels, and with those of other makers' devices."""

    def listings(self) -> list[PlatformListing]:
        """Return a platform for each execution provider."""
        return [provider.runtime.listing() for provider in PROVIDERS.values()]

    def open(self, name: PlatformName) -> OnnxRuntime:
        """Return the platform with the options of ``name``."""
        return OnnxRuntime(*read_options(name, Options), PROVIDERS[name.name])


class OnnxRuntime:
    """onnxruntime with one provider; on the CPU one thread means the calling thread."""

    def __init__(self, name: PlatformName, options: Options, provider: Provider) -> None:
        self._name = name
        self._options = options
        self._provider = provider

    def info(self) -> PlatformInfo:
        """Return device, version and precisions."""
        return self._provider.runtime.info(self._name, self._options.threads)

    def supports(self, workload: Workload) -> str:
        """Refuse precisions there is no converted form for."""
        return self._provider.runtime.refusal(workload)

    def load(self) -> None:
        """Load onnxruntime and the provider."""
        load(self._provider)

    def prepare(
        self, workload: Workload, *, seed: int, instrumentation: Instrumentation
    ) -> OnnxRuntimeDeployment:
        """Return a session over the materialised graph."""
        graph = build(workload)
        with loadable(graph, seed, workload.precision) as model:
            return OnnxRuntimeDeployment(
                graph, model, self._options, instrumentation, self._provider
            )


class OnnxRuntimeDeployment(TimedDeployment):
    """A session whose inputs and outputs are bound, so that a call copies nothing."""

    def __init__(
        self,
        graph: Graph,
        model: Model,
        options: Options,
        instrumentation: Instrumentation,
        provider: Provider = CPU,
    ) -> None:
        start = time.perf_counter()
        ort = self._ort = load(provider)
        self._memory = provider.memory
        if options.threads > 1 or provider is not CPU:
            self.counter = resource.RUSAGE_SELF
        settings = _session_options(ort, options)
        self._profile = Profile(graph, settings) if instrumentation.profile else None
        try:
            self._session: Any = session(ort, provider, model, settings)
        except Exception as exc:  # onnxruntime raises types of its own that no stub declares
            if self._profile:
                self._profile.remove()
            if isinstance(exc, PlatformError):
                raise
            raise PlatformError(f"onnxruntime refuses the graph: {exc}") from exc
        self.load_s = time.perf_counter() - start
        self._binding = self._session.io_binding()
        self._inputs: Arrays = {}
        self._outputs = {}
        for tensor in graph.outputs:
            dtype = np.dtype(tensor.dtype)
            value = ort.OrtValue.ortvalue_from_shape_and_type(tensor.shape, dtype, self._memory, 0)
            self._binding.bind_ortvalue_output(tensor.name, value)
            self._outputs[tensor.name] = value

    def bind(self, inputs: Arrays) -> None:
        """Bind inputs by name; the session reads them where they are."""
        self._inputs = inputs  # onnxruntime before 1.25 does not keep them alive
        for name, array in inputs.items():
            value = self._ort.OrtValue.ortvalue_from_numpy(array, self._memory, 0)
            self._binding.bind_ortvalue_input(name, value)

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
        self._inputs, self._outputs = {}, {}


def _session_options(ort: Any, options: Options) -> Any:
    settings = ort.SessionOptions()
    settings.intra_op_num_threads = options.threads
    settings.inter_op_num_threads = 1
    settings.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    level = getattr(ort.GraphOptimizationLevel, _LEVELS[options.optimization])
    settings.graph_optimization_level = level
    settings.log_severity_level = 3
    spins = str(int(options.spinning == "yes"))
    settings.add_session_config_entry("session.intra_op.allow_spinning", spins)
    # Left alone, Arm builds may multiply FP32 matrices in BF16; asked-for precision must hold.
    settings.add_session_config_entry("mlas.enable_gemm_fastmath_arm64_bfloat16", "0")
    return settings


family = OnnxRuntimeFamily()
