"""PyTorch on the processor, eager: each operator is called by itself, nothing is fused."""

from __future__ import annotations

import time
from typing import Any, Literal

from opscope.convert.torch import as_module
from opscope.core.configuration import Precision
from opscope.core.platform import PlatformName
from opscope.core.study import Instrumentation
from opscope.errors import ConfigurationError
from opscope.graph import Graph
from opscope.platforms.base import ExecutedNode
from opscope.platforms.family import RuntimePlatform
from opscope.platforms.pytorch.deployment import TorchDeployment, in_format, runtime
from opscope.platforms.runtimes import THREADS, CpuOptions, CpuRuntime, TimedRuntime

YesNo = Literal["yes", "no"]

RUNTIME = CpuRuntime(
    platform="pytorch-cpu",
    family="pytorch",
    package="torch",
    description="PyTorch, eager",
    precisions=(Precision.FP32, Precision.BF16),
    options=(
        THREADS,
        ("channels_last", "whether images and weights are in NHWC (no)"),
        ("onednn", "whether oneDNN's own layout is forced on whatever oneDNN supports (no)"),
    ),
)


class Options(CpuOptions, frozen=True, kw_only=True):
    """What ``pytorch-cpu:…`` may say."""

    channels_last: YesNo = "no"
    onednn: YesNo = "no"


class PyTorchCpu(RuntimePlatform[Options]):
    """PyTorch as it comes; it chooses between oneDNN and its own kernels for each operator.

    With ``onednn=yes`` tensors stay in oneDNN's layout from one operator that it supports to the
    next, and are brought into PyTorch's and back around the others: the modified model of the
    form-follows-function study, Sec. 2.3. What these changes of layout cost, the steps
    ``to_mkldnn`` and ``to_dense`` of `EagerDeployment.executed` say.
    """

    def __init__(self, name: PlatformName, runtime: TimedRuntime, options: Options) -> None:
        if options.channels_last == options.onednn == "yes":
            raise ConfigurationError(
                "channels_last and onednn are two layouts", where=str(name), remedy="Use one."
            )
        super().__init__(name, runtime, options)

    def load(self) -> None:
        """Import PyTorch."""
        runtime()

    def deploy(
        self, graph: Graph, precision: Precision, seed: int, instrumentation: Instrumentation
    ) -> EagerDeployment:
        """Return the graph's module in the precision and layout asked for."""
        module = as_module(graph, seed)
        return EagerDeployment(graph, module, precision, self.options, instrumentation)


class EagerDeployment(TorchDeployment):
    """A module that is called as it is; node by node if it is profiled."""

    def __init__(
        self,
        graph: Graph,
        module: Any,
        precision: Precision,
        options: Options,
        instrumentation: Instrumentation,
    ) -> None:
        super().__init__(graph, precision, threads=options.threads)
        from opscope.platforms.pytorch.stepping import Stopwatch

        self._channels_last = options.channels_last == "yes"
        start = time.perf_counter()
        self._module: Any = in_format(module, precision, channels_last=self._channels_last)
        if options.onednn == "yes":
            from opscope.convert.torch.onednn import in_onednn_layout

            self._module = in_onednn_layout(self._module)
        self.load_s = time.perf_counter() - start
        self._watch = Stopwatch()
        self._network = self._stepped if instrumentation.profile else self._module
        self._executed: tuple[ExecutedNode, ...] | None = None

    def executed(self) -> tuple[ExecutedNode, ...]:
        """Return a step for each of the module's nodes, its kernel read off one more call."""
        from opscope.platforms.pytorch.stepping import executed

        if self._executed is None:
            with self._inferring():
                self._executed = executed(self._module, self._inputs, self._watch)
        return self._executed

    def close(self) -> None:
        """Drop the module, too."""
        super().close()
        self._module = None

    def _taken(self, tensor: Any) -> Any:
        return in_format(tensor, self._precision, channels_last=self._channels_last)

    def _stepped(self, *inputs: Any) -> Any:
        from opscope.platforms.pytorch.stepping import step_through

        return step_through(self._module, inputs, self._watch.around)
