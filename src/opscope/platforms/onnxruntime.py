"""The onnxruntime family: ONNX graphs run as they are. Its providers stand in a table beside it."""

from __future__ import annotations

import time
from typing import Any, Literal

import numpy as np

from opscope.core.configuration import Precision
from opscope.core.study import Instrumentation
from opscope.errors import PlatformError
from opscope.graph import Graph
from opscope.platforms.base import Arrays, ExecutedNode, TimedDeployment
from opscope.platforms.family import Member, RuntimeFamily, RuntimePlatform
from opscope.platforms.loading import Model, loadable
from opscope.platforms.onnxruntime_profile import Profile
from opscope.platforms.onnxruntime_providers import CPU, PROVIDERS, Provider, load, session
from opscope.platforms.runtimes import CpuOptions

_LEVELS = {
    "none": "ORT_DISABLE_ALL",
    "basic": "ORT_ENABLE_BASIC",
    "extended": "ORT_ENABLE_EXTENDED",
    "all": "ORT_ENABLE_ALL",
}


class Options(CpuOptions, frozen=True, kw_only=True):
    """What ``onnxruntime-cpu:…`` and its siblings may say.

    Idle threads that spin answer the next call sooner, and for some 35 ms take time from whatever
    else runs on the machine.
    """

    optimization: Literal["none", "basic", "extended", "all"] = "all"
    spinning: Literal["yes", "no"] = "yes"


class OnnxRuntime(RuntimePlatform[Options]):
    """onnxruntime with one provider; on the CPU one thread means the calling thread."""

    @property
    def provider(self) -> Provider:
        """The execution provider that the platform stands for."""
        return PROVIDERS[self.runtime.platform]

    def load(self) -> None:
        """Load onnxruntime and the provider."""
        load(self.provider)

    def deploy(
        self, graph: Graph, precision: Precision, seed: int, instrumentation: Instrumentation
    ) -> OnnxRuntimeDeployment:
        """Return a session over the materialised graph."""
        with loadable(graph, seed, precision) as model:
            return OnnxRuntimeDeployment(graph, model, self.options, instrumentation, self.provider)


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


family = RuntimeFamily(*(Member(OnnxRuntime, p.runtime, Options) for p in PROVIDERS.values()))
