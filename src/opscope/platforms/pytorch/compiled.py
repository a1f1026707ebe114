"""PyTorch on the processor, compiled: `torch.compile` with inductor, its kernels built by g++."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import time
import warnings
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from opscope.convert.torch import Sources, as_module, sources_of
from opscope.core.configuration import Precision
from opscope.core.platform import PlatformInfo
from opscope.core.readings import Samples
from opscope.core.study import Instrumentation
from opscope.errors import PlatformError, PlatformUnavailable
from opscope.graph import Graph
from opscope.platforms.base import ExecutedNode
from opscope.platforms.execution import attribute
from opscope.platforms.family import RuntimePlatform
from opscope.platforms.packages import load_package, muted
from opscope.platforms.pytorch.deployment import TorchDeployment, in_format, refusal, runtime
from opscope.platforms.pytorch.eager import YesNo
from opscope.platforms.pytorch.lowering import with_layers
from opscope.platforms.runtimes import THREADS, CpuOptions, CpuRuntime

_QUANTIZER = "torchao"


class CompileRuntime(CpuRuntime, frozen=True, kw_only=True):
    """PyTorch with inductor, as data: it takes a C++ compiler, too."""

    def absence(self) -> str:
        """Return why it is not available, with the remedy; PyTorch is not imported."""
        return super().absence() or ("" if _compiler() else _no_compiler())


RUNTIME = CompileRuntime(
    platform="pytorch-compile",
    family="pytorch",
    package="torch",
    description="PyTorch, compiled by inductor",
    precisions=(Precision.FP32, Precision.BF16, Precision.INT8),
    makers=((Precision.INT8, _QUANTIZER),),
    options=(
        THREADS,
        (
            "freezing",
            "whether weights are constants, so that BatchNorm is folded and oneDNN fuses (yes)",
        ),
    ),
)


class Options(CpuOptions, frozen=True, kw_only=True):
    """What ``pytorch-compile:…`` may say."""

    freezing: YesNo = "yes"


class PyTorchCompile(RuntimePlatform[Options]):
    """A network compiled as one graph for its input's shape: ``fullgraph=True, dynamic=False``.

    Weights are frozen unless the text says otherwise, as PyTorch advises for inference on
    processors; without, BatchNorm stays arithmetic and oneDNN packs weights at each call.
    """

    def info(self) -> PlatformInfo:
        """Return device, precisions and version, that of the C++ compiler among it."""
        info = super().info()
        return replace(info, runtime_version=f"{info.runtime_version} with {_compiler_version()}")

    def load(self) -> None:
        """Import PyTorch, and see that the C++ compiler starts."""
        runtime()
        _compiler_version()

    def deploy(
        self,
        graph: Graph,
        precision: Precision,
        seed: int,
        instrumentation: Instrumentation,  # noqa: ARG002 - its kernels' times are not told
    ) -> CompiledDeployment:
        """Return the compiled network, which tells its kernels."""
        from opscope.platforms.pytorch.inductor import refuse_recurrent

        module = as_module(graph, seed)
        refuse_recurrent(module)
        sources = sources_of(module)
        if precision is Precision.INT8:
            module, sources = _in_integers(graph, module, seed)
        deployment = CompiledDeployment(graph, precision, self.options)
        deployment.compile(module, sources, seed)
        return deployment


class CompiledDeployment(TorchDeployment):
    """A compiled network; should it be compiled again while it is timed, that is an error."""

    def __init__(self, graph: Graph, precision: Precision, options: Options) -> None:
        super().__init__(graph, precision, threads=options.threads)
        self._options = options
        self._executed: tuple[ExecutedNode, ...] = ()

    def compile(self, module: Any, sources: Sources, seed: int) -> None:
        """Compile the network for the graph's inputs.

        Raises:
            PlatformError: If inductor refuses it or takes it apart.
        """
        from opscope.platforms.pytorch.inductor import compile_whole

        start = time.perf_counter()
        settings = {"freezing": self._options.freezing == "yes"}
        self.bind(self._graph.draw_inputs(seed))
        with self._inferring():
            network, steps = compile_whole(
                in_format(module, self._precision), self._inputs, sources, settings=settings
            )
        self._network = network
        self.load_s = time.perf_counter() - start
        self._executed = attribute(self._graph, with_layers(self._graph, steps))

    def executed(self) -> tuple[ExecutedNode, ...]:
        """Return the kernels that inductor lowered the network to, without their times."""
        return self._executed

    def sample(self, count: int) -> Samples:
        """Return ``count`` timed calls of what was compiled when it was prepared.

        Raises:
            PlatformError: If PyTorch compiled it anew meanwhile.
        """
        from opscope.platforms.pytorch.inductor import graphs

        before = graphs()
        samples = super().sample(count)
        if graphs() != before:
            raise PlatformError("PyTorch compiled the network again while it was timed")
        return samples


def _in_integers(graph: Graph, module: Any, seed: int) -> tuple[Any, Sources]:
    """Return the module in INT8, with the sources of its nodes."""
    with muted(), warnings.catch_warnings():  # torchao tells of CUDA libraries and what is to come
        warnings.simplefilter("ignore")
        load_package(_QUANTIZER)
        from opscope.convert.torch.quantization import quantised_module

        try:
            return quantised_module(graph, module, seed)
        except Exception as exc:  # the exporter and torchao raise types of their own
            raise refusal(exc, _QUANTIZER) from exc


def _compiler() -> str | None:
    """Return the C++ compiler that inductor would call."""
    return shutil.which(os.environ.get("CXX", "g++"))


def _no_compiler() -> str:
    name = os.environ.get("CXX", "g++")
    return f"inductor needs the C++ compiler {name}, which is missing; install Debian's package g++"


@functools.cache
def _compiler_version() -> str:
    """Return the C++ compiler's name and version.

    Raises:
        PlatformUnavailable: If there is none or it does not start.
    """
    compiler = _compiler()
    if compiler is None:
        raise PlatformUnavailable(_no_compiler())
    try:
        version = subprocess.run(
            [compiler, "-dumpfullversion", "-dumpversion"],
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError) as exc:
        raise PlatformUnavailable(
            f"the C++ compiler {compiler} does not start: {exc}",
            remedy="Install Debian's package g++.",
        ) from exc
    return f"{Path(compiler).name} {version.stdout.strip()}"
