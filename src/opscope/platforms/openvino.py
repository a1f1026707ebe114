"""The openvino family: ONNX graphs compiled by OpenVINO for a CPU, a GPU or an NPU."""

from __future__ import annotations

import functools
import sys
import time
from types import ModuleType
from typing import Any, cast

import numpy as np

from opscope.core.configuration import Precision
from opscope.core.record import Record
from opscope.core.study import Instrumentation
from opscope.errors import PlatformError, PlatformUnavailable
from opscope.graph import Graph
from opscope.platforms.base import Arrays, ExecutedNode, TimedDeployment
from opscope.platforms.devices import INTEL_GPU, INTEL_NPU
from opscope.platforms.execution import attribute
from opscope.platforms.family import Member, RuntimeFamily, RuntimePlatform
from opscope.platforms.loading import Model, loadable
from opscope.platforms.openvino_profile import Profile, seen
from opscope.platforms.packages import broken_package, load_package
from opscope.platforms.runtimes import (
    CpuOptions,
    CpuRuntime,
    DeviceRuntime,
    NoOptions,
    TimedRuntime,
)


class Target(Record, frozen=True, kw_only=True):
    """One device of OpenVINO as a platform.

    Attributes:
        device: What OpenVINO calls it.
        hints: The precision it is told to execute in what is not quantised in the graph itself, for
            each precision that may be asked for. Left alone, CPUs that can would run FP32 graphs in
            BF16, and GPUs in FP16.
    """

    runtime: TimedRuntime
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


class OpenVino(RuntimePlatform[CpuOptions | NoOptions]):
    """OpenVINO on one device; with one thread and stream the CPU computes in the calling thread."""

    @property
    def target(self) -> Target:
        """The device that the platform stands for."""
        return TARGETS[self.runtime.platform]

    def load(self) -> None:
        """Load OpenVINO and the device's plugin."""
        _core(self.target)

    def deploy(
        self, graph: Graph, precision: Precision, seed: int, instrumentation: Instrumentation
    ) -> OpenVinoDeployment:
        """Return an inference request over the compiled graph, its precision verified."""
        hints: dict[str, Any] = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": dict(self.target.hints)[precision],
            "PERF_COUNT": instrumentation.profile,
        }
        if self.target is CPU:
            hints |= {"NUM_STREAMS": "1", "INFERENCE_NUM_THREADS": self.threads}
        with loadable(graph, seed, precision) as model:
            return OpenVinoDeployment(graph, model, hints, self.target)


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
    # When loaded it would report its use over the network, unasked, if it found this package.
    sys.modules.setdefault("openvino_telemetry", cast("ModuleType", None))
    return load_package("openvino", ("Core", "Tensor"))


family = RuntimeFamily(
    Member(OpenVino, CPU.runtime, CpuOptions),
    *(Member(OpenVino, target.runtime, NoOptions) for target in (GPU, NPU)),
)
