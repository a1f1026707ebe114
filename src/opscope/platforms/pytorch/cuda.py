"""PyTorch on NVIDIA's GPUs: eager, compiled, or as a CUDA graph; CUDA's events time it."""

from __future__ import annotations

import importlib.metadata
import re
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from msgspec.structs import replace

from opscope.convert.torch import as_module, sources_of
from opscope.core.configuration import Precision
from opscope.core.platform import PlatformInfo
from opscope.core.readings import Samples
from opscope.core.record import Record
from opscope.core.study import Instrumentation
from opscope.errors import PlatformUnavailable
from opscope.graph import Graph
from opscope.platforms.base import ExecutedNode
from opscope.platforms.devices import NVIDIA_GPU
from opscope.platforms.execution import attribute
from opscope.platforms.family import RuntimePlatform
from opscope.platforms.packages import missing_package
from opscope.platforms.pytorch.deployment import TorchDeployment, in_format, refusal, runtime
from opscope.platforms.pytorch.eager import YesNo
from opscope.platforms.pytorch.lowering import with_layers
from opscope.platforms.runtimes import DeviceRuntime

CLOCK = "CUDA events"

_DRIVER = Path("/proc/driver/nvidia/version")
_WARM = 3
"""Calls before a CUDA graph is recorded, so that libraries have chosen their kernels."""


class CudaRuntime(DeviceRuntime, frozen=True, kw_only=True):
    """PyTorch on a GPU, as data: it takes a build of PyTorch for CUDA, too."""

    def absence(self) -> str:
        """Return why it is not available, with the remedy; PyTorch is not imported."""
        reasons = [super().absence()]
        if not missing_package(self.package):
            reasons.append(_unfit(importlib.metadata.version(self.package)))
        return " ".join(filter(None, reasons))


RUNTIME = CudaRuntime(
    platform="pytorch-cuda",
    family="pytorch",
    package="torch",
    description="PyTorch on the first NVIDIA GPU",
    precisions=(Precision.FP32, Precision.BF16, Precision.FP16),
    options=(
        ("channels_last", "whether images and weights are in NHWC (no)"),
        ("inductor", "whether the network is compiled (no)"),
        ("graph", "whether it is replayed as one CUDA graph, without launches (no)"),
        ("l2", "whether its cache is warm or flushed before each call (warm)"),
    ),
    device=NVIDIA_GPU,
)


class Options(Record, frozen=True, kw_only=True):
    """What ``pytorch-cuda:…`` may say."""

    channels_last: YesNo = "no"
    inductor: YesNo = "no"
    graph: YesNo = "no"
    l2: Literal["warm", "flushed"] = "warm"


class PyTorchCuda(RuntimePlatform[Options]):
    """PyTorch on the first GPU that CUDA shows. FP32 is FP32: TF32 is off."""

    def info(self) -> PlatformInfo:
        """Return device, versions of PyTorch and of the driver, and precisions."""
        info = super().info()
        return replace(info, runtime_version=f"{info.runtime_version} with {_driver(_DRIVER)}")

    def load(self) -> None:
        """Import PyTorch and start CUDA, its short-cuts through FP32 off.

        Raises:
            PlatformUnavailable: If CUDA does not start.
        """
        torch = runtime()
        if not torch.cuda.is_available():
            raise PlatformUnavailable(
                "PyTorch finds no CUDA device",
                remedy="See that nvidia-smi lists one, and that its driver suits this PyTorch.",
            )
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
        flush = self._flush if self._options.l2 == "flushed" else None
        with self._inferring():
            return timed(self._torch.cuda, self._run, count, flush)

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

    _evictor: Any = None

    def _flush(self) -> None:
        """Fill the L2 cache with other data."""
        if self._evictor is None:
            size = self._torch.cuda.get_device_properties(0).L2_cache_size
            self._evictor = self._torch.empty(2 * size, dtype=self._torch.uint8, device="cuda")
        self._evictor.zero_()


def timed(
    cuda: Any, run: Callable[[], Any], count: int, flush: Callable[[], None] | None
) -> Samples:
    """Return ``count`` calls of ``run``, each between two events; the GPU idles before each.

    Args:
        cuda: What `torch.cuda` offers.
        run: Launches one call.
        count: How many.
        flush: Launches what empties caches before a call, outside its events.
    """
    durations, preemptions = [], []
    usage, thread = resource.getrusage, resource.RUSAGE_THREAD
    for _ in range(count):
        start, end = (cuda.Event(enable_timing=True) for _ in range(2))
        if flush:
            flush()
        cuda.synchronize()
        before = usage(thread).ru_nivcsw
        start.record()
        run()
        end.record()
        end.synchronize()
        preemptions.append(usage(thread).ru_nivcsw - before)
        durations.append(start.elapsed_time(end) / 1e3)
    return Samples(durations_s=tuple(durations), preemptions=tuple(preemptions), clock=CLOCK)


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


def _unfit(version: str) -> str:
    """Return why a build of PyTorch cannot use a GPU, with what mends it, or nothing if it can."""
    if not version.endswith("+cpu"):
        return ""
    wanted = version.removesuffix("+cpu")
    return (
        f"This PyTorch is the CPU build {version}; install one for CUDA with: "
        f"pip install --force-reinstall 'torch=={wanted}'"
    )


def _driver(path: Path) -> str:
    """Return the version of NVIDIA's driver, as the driver tells it."""
    try:
        told = path.read_text(encoding="utf-8")
    except OSError:
        return "an unknown driver"
    found = re.search(r"\b\d+\.\d+(?:\.\d+)?\b", told)
    return f"driver {found[0]}" if found else "an unknown driver"
