"""The executorch family: programs lowered to XNNPACK, run by ExecuTorch's runtime."""

from __future__ import annotations

import re
import tempfile
import time
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from opscope.convert.executorch import executorch_program
from opscope.convert.quiet import quiet
from opscope.core.configuration import Precision
from opscope.core.study import Instrumentation
from opscope.errors import PlatformError
from opscope.graph import Graph
from opscope.platforms.base import Arrays, ExecutedNode, TimedDeployment
from opscope.platforms.execution import Seen, attribute, undisturbed
from opscope.platforms.family import Member, RuntimeFamily, RuntimePlatform
from opscope.platforms.ordering import PRODUCTS, chained, in_order
from opscope.platforms.packages import load_package
from opscope.platforms.runtimes import CpuOptions, CpuRuntime

RUNTIME = CpuRuntime(
    platform="executorch-xnnpack",
    family="executorch",
    package="executorch",
    needs=("torch", "torchao"),
    description="ExecuTorch with XNNPACK, CPU",
    precisions=(Precision.FP32, Precision.INT8),
    tells="profiled",
)

_CONVOLUTIONS = (*PRODUCTS, "BatchNormalization")
"""A BatchNorm by itself becomes a depthwise convolution."""

_OPERATORS: Mapping[str, tuple[str, ...]] = {
    "Add": ("Add",),
    "Average Pooling": ("AveragePool",),
    "Batch Matrix Multiply": _CONVOLUTIONS,
    "Clamp": ("Relu", "Clip"),
    "Convolution": _CONVOLUTIONS,
    "Deconvolution": _CONVOLUTIONS,
    "Dynamic Fully Connected": _CONVOLUTIONS,
    "Fully Connected": _CONVOLUTIONS,
    "GELU": ("Gelu",),
    "HardSwish": ("HardSwish",),
    "LeakyReLU": ("LeakyRelu",),
    "Max Pooling": ("MaxPool",),
    "Mean": ("GlobalAveragePool", "ReduceMean"),
    "Multiply": ("Mul",),
    "Sigmoid": ("Sigmoid",),
    "Softmax": ("Softmax",),
    "Subtract": ("Sub",),
}
"""Which operators of the graph a kernel of XNNPACK is made of, if one at a time."""

_FORMATS = {"F32": "f32", "F16": "f16", "BF16": "bf16", "QS8": "i8", "QU8": "i8", "QC8": "i8"}
"""Formats that a kernel's name may say it computes in, by how they begin."""

_CARRIES = ("Convert", "Copy", "Slice", "Static Reshape", "Transpose", "Constant Pad")
"""Kernels that only carry data, or change its format."""

_WHOLE = {"DELEGATE_CALL", "OPERATOR_CALL", "Method::execute"}
"""What is told of several steps at once."""


class ExecuTorchXnnpack(RuntimePlatform[CpuOptions]):
    """ExecuTorch on the CPU; with one thread it computes in the calling thread."""

    def load(self) -> None:
        """Import ExecuTorch's runtime."""
        _runtime()

    def deploy(
        self, graph: Graph, precision: Precision, seed: int, instrumentation: Instrumentation
    ) -> ExecuTorchDeployment:
        """Return the method of a program made of the graph."""
        if precision is Precision.INT8:
            _load("torchao", ("prepare_pt2e",), "torchao.quantization.pt2e.quantize_pt2e")
        program = executorch_program(graph, seed, precision)
        return ExecuTorchDeployment(graph, program, self.threads, instrumentation)


class ExecuTorchDeployment(TimedDeployment):
    """A loaded method, which reads its inputs where they are and keeps its outputs."""

    def __init__(
        self, graph: Graph, program: bytes, threads: int, instrumentation: Instrumentation
    ) -> None:
        self._graph = graph
        self._inputs: list[Any] = []
        self._called = False
        self._executed: tuple[ExecutedNode, ...] | None = None
        self._profiled = instrumentation.profile
        start = time.perf_counter()
        with quiet():
            runtime = _runtime()
            runtime._unsafe_reset_threadpool(threads)  # noqa: SLF001 - the one way there is
            try:
                self._program: Any = runtime._load_program_from_buffer(  # noqa: SLF001
                    program, enable_etdump=self._profiled
                )
                self._method: Any = self._program.load_method("forward")
            except RuntimeError as exc:
                raise PlatformError(f"ExecuTorch does not load the graph: {exc}") from exc
        self.load_s = time.perf_counter() - start

    def bind(self, inputs: Arrays) -> None:
        """Have the method read the inputs where they are."""
        torch = load_package("torch", ("from_numpy",))
        arrays = [np.ascontiguousarray(inputs[tensor.name]) for tensor in self._graph.inputs]
        self._inputs = [torch.from_numpy(array) for array in arrays]
        self._method.set_inputs(self._inputs)

    def call(self) -> None:
        """Run the method once."""
        self._method.execute()

    def outputs(self) -> dict[str, np.ndarray]:
        """Return copies of the last outputs."""
        results = self._method.get_outputs()
        return {
            tensor.name: np.array(result.numpy(), tensor.dtype).reshape(tensor.shape)
            for tensor, result in zip(self._graph.outputs, results, strict=True)
        }

    def executed(self) -> tuple[ExecutedNode, ...]:
        """Return the kernels that ran, and profile no more; nothing if it was never profiled."""
        if not self._profiled:
            return ()
        if self._executed is None:
            self._executed = attribute(self._graph, seen(self._graph, self._events()))
        return self._executed

    def close(self) -> None:
        """Drop method, program and inputs."""
        self._method = self._program = None
        self._inputs = []

    def _events(self) -> list[tuple[str, list[float]]]:
        """Return the kernels' names in the order in which they ran, with times in seconds."""
        inspector = load_package("executorch", ("Inspector",), module="executorch.devtools")
        with (
            tempfile.TemporaryDirectory(prefix="opscope-executorch-") as folder,
            quiet(),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")
            dump = Path(folder, "events")
            self._program.write_etdump_result_to_file(str(dump), str(Path(folder, "tensors")))
            blocks = inspector.Inspector(etdump_path=str(dump)).event_blocks
        return [
            (event.name, [taken / 1e3 for taken in event.perf_data.raw])
            for block in blocks
            if block.name == "Execute"
            for event in block.events
            if event.name not in _WHOLE
        ]


def seen(graph: Graph, events: Sequence[tuple[str, Sequence[float]]]) -> list[Seen]:
    """Return kernels as steps, with the nodes that they are made of where order makes that sure.

    Args:
        graph: The graph.
        events: Names such as ``Convolution (NHWC, QC8) IGEMM #2``, and times in seconds.
    """
    kinds = [re.sub(r" #\d+$", "", name) for name, _ in events]
    bases = [kind.partition(" (")[0] for kind in kinds]
    names = in_order(graph, [_OPERATORS.get(base, ()) for base in bases])
    return chained(
        Seen(
            name=events[number][0],
            kind=kind,
            names=(names[number],),
            added=bases[number] in {"Convert", "Transpose"} and not names[number],
            format="" if bases[number] in _CARRIES else _format(kind),
            time_s=undisturbed(events[number][1]),
        )
        for number, kind in enumerate(kinds)
    )


def _format(kind: str) -> str:
    """Return what a kernel computes in: the first type in its name, or FP32 outside XNNPACK."""
    types = re.findall(r"\b(?:BF16|F16|F32|Q[CSU]8)", kind)
    return _FORMATS[types[0]] if types else ""


def _runtime() -> Any:
    names = ("_load_program_from_buffer", "_unsafe_reset_threadpool")
    return _load("executorch", names, "executorch.extension.pybindings.portable_lib")


def _load(package: str, names: Sequence[str], module: str) -> Any:
    """Import a package that prints and warns."""
    with quiet(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return load_package(package, names, module=module)


family = RuntimeFamily(Member(ExecuTorchXnnpack, RUNTIME, CpuOptions))
