"""The ncnn family: ONNX graphs converted by pnnx and run by ncnn's CPU kernels, in FP32.

ncnn could keep tensors in BF16 or FP16; what it then computes in it does not tell.
"""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from opscope.convert.pnnx import Layer, NcnnModel, executable, ncnn_model
from opscope.convert.quiet import quiet
from opscope.convert.tools import failure, no_form
from opscope.core.configuration import Precision
from opscope.core.study import Instrumentation
from opscope.errors import PlatformError
from opscope.graph import Graph
from opscope.platforms.base import Arrays, ExecutedNode, TimedDeployment
from opscope.platforms.execution import Seen, attribute
from opscope.platforms.family import Member, RuntimeFamily, RuntimePlatform
from opscope.platforms.ordering import PRODUCTS, in_order
from opscope.platforms.packages import broken_package, load_package
from opscope.platforms.runtimes import CpuOptions, CpuRuntime

RUNTIME = CpuRuntime(
    platform="ncnn-cpu",
    family="ncnn",
    package="ncnn",
    needs=("pnnx",),
    description="ncnn, CPU kernels",
    precisions=(Precision.FP32,),
)

_POOLS = ("MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool")
_ARITHMETIC = ("Add", "Sub", "Mul", "Div")

_OPERATORS: Mapping[str, tuple[str, ...]] = {
    "Convolution": PRODUCTS,
    "ConvolutionDepthWise": PRODUCTS,
    "Deconvolution": PRODUCTS,
    "DeconvolutionDepthWise": PRODUCTS,
    "InnerProduct": PRODUCTS,
    "Gemm": PRODUCTS,
    "Pooling": _POOLS,
    "BinaryOp": _ARITHMETIC,
    "BatchNorm": ("BatchNormalization",),
    "Concat": ("Concat",),
    "GRU": ("GRU",),
    "LSTM": ("LSTM",),
    "Softmax": ("Softmax",),
    "ReLU": ("Relu", "LeakyRelu"),
    "Clip": ("Clip",),
    "Sigmoid": ("Sigmoid",),
    "HardSigmoid": ("HardSigmoid",),
    "HardSwish": ("HardSwish",),
    "GELU": ("Gelu",),
    "ShuffleChannel": ("Transpose",),
}
"""Which operators of the graph a type of layers is made of, if one at a time."""

_CARRIES = {"Split", "Concat", "Slice", "Crop", "Reshape", "Flatten", "Permute", "ShuffleChannel"}
"""Types of layers that only carry data."""

_UNKNOWN = re.compile(r"layer (?:load_param \d+ )?(\w+?)(?:_\d+)? (?:not exists|failed)")


class NcnnCpu(RuntimePlatform[CpuOptions]):
    """Tencent's ncnn on the CPU; with one thread it computes in the calling thread."""

    def load(self) -> None:
        """Import ncnn, and see that its converter is there."""
        _runtime()
        if not executable().is_file():
            raise broken_package("pnnx", f"it has no {executable().name}")

    def deploy(
        self,
        graph: Graph,
        precision: Precision,
        seed: int,
        instrumentation: Instrumentation,  # noqa: ARG002 - it tells the same, and takes no times
    ) -> NcnnDeployment:
        """Return a net over the converted graph, which tells its layers, profiled or not."""
        return NcnnDeployment(graph, ncnn_model(graph, seed, precision), self.threads)


class NcnnDeployment(TimedDeployment):
    """A net, and inputs in memory of its own that every call reads; it allocates the outputs."""

    def __init__(self, graph: Graph, model: NcnnModel, threads: int) -> None:
        self._graph, self._model = graph, model
        self._inputs: list[tuple[str, Any]] = []
        self._results: list[Any] = []
        start = time.perf_counter()
        self._net: Any = _runtime().Net()
        _set(self._net.opt, threads)
        self._choose_device()
        with tempfile.TemporaryDirectory(prefix="opscope-ncnn-") as folder, quiet() as said:
            text, weights = Path(folder, "text"), Path(folder, "weights")
            text.write_text(model.text, encoding="utf-8")
            weights.write_bytes(model.weights)
            failed = self._net.load_param(str(text)) or self._net.load_model(str(weights))
            reason = said()
        if failed:
            raise _refusal(graph, reason)
        self.load_s = time.perf_counter() - start

    def _choose_device(self) -> None:
        """Choose what the net computes on; left alone, it is the processor."""

    def bind(self, inputs: Arrays) -> None:
        """Copy the inputs to where the net reads them at each call."""
        ncnn = _runtime()
        self._inputs = []
        for number, (tensor, axis) in enumerate(
            zip(self._graph.inputs, self._model.inputs, strict=True)
        ):
            array = np.ascontiguousarray(inputs[tensor.name])
            self._inputs.append((f"in{number}", ncnn.Mat(array, batch_index=axis).clone()))

    def call(self) -> None:
        """Run the net once, as far as its outputs take."""
        extractor = self._net.create_extractor()
        for name, value in self._inputs:
            extractor.input(name, value)
        self._results = [
            extractor.extract(f"out{number}")[1] for number in range(len(self._graph.outputs))
        ]

    def outputs(self) -> dict[str, np.ndarray]:
        """Return copies of the last outputs."""
        told = zip(self._graph.outputs, self._results, self._model.outputs, strict=True)
        return {
            tensor.name: np.array(result.numpy(batch_index=axis), tensor.dtype).reshape(
                tensor.shape
            )
            for tensor, result, axis in told
        }

    def executed(self) -> tuple[ExecutedNode, ...]:
        """Return the layers, which are those of the converted graph."""
        return attribute(self._graph, seen(self._graph, self._model.layers()))

    def close(self) -> None:
        """Drop net and tensors."""
        self._inputs, self._results = [], []
        self._net.clear()


def seen(graph: Graph, layers: Sequence[Layer]) -> list[Seen]:
    """Return the layers as steps, with the nodes that they are made of where that is sure.

    pnnx keeps the graph's order and none of its names; what order leaves open is found by what
    layers take and yield.
    """
    kinds = [_OPERATORS.get(layer.kind, ()) for layer in layers]
    names = in_order(graph, kinds, [_weights(layer) for layer in layers])
    return [
        Seen(
            name=layer.name,
            kind=layer.kind,
            names=(name,),
            takes=layer.takes,
            yields=layer.yields,
            added=layer.kind == "Split",
            format="" if layer.kind in _CARRIES else "f32",
        )
        for layer, name in zip(layers, names, strict=True)
        if layer.kind != "Input"
    ]


def _weights(layer: Layer) -> int | None:
    """Return how many weights a layer with products says it has, biases apart."""
    if _OPERATORS.get(layer.kind) != PRODUCTS:
        return None
    settings = layer.settings
    if layer.kind == "Gemm":
        return int(settings.get("8", 0)) * int(settings.get("9", 0))
    return int(settings.get("2" if layer.kind == "InnerProduct" else "6", 0))


def _set(settings: Any, threads: int) -> None:
    """Set ncnn's options; left alone, it may store tensors in FP16, or compute in it."""
    settings.num_threads = threads
    settings.use_vulkan_compute = False
    for what in ("fp16_packed", "fp16_storage", "fp16_arithmetic", "bf16_packed", "bf16_storage"):
        setattr(settings, f"use_{what}", False)


def _refusal(graph: Graph, said: str) -> PlatformError:
    if unknown := _UNKNOWN.findall(said):
        return no_form("ncnn", graph, unknown)
    return failure("ncnn's loading of the graph", said)


def _runtime() -> Any:
    return load_package("ncnn", ("Mat", "Net"))


family = RuntimeFamily(Member(NcnnCpu, RUNTIME, CpuOptions))
