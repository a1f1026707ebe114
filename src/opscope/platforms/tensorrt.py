"""The tensorrt family: ONNX graphs that TensorRT builds engines of, on NVIDIA's GPUs.

Tensors, events and streams are PyTorch's: TensorRT takes addresses and a stream's handle, numpy has
no BF16, and so both platforms on these GPUs are timed by the same code.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

import numpy as np
from msgspec import Meta

from opscope.core.configuration import Precision
from opscope.core.readings import DeviceState, Samples
from opscope.core.record import Record
from opscope.core.study import Instrumentation
from opscope.errors import PlatformError
from opscope.graph import Graph
from opscope.platforms.base import Arrays, ExecutedNode, TimedDeployment
from opscope.platforms.cuda import GRAPH, L2, Cache, CudaRuntime, Evictor, gauge, started, timed
from opscope.platforms.devices import NVIDIA_GPU
from opscope.platforms.execution import attribute
from opscope.platforms.family import Member, RuntimeFamily, RuntimePlatform
from opscope.platforms.loading import loadable
from opscope.platforms.pytorch.cuda import record
from opscope.platforms.pytorch.deployment import runtime as pytorch
from opscope.platforms.pytorch.eager import YesNo
from opscope.platforms.tensorrt_engine import (
    PACKAGE,
    EngineBuilder,
    failure,
    fastest,
    runtime,
    tensorrt,
)
from opscope.platforms.tensorrt_profile import Times, seen

_WARM = 3
_TRIED = 10
"""Calls before an engine's short timing, and in it."""

RUNTIME = CudaRuntime(
    platform="tensorrt",
    family="tensorrt",
    package=PACKAGE,
    needs=("torch",),
    description="TensorRT on the first NVIDIA GPU",
    precisions=(Precision.FP32, Precision.BF16, Precision.FP16, Precision.INT8),
    options=(
        ("builds", "engines that are built, the fastest of which is deployed (3)"),
        GRAPH,
        L2,
    ),
    device=NVIDIA_GPU,
)


class Options(Record, frozen=True, kw_only=True):
    """What ``tensorrt:…`` may say."""

    builds: Annotated[int, Meta(ge=1, le=100)] = 3
    graph: YesNo = "no"
    l2: Cache = "warm"


class TensorRt(RuntimePlatform[Options]):
    """TensorRT on the first GPU that CUDA shows. FP32 is FP32: TF32 is off."""

    def load(self) -> None:
        """Import TensorRT and start CUDA.

        Raises:
            PlatformUnavailable: If one of them does not load or start.
        """
        tensorrt()
        started(pytorch())
        runtime()

    def deploy(
        self, graph: Graph, precision: Precision, seed: int, instrumentation: Instrumentation
    ) -> TensorRtDeployment:
        """Return the fastest of the engines that are built of the graph."""
        inputs = graph.draw_inputs(seed)
        start = time.perf_counter()
        with loadable(graph, seed, precision, typed=True) as model:
            builder = EngineBuilder(model)
            engine, builds_s = fastest(lambda: Engine(builder.build(), inputs), self.options.builds)
        profile = instrumentation.profile
        deployment = TensorRtDeployment(graph, engine, self.options, profile=profile)
        deployment.load_s = time.perf_counter() - start
        deployment.builds_s = builds_s if self.options.builds > 1 else ()
        return deployment


class Engine:
    """An engine, what it executes in, and its inputs and outputs on the GPU.

    Raises:
        PlatformError: If the GPU has no room for it.
    """

    def __init__(self, engine: Any, inputs: Arrays) -> None:
        trt, self._torch = tensorrt(), pytorch()
        self._engine = engine
        self._context = engine.create_execution_context()
        if self._context is None:
            raise failure("TensorRT has no room to execute the engine")
        self._context.nvtx_verbosity = trt.ProfilingVerbosity.NONE  # which would take time
        self.stream = self._torch.cuda.Stream()  # the default one makes TensorRT wait
        types = tensor_types(trt, self._torch)
        self.tensors: dict[str, Any] = {}
        for number in range(engine.num_io_tensors):
            name = engine.get_tensor_name(number)
            type_ = types[engine.get_tensor_dtype(name)]
            shape = tuple(engine.get_tensor_shape(name))
            tensor = self._torch.zeros(shape, dtype=type_, device="cuda")
            if not self._context.set_tensor_address(name, tensor.data_ptr()):
                raise failure(f"TensorRT does not take memory for {name}")
            self.tensors[name] = tensor
        self.fill(inputs)

    def fill(self, inputs: Arrays) -> None:
        """Copy the inputs to the GPU, in the engine's own formats."""
        for name, array in inputs.items():
            self.tensors[name].copy_(self._torch.from_numpy(array))
        self._torch.cuda.synchronize()

    def launch(self, stream: Any) -> None:
        """Launch a call.

        Raises:
            PlatformError: If TensorRT does not.
        """
        if not self._context.execute_async_v3(stream.cuda_stream):
            raise failure("TensorRT does not execute the engine")

    def time_s(self) -> float:
        """Return the duration of the fastest of a few calls."""
        cuda, run = self._torch.cuda, partial(self.launch, self.stream)
        with cuda.stream(self.stream):
            for _ in range(_WARM):
                run()
            return min(timed(cuda, run, _TRIED).durations_s)

    def profiled_by(self, profiler: Any) -> None:
        """Have every call tell the profiler how long each layer took."""
        self._context.profiler = profiler

    def information(self) -> str:
        """Return what the inspector says of the layers, in JSON."""
        inspector = self._engine.create_engine_inspector()
        inspector.execution_context = self._context
        said: str = inspector.get_engine_information(tensorrt().LayerInformationFormat.JSON)
        return said

    def close(self) -> None:
        """Drop everything on the GPU."""
        self._torch.cuda.synchronize()
        self.tensors = {}
        self._context = self._engine = None
        self._torch.cuda.empty_cache()


class TensorRtDeployment(TimedDeployment):
    """An engine whose inputs lie on the GPU before it is timed."""

    def __init__(self, graph: Graph, engine: Engine, options: Options, *, profile: bool) -> None:
        self._torch = pytorch()
        self._graph, self._engine = graph, engine
        self._run: Callable[[], Any] = partial(engine.launch, engine.stream)
        self._profiler: Any = None
        if profile:
            self._profiler = profiler(tensorrt())
            engine.profiled_by(self._profiler)
        elif options.graph == "yes":
            cuda = self._torch.cuda
            recorded, _ = record(cuda, lambda: engine.launch(cuda.current_stream()))
            self._run = recorded.replay
        self._evictor = Evictor(self._torch) if options.l2 == "flushed" else None

    def bind(self, inputs: Arrays) -> None:
        """Copy the inputs to the GPU, where the engine reads them at each call."""
        self._engine.fill(inputs)

    def call(self) -> None:
        """Run the engine once and wait for it."""
        with self._torch.cuda.stream(self._engine.stream):
            self._run()
        self._engine.stream.synchronize()

    def sample(self, count: int) -> Samples:
        """Return ``count`` calls, each between two events on the GPU's own clock."""
        with self._torch.cuda.stream(self._engine.stream):
            return timed(self._torch.cuda, self._run, count, self._evictor)

    def device_state(self) -> DeviceState:
        """Return the GPU's clocks, temperature and power."""
        return gauge()()

    def outputs(self) -> dict[str, np.ndarray]:
        """Return copies of the last call's outputs, in FP32 where the engine's format is less."""
        return {
            tensor.name: self._engine.tensors[tensor.name]
            .to("cpu")
            .to(getattr(self._torch, tensor.dtype))
            .numpy()
            for tensor in self._graph.outputs
        }

    def executed(self) -> tuple[ExecutedNode, ...]:
        """Return the engine's layers, as its inspector tells them."""
        times_s = self._profiler.times.times_s() if self._profiler else {}
        return attribute(self._graph, seen(self._engine.information(), times_s))

    def close(self) -> None:
        """Drop everything on the GPU."""
        self._run = _closed
        self._evictor = None
        self._engine.close()


def profiler(trt: Any) -> Any:
    """Return a profiler of TensorRT's that keeps ``times``."""

    class Profiler(trt.IProfiler):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.IProfiler.__init__(self)
            self.times = Times()

        def report_layer_time(self, layer_name: str, ms: float) -> None:
            self.times.note(layer_name, ms)

    return Profiler()


def tensor_types(trt: Any, torch: Any) -> dict[Any, Any]:
    """Return the types of PyTorch's tensors by those of TensorRT's."""
    types = trt.DataType
    return {
        types.FLOAT: torch.float32,
        types.HALF: torch.float16,
        types.BF16: torch.bfloat16,
        types.INT8: torch.int8,
        types.UINT8: torch.uint8,
        types.INT32: torch.int32,
        types.INT64: torch.int64,
        types.BOOL: torch.bool,
    }


def _closed() -> None:
    raise PlatformError("the deployment is closed")


family = RuntimeFamily(Member(TensorRt, RUNTIME, Options))
