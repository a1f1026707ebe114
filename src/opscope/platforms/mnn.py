"""The mnn family: ONNX graphs converted to MNN's models and run by its CPU backend."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from opscope.convert.mnn import mnn_model
from opscope.convert.quiet import quiet
from opscope.convert.tools import failure
from opscope.core.configuration import Precision
from opscope.core.study import Instrumentation
from opscope.errors import PlatformError, UnsupportedWorkload
from opscope.graph import Graph
from opscope.graph.graph import Tensor
from opscope.platforms.base import Arrays, ExecutedNode, TimedDeployment
from opscope.platforms.execution import Seen, attribute, undisturbed
from opscope.platforms.family import Member, RuntimeFamily, RuntimePlatform
from opscope.platforms.ordering import chained
from opscope.platforms.packages import load_package
from opscope.platforms.runtimes import CpuOptions, CpuRuntime

RUNTIME = CpuRuntime(
    platform="mnn-cpu",
    family="mnn",
    package="MNN",
    description="MNN, CPU backend",
    precisions=(Precision.FP32, Precision.INT8),
    tells="profiled",
)

_TYPES = {"float32": "float", "int32": "int", "uint8": "uint8", "int8": "int8"}
"""MNN's names of the number formats that its inputs may have."""

_DERIVED = re.compile(r"(__matmul_converted|__group__\d+|__before_tr|_raster_\d+)+$")
"""What MNN adds to the name of a tensor to name the steps that lead to it."""

_CARRIES = {"Raster", "FloatToInt8", "Int8ToFloat", "CastFloatToInt8", "CastInt8ToFloat"}
"""Types of steps that only carry data."""

_INTEGERS = "DT_INT8"
"""What stands with the type of a step that computes in integers."""

_STATE = 3
"""Asks a session whether it can run; it says 0 if so."""


class MnnCpu(RuntimePlatform[CpuOptions]):
    """Alibaba's MNN on the CPU; with one thread it computes in the calling thread."""

    def load(self) -> None:
        """Import MNN and its converter."""
        _runtime()

    def deploy(
        self, graph: Graph, precision: Precision, seed: int, instrumentation: Instrumentation
    ) -> MnnDeployment:
        """Return a module over the converted graph, or if profiled a session."""
        for tensor in graph.inputs:
            if tensor.dtype not in _TYPES:
                raise UnsupportedWorkload(f"MNN has no inputs of {tensor.dtype} ({tensor.name})")
        model = mnn_model(graph, seed, precision)
        with tempfile.TemporaryDirectory(prefix="opscope-mnn-") as folder:
            path = Path(folder, "model.mnn")
            path.write_bytes(model)
            kind = ProfiledDeployment if instrumentation.profile else MnnDeployment
            return kind(graph, path, self.threads)


class MnnDeployment(TimedDeployment):
    """A module, which reads its inputs where they are; outputs are allocated by each call."""

    def __init__(self, graph: Graph, path: Path, threads: int) -> None:
        self._graph = graph
        self._results: list[Any] = []
        start = time.perf_counter()
        with quiet() as said:
            try:
                self._load(str(path), threads)
            except (RuntimeError, SystemError) as exc:  # of which neither says anything
                raise failure("MNN's loading of the graph", said()) from exc
        self.load_s = time.perf_counter() - start

    def _load(self, path: str, threads: int) -> None:
        mnn = _runtime()
        runtime = mnn.nn.create_runtime_manager((_settings(threads),))
        names = [[t.name for t in tensors] for tensors in (self._graph.inputs, self._graph.outputs)]
        self._net = mnn.nn.load_module_from_file(
            path, *names, runtime_manager=runtime, shape_mutable=False
        )

    def bind(self, inputs: Arrays) -> None:
        """Copy the inputs to where the module reads them at each call."""
        mnn = _runtime()
        self._inputs = []
        for tensor in self._graph.inputs:
            kind = getattr(mnn.expr, _TYPES[tensor.dtype])
            variable = mnn.expr.placeholder(list(tensor.shape), mnn.expr.NCHW, kind)
            variable.write(np.ascontiguousarray(inputs[tensor.name]))
            self._inputs.append(variable)

    def call(self) -> None:
        """Run the module once."""
        self._results = self._net.forward(self._inputs)

    def outputs(self) -> dict[str, np.ndarray]:
        """Return copies of the last outputs."""
        return {
            tensor.name: _shaped(result.read(), tensor)
            for tensor, result in zip(self._graph.outputs, self._results, strict=True)
        }

    def close(self) -> None:
        """Drop module and variables."""
        self._net, self._inputs, self._results = None, [], []


class ProfiledDeployment(MnnDeployment):
    """A session of the same model, which calls back before and after each step."""

    def _load(self, path: str, threads: int) -> None:
        self._interpreter = _runtime().Interpreter(path)
        self._net = self._interpreter.createSession(_settings(threads))
        if self._interpreter.getSessionInfo(self._net, _STATE) != 0:
            raise RuntimeError
        self._steps: list[tuple[str, str]] = []
        self._times: list[list[float]] = []

    def bind(self, inputs: Arrays) -> None:
        """Keep the inputs as the session takes them."""
        mnn = _runtime()
        self._inputs = []
        for tensor in self._graph.inputs:
            array = np.ascontiguousarray(inputs[tensor.name])
            place = self._interpreter.getSessionInput(self._net, tensor.name)
            host = mnn.Tensor(
                tensor.shape, place.getDataType(), array, mnn.Tensor_DimensionType_Caffe
            )
            self._inputs.append((place, host))

    def call(self) -> None:
        """Run the session once; it has the inputs' memory for other tensors, so they come anew."""
        for place, host in self._inputs:
            place.copyFrom(host)
        steps, times = [], []

        def before(_: Any, step: Any) -> bool:
            steps.append((step.getName(), step.getType()))
            times.append(-time.perf_counter())
            return True

        def after(_: Any, __: Any) -> bool:
            times[-1] += time.perf_counter()
            return True

        self._interpreter.runSessionWithCallBackInfo(self._net, before, after)
        self._steps = steps
        self._times.append(times)

    def outputs(self) -> dict[str, np.ndarray]:
        """Return copies of the last outputs."""
        places = {
            tensor: self._interpreter.getSessionOutput(self._net, tensor.name)
            for tensor in self._graph.outputs
        }
        return {t.name: _shaped(place.getNumpyData(), t) for t, place in places.items()}

    def executed(self) -> tuple[ExecutedNode, ...]:
        """Return the steps; nothing of a network with loops, which sessions do not run."""
        return attribute(self._graph, seen(self._steps, self._times))

    def close(self) -> None:
        """Drop session and model."""
        super().close()
        self._interpreter = None


def seen(steps: Sequence[tuple[str, str]], times: Sequence[Sequence[float]]) -> list[Seen]:
    """Return the steps that MNN calls back about, in their order, by name and type.

    They are named after tensors of the graph.
    """
    bases = [_DERIVED.sub("", name) for name, _ in steps]
    kinds = [kind.partition(" ")[0] for _, kind in steps]
    computed = {base for base, kind in zip(bases, kinds, strict=True) if kind not in _CARRIES}
    found = []
    for number, (name, kind) in enumerate(steps):
        carries = kinds[number] in _CARRIES
        found.append(
            Seen(
                name=name,
                kind=kinds[number],
                names=(bases[number],),
                added="__before_tr" in name or (carries and bases[number] in computed),
                format="" if carries else "i8" if _INTEGERS in kind else "f32",
                time_s=undisturbed([taken[number] for taken in times]),
            )
        )
    return chained(found)


def _settings(threads: int) -> dict[str, Any]:
    """Return what sessions and modules are made with; precision ``high`` is FP32 throughout."""
    return {"backend": "CPU", "precision": "high", "numThread": threads}


def _shaped(array: Any, tensor: Tensor) -> np.ndarray:
    values = np.array(array, tensor.dtype)
    if values.size != tensor.size:
        what = f"MNN computes {values.size} values of {tensor.name}, which has {tensor.size}"
        raise PlatformError(what)
    return values.reshape(tensor.shape)


def _runtime() -> Any:
    with quiet():  # it tells what the processor can do
        return load_package("MNN", ("Interpreter", "expr", "nn"))


family = RuntimeFamily(Member(MnnCpu, RUNTIME, CpuOptions))
