"""The openvino family: ONNX graphs compiled by OpenVINO. Its CPU device only, so far."""

from __future__ import annotations

import functools
import importlib.metadata
import resource
import time
from typing import Annotated, Any

import msgspec
import numpy as np

from opscope.core.configuration import Precision, Workload
from opscope.core.platform import Origin, PlatformInfo, PlatformListing, PlatformName
from opscope.core.record import Record
from opscope.core.study import Instrumentation
from opscope.errors import PlatformError
from opscope.graph import Graph, build
from opscope.platforms import cpu
from opscope.platforms.base import Arrays, TimedDeployment, read_options
from opscope.platforms.packages import broken_package, load_package, missing_package

_EXECUTED = {Precision.FP32: "f32"}
"""The precision OpenVINO is told to execute in, and must be seen to have executed in."""

_NO_ARITHMETIC = {"Input", "Output", "Const", "Reorder", "Reshape"}
"""Node types of the compiled graph that only carry data."""


class Options(Record, frozen=True, kw_only=True):
    """What ``openvino-cpu:…`` may say."""

    threads: Annotated[int, msgspec.Meta(ge=1, le=1024)] = 1


class OpenVinoFamily:
    """Intel's OpenVINO with its CPU plugin."""

    def listings(self) -> list[PlatformListing]:
        """Return its one platform."""
        reason = missing_package("openvino")
        return [
            PlatformListing(
                name="openvino-cpu",
                family="openvino",
                description="OpenVINO, CPU plugin (oneDNN)",
                available=not reason,
                reason=reason,
                precisions=(Precision.FP32,),
                origin=Origin.MEASURED,
                options=(("threads", "threads that compute one inference (1)"),),
            )
        ]

    def open(self, name: PlatformName) -> OpenVinoCpu:
        """Return the CPU platform with the options of ``name``."""
        return OpenVinoCpu(*read_options(name, Options))


class OpenVinoCpu:
    """OpenVINO on the CPU; with one thread and one stream it computes in the calling thread."""

    def __init__(self, name: PlatformName, options: Options) -> None:
        self._name = name
        self._options = options

    def info(self) -> PlatformInfo:
        """Return device, version and precisions."""
        device, extensions = cpu.describe()
        return PlatformInfo(
            name=str(self._name),
            family="openvino",
            device=device,
            runtime="openvino",
            runtime_version=importlib.metadata.version("openvino"),
            precisions=(Precision.FP32,),
            quantities=("latency_s",),
            origin=Origin.MEASURED,
            deployments="timed",
            threads=self._options.threads,
            instruction_set=extensions,
        )

    def supports(self, workload: Workload) -> str:
        """Refuse precisions there is no converted form for."""
        if workload.precision not in _EXECUTED:
            return f"openvino-cpu runs fp32 here, not {workload.precision}"
        return ""

    def load(self) -> None:
        """Load OpenVINO and its CPU plugin."""
        _core()

    def prepare(
        self, workload: Workload, *, seed: int, instrumentation: Instrumentation
    ) -> OpenVinoDeployment:
        """Return an inference request over the compiled graph, its precision verified."""
        graph = build(workload)
        model = graph.materialise(seed).SerializeToString()
        hints = {
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": "1",
            "INFERENCE_NUM_THREADS": self._options.threads,
            # On CPUs with BF16 units, OpenVINO would silently run FP32 graphs in BF16.
            "INFERENCE_PRECISION_HINT": _EXECUTED[workload.precision],
            "PERF_COUNT": instrumentation.profile,
        }
        deployment = OpenVinoDeployment(graph, model, hints)
        if self._options.threads > 1:
            deployment.counter = resource.RUSAGE_SELF
        deployment.verify(_EXECUTED[workload.precision])
        return deployment


class OpenVinoDeployment(TimedDeployment):
    """A compiled model and one inference request whose tensors are shared with numpy."""

    def __init__(self, graph: Graph, model: bytes, hints: dict[str, Any]) -> None:
        start = time.perf_counter()
        core, openvino = _core(), _openvino()
        try:
            self._compiled: Any = core.compile_model(core.read_model(model), "CPU", hints)
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

    def verify(self, precision: str) -> None:
        """Refuse a model of which a node that computes was compiled to another precision.

        Raises:
            PlatformError: Naming the node.
        """
        for node in self._compiled.get_runtime_model().get_ops():
            facts = {key: str(value.astype(str)) for key, value in _facts(node).items()}
            if facts.get("layerType", "Const") in _NO_ARITHMETIC:
                continue
            if facts["runtimePrecision"] != precision:
                raise PlatformError(
                    f"openvino compiled {node.get_friendly_name()} to "
                    f"{facts['runtimePrecision']} instead of {precision}"
                )

    def bind(self, inputs: Arrays) -> None:
        """Share the inputs' memory with the request."""
        openvino = _openvino()
        self._inputs = inputs  # the request reads this memory at each call
        for name, array in inputs.items():
            self._request.set_tensor(name, openvino.Tensor(array, shared_memory=True))

    def call(self) -> None:
        """Infer once; without shared outputs every call would copy them."""
        self._request.infer(share_outputs=True)

    def outputs(self) -> dict[str, np.ndarray]:
        """Return copies of the shared outputs."""
        return {name: array.copy() for name, array in self._outputs.items()}

    def close(self) -> None:
        """Drop request and model."""
        self._request = self._compiled = None
        self._outputs, self._inputs = {}, {}


def _facts(node: Any) -> dict[str, Any]:
    """Return what OpenVINO says of how a node is executed; nothing of one that is not."""
    info = node.get_rt_info()
    return {key: info[key] for key in ("layerType", "runtimePrecision") if key in info}


@functools.cache
def _core() -> Any:
    """Return the process's one entry to OpenVINO, whose plugins take a while to load.

    Raises:
        PlatformUnavailable: If OpenVINO or its CPU plugin does not load.
    """
    core = _openvino().Core()
    try:
        core.get_property("CPU", "FULL_DEVICE_NAME")  # loads the plugin
    except RuntimeError as exc:
        raise broken_package("openvino", str(exc).strip().splitlines()[-1]) from exc
    return core


def _openvino() -> Any:
    return load_package("openvino", ("Core", "Tensor"))


family = OpenVinoFamily()
