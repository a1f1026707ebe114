"""PyTorch on NVIDIA's GPUs: eager, compiled, or as a CUDA graph; CUDA's events time it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from opscope.convert.torch import as_module, sources_of
from opscope.core.configuration import Precision
from opscope.core.readings import DeviceState, Samples
from opscope.core.record import Record
from opscope.core.study import Instrumentation
from opscope.graph import Graph
from opscope.platforms.base import ExecutedNode
from opscope.platforms.cuda import GRAPH, L2, Cache, CudaRuntime, Evictor, gauge, started, timed
from opscope.platforms.devices import NVIDIA_GPU
from opscope.platforms.execution import attribute
from opscope.platforms.family import RuntimePlatform
from opscope.platforms.pytorch.deployment import TorchDeployment, in_format, refusal, runtime
from opscope.platforms.pytorch.eager import YesNo
from opscope.platforms.pytorch.lowering import with_layers

_WARM = 3
"""Calls before a CUDA graph is recorded, so that libraries have chosen their kernels."""


RUNTIME = CudaRuntime(
    platform="pytorch-cuda",
    family="pytorch",
    package="torch",
    description="PyTorch on the first NVIDIA GPU",
    precisions=(Precision.FP32, Precision.BF16, Precision.FP16),
    options=(
        ("channels_last", "whether images and weights are in NHWC (no)"),
        ("inductor", "whether the network is compiled (no)"),
        GRAPH,
        L2,
    ),
    device=NVIDIA_GPU,
)


class Options(Record, frozen=True, kw_only=True):
    """What ``pytorch-cuda:…`` may say."""

    channels_last: YesNo = "no"
    inductor: YesNo = "no"
    graph: YesNo = "no"
    l2: Cache = "warm"


class PyTorchCuda(RuntimePlatform[Options]):
    """PyTorch on the first GPU that CUDA shows. FP32 is FP32: TF32 is off."""

    def load(self) -> None:
        """Import PyTorch and start CUDA, its short-cuts through FP32 off.

        Raises:
            PlatformUnavailable: If CUDA does not start.
        """
        torch = runtime()
        started(torch)
        torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.allow_tf32 = False

    def deploy(
        self, graph: Graph, precision: Precision, seed: int, instrumentation: Instrumentation
    ) -> CudaDeployment:
        """Return the graph's module on the GPU, called as the options say."""
        module = as_module(graph, seed)
        deployment = CudaDeployment(graph, precision, self.options)
        deployment.place(module, seed, profile=instrumentation.profile)
        return deployment


class CudaDeployment(TorchDeployment):
    """A network on the GPU; its inputs lie there before it is timed."""

    def __init__(self, graph: Graph, precision: Precision, options: Options) -> None:
        super().__init__(graph, precision, threads=1)
        self._options = options
        self._module: Any = None
        self._recorded: Any = None
        self._executed: tuple[ExecutedNode, ...] | None = None
        self._evictor: Evictor | None = None

    def place(self, module: Any, seed: int, *, profile: bool) -> None:
        """Bring the network onto the GPU, compile it if asked to, and call it once.

        Raises:
            PlatformError: If PyTorch refuses it.
        """
        from opscope.platforms.pytorch.stepping import Stopwatch, step_through

        start = time.perf_counter()
        cuda = self._torch.cuda
        self._watch = Stopwatch(cuda.synchronize)
        self._module = self._taken(module)
        self.bind(self._graph.draw_inputs(seed))
        if self._options.inductor == "yes":
            from opscope.platforms.pytorch.inductor import compile_whole, refuse_recurrent

            refuse_recurrent(module)
            with self._inferring():
                network, steps = compile_whole(
                    self._module, self._inputs, sources_of(module), settings={}
                )
            self._network, self._executed = (
                network,
                attribute(self._graph, with_layers(self._graph, steps)),
            )
        elif profile:
            self._network = lambda *inputs: step_through(self._module, inputs, self._watch.around)
        else:
            self._network = self._module
        try:
            self.call()
        except RuntimeError as exc:
            raise refusal(exc, "PyTorch") from exc
        self.load_s = time.perf_counter() - start

    def bind(self, inputs: Any) -> None:
        """Copy the inputs to the GPU, and record the graph of a call on them if asked to."""
        super().bind(inputs)
        self._recorded = None
        if self._options.graph == "yes" and self._network is not None:
            with self._inferring():
                self._recorded, self._results = record(self._torch.cuda, self._launch)

    def call(self) -> None:
        """Run the network once and wait for the GPU."""
        super().call()
        self._torch.cuda.synchronize()

    def sample(self, count: int) -> Samples:
        """Return ``count`` calls, each between two events on the GPU's own clock."""
        if self._options.l2 == "flushed" and self._evictor is None:
            self._evictor = Evictor(self._torch)
        with self._inferring():
            return timed(self._torch.cuda, self._run, count, self._evictor)

    def device_state(self) -> DeviceState:
        """Return the GPU's clocks, temperature and power."""
        return gauge()()

    def executed(self) -> tuple[ExecutedNode, ...]:
        """Return the kernels: those compiled, or those that each of the module's nodes calls."""
        from opscope.platforms.pytorch.stepping import executed

        if self._executed is None:
            with self._inferring():
                self._executed = executed(self._module, self._inputs, self._watch)
        return self._executed

    def close(self) -> None:
        """Drop everything on the GPU."""
        super().close()
        self._module = self._recorded = self._evictor = None
        self._torch.cuda.empty_cache()

    def _run(self) -> None:
        if self._recorded is None:
            self._launch()
        else:
            self._recorded.replay()

    def _launch(self) -> Any:
        super()._run()
        return self._results

    def _taken(self, value: Any) -> Any:
        last = self._options.channels_last == "yes"
        return in_format(value, self._precision, channels_last=last).to("cuda")


def record(cuda: Any, launch: Callable[[], Any]) -> tuple[Any, Any]:
    """Return a CUDA graph of what ``launch`` launches, and the tensors that each replay fills.

    Raises:
        PlatformError: If something in it cannot be recorded.
    """
    aside = cuda.Stream()
    aside.wait_stream(cuda.current_stream())
    with cuda.stream(aside):
        for _ in range(_WARM):
            launch()
    cuda.current_stream().wait_stream(aside)
    recorded = cuda.CUDAGraph()
    try:
        with cuda.graph(recorded):
            results = launch()
    except RuntimeError as exc:
        raise refusal(exc, "CUDA's graph recorder") from exc
    return recorded, results
