"""The openvino family: ONNX graphs compiled by OpenVINO. Its CPU device only, so far."""

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
from opscope.errors import PlatformError
from opscope.graph import Graph, build
from opscope.platforms.base import Arrays, ExecutedNode, TimedDeployment, read_options
from opscope.platforms.execution import Seen, attribute
from opscope.platforms.loading import Model, loadable
from opscope.platforms.packages import broken_package, load_package
from opscope.platforms.runtimes import CpuRuntime, Threads

_HINTS = {
    Precision.FP32: "f32",
    Precision.BF16: "bf16",
    Precision.INT8: "f32",
}
"""The precision OpenVINO is told to execute in what is not quantised in the graph itself."""

_NO_ARITHMETIC = {"Input", "Output", "Const", "Convert", "Reorder", "Reshape"}
"""Node types of the compiled graph that only carry data."""

_FORMATS = {"f32": "f32", "f16": "f16", "bf16": "bf16", "i8": "i8", "u8": "i8"}
"""Formats that a node computes in; others are of indices and conditions."""

_UNBIASED = "/WithoutBiases"
"""What OpenVINO adds to the name of a layer whose bias it takes off, to fuse it again."""

_FACTS = ("layerType", "originalLayersNames", "runtimePrecision")
"""What OpenVINO says of each node of the compiled graph."""

RUNTIME = CpuRuntime(
    platform="openvino-cpu",
    family="openvino",
    package="openvino",
    description="OpenVINO, CPU plugin (oneDNN)",
    precisions=tuple(_HINTS),
)


class Options(Record, frozen=True, kw_only=True):
    """What ``openvino-cpu:…`` may say."""

    threads: Threads = 1


class OpenVinoFamily:
    """Intel's OpenVINO with its CPU plugin."""

    def listings(self) -> list[PlatformListing]:
        """Return its one platform."""
        return [RUNTIME.listing()]

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
        return RUNTIME.info(self._name, self._options.threads)

    def supports(self, workload: Workload) -> str:
        """Refuse precisions there is no converted form for."""
        return RUNTIME.refusal(workload)

    def load(self) -> None:
        """Load OpenVINO and its CPU plugin."""
        _core()

    def prepare(
        self, workload: Workload, *, seed: int, instrumentation: Instrumentation
    ) -> OpenVinoDeployment:
        """Return an inference request over the compiled graph, its precision verified."""
        graph = build(workload)
        hints = {
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": "1",
            "INFERENCE_NUM_THREADS": self._options.threads,
            # On CPUs with BF16 units, OpenVINO would silently run FP32 graphs in BF16.
            "INFERENCE_PRECISION_HINT": _HINTS[workload.precision],
            "PERF_COUNT": instrumentation.profile,
        }
        with loadable(graph, seed, workload.precision) as model:
            deployment = OpenVinoDeployment(graph, model, hints)
        if self._options.threads > 1:
            deployment.counter = resource.RUSAGE_SELF
        return deployment


class OpenVinoDeployment(TimedDeployment):
    """A compiled model and one inference request whose tensors are shared with numpy."""

    def __init__(self, graph: Graph, model: Model, hints: dict[str, Any]) -> None:
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
        times = self._profile.times_s() if self._profile else {}
        seen: list[Seen] = []
        constant: set[str] = set()
        for node in self._compiled.get_runtime_model().get_ordered_ops():
            name, info = node.get_friendly_name(), node.get_rt_info()
            kind, names, executed = (str(info[key].astype(str)) for key in _FACTS)
            takes = [value.get_node().get_friendly_name() for value in node.input_values()]
            if kind == "Const" or (takes and constant.issuperset(takes)):
                constant.add(name)  # computed once, when the model was compiled
            elif kind not in {"Input", "Output"}:
                seen.append(
                    Seen(
                        name=name,
                        kind=kind,
                        names=tuple(n.removesuffix(_UNBIASED) for n in names.split(",")),
                        takes=tuple(takes),
                        yields=(name,),
                        added=kind == "Reorder",
                        format="" if kind in _NO_ARITHMETIC else _FORMATS.get(executed, ""),
                        time_s=times.get(name),
                    )
                )
        return attribute(self._graph, seen)

    def outputs(self) -> dict[str, np.ndarray]:
        """Return copies of the shared outputs."""
        return {name: array.copy() for name, array in self._outputs.items()}

    def close(self) -> None:
        """Drop request and model."""
        self._request = self._compiled = None
        self._outputs, self._inputs = {}, {}


class Profile:
    """Times of nodes from their running averages, which are all that OpenVINO tells.

    The averages begin with the first, slow call, so the earlier half of the calls is taken off.
    They are in whole microseconds, and so is what is left, give or take two.
    """

    def __init__(self) -> None:
        self._calls = 0
        self._averages: dict[int, dict[str, float]] = {}

    def note(self, infos: Any) -> None:
        """Note the averages after a call: the latest, and those at each power of two."""
        if self._calls & (self._calls - 1):
            del self._averages[self._calls]
        self._calls += 1
        self._averages[self._calls] = {
            info.node_name: info.real_time.total_seconds() for info in infos
        }

    def times_s(self) -> dict[str, float]:
        """Return each node's mean time over the later half of the calls, or somewhat more."""
        now = self._calls
        early = max((calls for calls in self._averages if 2 * calls <= now), default=0)
        before = self._averages.get(early, {})
        return {
            name: max(0.0, (now * average - early * before.get(name, 0.0)) / (now - early))
            for name, average in self._averages.get(now, {}).items()
        }


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
