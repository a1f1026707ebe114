"""The openvino family: ONNX graphs compiled by OpenVINO for a CPU, a GPU or an NPU."""

from __future__ import annotations

import functools
import resource
import time
from typing import Any

import numpy as np

from opscope.core.configuration import Precision, Workload
from opscope.core.platform import PlatformInfo, PlatformListing, PlatformName
from opscope.core.record import Record
from opscope.core.study import Instrumentation
from opscope.errors import PlatformError, PlatformUnavailable
from opscope.graph import Graph, build
from opscope.platforms.base import Arrays, ExecutedNode, TimedDeployment, read_options
from opscope.platforms.devices import INTEL_GPU, INTEL_NPU
from opscope.platforms.execution import attribute
from opscope.platforms.loading import Model, loadable
from opscope.platforms.openvino_profile import Profile, seen
from opscope.platforms.packages import broken_package, load_package
from opscope.platforms.runtimes import CpuRuntime, DeviceRuntime, Threads


class Target(Record, frozen=True, kw_only=True):
    """One device of OpenVINO as a platform.

    Attributes:
        device: What OpenVINO calls it.
        hints: The precision it is told to execute in what is not quantised in the graph itself, for
            each precision that may be asked for. Left alone, CPUs that can would run FP32 graphs in
            BF16, and GPUs in FP16.
    """

    runtime: CpuRuntime | DeviceRuntime
    device: str
    hints: tuple[tuple[Precision, str], ...]


_CPU_HINTS = ((Precision.FP32, "f32"), (Precision.BF16, "bf16"), (Precision.INT8, "f32"))
_GPU_HINTS = ((Precision.FP32, "f32"), (Precision.FP16, "f16"), (Precision.INT8, "f16"))
_NPU_HINTS = ((Precision.FP16, "f16"), (Precision.INT8, "f16"))

CPU = Target(
    runtime=CpuRuntime(
        platform="openvino-cpu",
        family="openvino",
        package="openvino",
        description="OpenVINO, CPU plugin (oneDNN)",
        precisions=tuple(precision for precision, _ in _CPU_HINTS),
    ),
    device="CPU",
    hints=_CPU_HINTS,
)
GPU = Target(
    runtime=DeviceRuntime(
        platform="openvino-gpu",
        family="openvino",
        package="openvino",
        description="OpenVINO, GPU plugin (Intel graphics)",
        precisions=tuple(precision for precision, _ in _GPU_HINTS),
        device=INTEL_GPU,
    ),
    device="GPU",
    hints=_GPU_HINTS,
)
NPU = Target(
    runtime=DeviceRuntime(
        platform="openvino-npu",
        family="openvino",
        package="openvino",
        description="OpenVINO, NPU plugin (Intel Core Ultra)",
        precisions=tuple(precision for precision, _ in _NPU_HINTS),
        tells="none",
        device=INTEL_NPU,
    ),
    device="NPU",
    hints=_NPU_HINTS,
)
TARGETS = {target.runtime.platform: target for target in (CPU, GPU, NPU)}
"""Platforms by name. The GPU and the NPU were not tried on their devices."""


class Options(Record, frozen=True, kw_only=True):
    """What ``openvino-cpu:…`` may say."""

    threads: Threads = 1


class NoOptions(Record, frozen=True, kw_only=True):
    """What ``openvino-gpu`` and ``openvino-npu`` may say: nothing."""


class OpenVinoFamily:
    """Intel's OpenVINO with a plugin for each kind of device."""

    def listings(self) -> list[PlatformListing]:
        """Return a platform for each device."""
        return [target.runtime.listing() for target in TARGETS.values()]

    def open(self, name: PlatformName) -> OpenVino:
        """Return the platform with the options of ``name``."""
        target = TARGETS[name.name]
        name, options = read_options(name, Options if target is CPU else NoOptions)
        return OpenVino(name, target, getattr(options, "threads", 1))


class OpenVino:
    """OpenVINO on one device; with one thread and stream the CPU computes in the calling thread."""

    def __init__(self, name: PlatformName, target: Target, threads: int) -> None:
        self._name = name
        self._target = target
        self._threads = threads

    def info(self) -> PlatformInfo:
        """Return device, version and precisions."""
        return self._target.runtime.info(self._name, self._threads)

    def supports(self, workload: Workload) -> str:
        """Refuse precisions there is no converted form for."""
        return self._target.runtime.refusal(workload)

    def load(self) -> None:
        """Load OpenVINO and the device's plugin."""
        _core(self._target)

    def prepare(
        self, workload: Workload, *, seed: int, instrumentation: Instrumentation
    ) -> OpenVinoDeployment:
        """Return an inference request over the compiled graph, its precision verified."""
        graph = build(workload)
        hints: dict[str, Any] = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": dict(self._target.hints)[workload.precision],
            "PERF_COUNT": instrumentation.profile,
        }
        if self._target is CPU:
            hints |= {"NUM_STREAMS": "1", "INFERENCE_NUM_THREADS": self._threads}
        with loadable(graph, seed, workload.precision) as model:
            deployment = OpenVinoDeployment(graph, model, hints, self._target)
        if self._threads > 1 or self._target is not CPU:
            deployment.counter = resource.RUSAGE_SELF
        return deployment


class OpenVinoDeployment(TimedDeployment):
    """A compiled model and one inference request whose tensors are shared with numpy."""

    def __init__(
        self, graph: Graph, model: Model, hints: dict[str, Any], target: Target = CPU
    ) -> None:
        start = time.perf_counter()
        core, openvino = _core(target), _openvino()
        self._target = target
        try:
            self._compiled: Any = core.compile_model(core.read_model(model), target.device, hints)
        except RuntimeError as exc:
            raise PlatformError(f"openvino refuses the graph: {exc}") from exc
        self._request: Any = self._compiled.create_infer_request()
        self.load_s = time.perf_counter() - start
        self._outputs = {
            tensor.name: np.empty(tensor.shape, tensor.dtype) for tensor in graph.outputs
        }
        for name, array in self._outputs.items():
            self._request.set_tensor(name, openvino.Tensor(array, shared_memory=True))
        self._inputs: Arrays = {}
        self._graph = graph
        self._profile = Profile() if hints.get("PERF_COUNT") else None

    def bind(self, inputs: Arrays) -> None:
        """Share the inputs' memory with the request."""
        openvino = _openvino()
        self._inputs = inputs  # the request reads this memory at each call
        for name, array in inputs.items():
            self._request.set_tensor(name, openvino.Tensor(array, shared_memory=True))

    def call(self) -> None:
        """Infer once; without shared outputs every call would copy them."""
        self._request.infer(share_outputs=True)
        if self._profile:
            self._profile.note(self._request.profiling_info)

    def executed(self) -> tuple[ExecutedNode, ...]:
        """Return the nodes of the compiled graph that take part in an inference."""
        if self._target.runtime.tells == "none":
            return ()
        times = self._profile.times_s() if self._profile else {}
        return attribute(self._graph, seen(self._compiled.get_runtime_model(), times))

    def outputs(self) -> dict[str, np.ndarray]:
        """Return copies of the shared outputs."""
        return {name: array.copy() for name, array in self._outputs.items()}

    def close(self) -> None:
        """Drop request and model."""
        self._request = self._compiled = None
        self._outputs, self._inputs = {}, {}


@functools.cache
def _core(target: Target) -> Any:
    """Return the process's entry to OpenVINO, whose plugins take a while to load.

    Raises:
        PlatformUnavailable: If OpenVINO or the device's plugin does not load, or has no device.
    """
    core = _openvino().Core()
    try:
        core.get_property(target.device, "FULL_DEVICE_NAME")  # loads the plugin
    except RuntimeError as exc:
        fault = str(exc).strip().splitlines()[-1]
        if isinstance(target.runtime, DeviceRuntime):
            raise PlatformUnavailable(
                f"OpenVINO finds no {target.runtime.device.kind}: {fault}",
                remedy=target.runtime.device.remedy,
            ) from exc
        raise broken_package("openvino", fault) from exc
    return core


def _openvino() -> Any:
    return load_package("openvino", ("Core", "Tensor"))


family = OpenVinoFamily()
