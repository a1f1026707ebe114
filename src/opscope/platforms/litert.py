"""The litert family: graphs as TFLite files, run by LiteRT. Its CPU device only, with XNNPACK."""

from __future__ import annotations

import functools
import time
from typing import Any, Literal

import numpy as np
from msgspec.structs import replace

from opscope.convert.tflite import TfliteModel, quantization, tflite_model
from opscope.core.configuration import Precision, Workload
from opscope.core.platform import PlatformInfo
from opscope.core.study import Instrumentation
from opscope.errors import PlatformError
from opscope.graph import Graph
from opscope.platforms import litert_steps
from opscope.platforms.base import Arrays, ExecutedNode, TimedDeployment
from opscope.platforms.family import Member, RuntimeFamily, RuntimePlatform
from opscope.platforms.litert_profile import PACKAGE, Profiler
from opscope.platforms.packages import load_package
from opscope.platforms.runtimes import THREADS, CpuOptions, CpuRuntime

_MODULE = "ai_edge_litert.interpreter"

_KEPT_BYTES = 64 * 1024**2
"""Files of graphs up to this size are kept, since what is prepared once mostly is again."""


RUNTIME = CpuRuntime(
    platform="litert-cpu",
    family="litert",
    package=PACKAGE,
    description="LiteRT (TensorFlow Lite), CPU with XNNPACK",
    precisions=(Precision.FP32, Precision.INT8),
    makers=((Precision.INT8, quantization.PACKAGE),),
    options=(
        THREADS,
        ("weights", "what they are stored in, fp32 or fp16; not what is computed (fp32)"),
    ),
)


class Options(CpuOptions, frozen=True, kw_only=True):
    """What ``litert-cpu:…`` may say."""

    weights: Literal["fp32", "fp16"] = "fp32"


class LiteRtCpu(RuntimePlatform[Options]):
    """LiteRT on the CPU; with one thread it computes in the calling thread."""

    def info(self) -> PlatformInfo:
        """Return device, version, precisions, and what weights are stored in."""
        info = super().info()
        if self.options.weights == "fp32":
            return info
        return replace(info, precisions=(Precision.FP32,), weights=Precision(self.options.weights))

    def supports(self, workload: Workload) -> str:
        """Refuse INT8 of weights that are to be no integers, too."""
        if workload.precision is Precision.INT8 and self.options.weights != "fp32":
            return f"INT8 has weights of integers: leave out weights={self.options.weights}"
        return super().supports(workload)

    def load(self) -> None:
        """Import LiteRT."""
        _runtime()

    def deploy(
        self, graph: Graph, precision: Precision, seed: int, instrumentation: Instrumentation
    ) -> LiteRtDeployment:
        """Return an interpreter over the graph's TFLite form."""
        make = _kept if graph.size_bytes <= _KEPT_BYTES else _form
        model = make(graph, seed, precision, self.options.weights)
        return LiteRtDeployment(model, self.threads, instrumentation)


class LiteRtDeployment(TimedDeployment):
    """An interpreter whose inputs are set once, images as NHWC and integers where it takes them."""

    def __init__(self, model: TfliteModel, threads: int, instrumentation: Instrumentation) -> None:
        start = time.perf_counter()
        runtime = _runtime()
        try:
            self._interpreter: Any = runtime.Interpreter(
                model_content=model.data, num_threads=threads
            )
            self._interpreter.allocate_tensors()
        except (RuntimeError, ValueError) as exc:
            raise PlatformError(f"litert refuses the graph: {exc}") from exc
        self.load_s = time.perf_counter() - start
        self._model = model
        self._operators = litert_steps.operators(self._interpreter)
        litert_steps.check_delegate(self._operators)
        self._profiler = _profiler(model.data, threads) if instrumentation.profile else None

    def bind(self, inputs: Arrays) -> None:
        """Copy the inputs into the interpreter's memory, in its layout and number format."""
        details = self._interpreter.get_input_details()
        arrays = []
        for tensor, detail in zip(self._model.inputs, details, strict=True):
            stored = np.ascontiguousarray(inputs[tensor.name].transpose(tensor.order))
            arrays.append(_encoded(stored, detail))
            self._interpreter.set_tensor(detail["index"], arrays[-1])
        if self._profiler:
            self._profiler.write(arrays)

    def call(self) -> None:
        """Invoke the interpreter once; if profiled the one that the profiler has."""
        if self._profiler:
            self._profiler.run()
        else:
            self._interpreter.invoke()

    def outputs(self) -> dict[str, np.ndarray]:
        """Return copies of the outputs in the graph's layout, as real numbers."""
        if self._profiler:  # whose interpreter does not give its own away
            self._interpreter.invoke()
        details = self._interpreter.get_output_details()
        return {
            tensor.name: _decoded(self._interpreter.get_tensor(detail["index"]), detail).transpose(
                np.argsort(tensor.order)
            )
            for tensor, detail in zip(self._model.outputs, details, strict=True)
        }

    def executed(self) -> tuple[ExecutedNode, ...]:
        """Return the file's operators, those that XNNPACK runs marked; its kernels if profiled."""
        kernels = self._profiler.kernels() if self._profiler else ()
        return litert_steps.executed(self._operators, self._model.sources, kernels)

    def close(self) -> None:
        """Drop the interpreter, and what profiles."""
        if self._profiler:
            self._profiler.close()
        self._interpreter = self._profiler = None


def _form(graph: Graph, seed: int, precision: Precision, weights: str) -> TfliteModel:
    model = tflite_model(graph, seed, half_weights=weights == "fp16")
    if precision is not Precision.INT8:
        return model
    load_package(quantization.PACKAGE, ("Quantizer",), module=f"{quantization.MODULE}.quantizer")
    return quantization.quantised(model, graph, seed)


_kept = functools.lru_cache(maxsize=1)(_form)


def _profiler(data: bytes, threads: int) -> Profiler | None:
    """Return the profiler, where this version of LiteRT has the one known."""
    try:
        return Profiler(data, threads)
    except PlatformError:
        return None


def _encoded(array: np.ndarray, detail: dict[str, Any]) -> np.ndarray:
    """Return an array in the number format of a tensor."""
    scale, zero = detail["quantization"]
    if not scale:
        return array
    limits = np.iinfo(detail["dtype"])
    steps = np.rint(array / scale) + zero
    return np.asarray(np.clip(steps, limits.min, limits.max), detail["dtype"])


def _decoded(array: np.ndarray, detail: dict[str, Any]) -> np.ndarray:
    """Return a tensor's contents as real numbers."""
    scale, zero = detail["quantization"]
    if not scale:
        return array
    return np.asarray((array.astype(np.float32) - np.float32(zero)) * np.float32(scale))


def _runtime() -> Any:
    return load_package(PACKAGE, ("Interpreter",), module=_MODULE)


family = RuntimeFamily(Member(LiteRtCpu, RUNTIME, Options))
