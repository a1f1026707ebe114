"""How TensorRT makes engines of ONNX models: parsed once, built several times, the fastest kept.

What is timed and how is in `opscope.platforms.tensorrt`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, Protocol, TypeVar

from opscope.errors import PlatformError, PlatformUnavailable, UnsupportedWorkload
from opscope.platforms.loading import Model
from opscope.platforms.packages import load_package

PACKAGE = "tensorrt-cu13"

WORKSPACE_BYTES = 1024**3
"""Memory that a kernel may use beside its tensors."""

_BROKEN = {"INTERNAL_ERROR", "MEM_ALLOC_FAILED", "MODEL_DESERIALIZE_FAILED"}
"""Errors of the parser that say nothing of the graph's operators."""


def tensorrt() -> Any:
    """Return the module ``tensorrt``.

    Raises:
        PlatformUnavailable: If it does not load.
    """
    return load_package(PACKAGE, ("Builder", "OnnxParser", "Runtime"), module="tensorrt")


@functools.cache
def log() -> Any:
    """Return the logger of this process, of which TensorRT takes but one."""
    return logger(tensorrt())


def logger(trt: Any) -> Any:
    """Return a logger of TensorRT's that keeps ``errors``."""

    class Log(trt.ILogger):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.ILogger.__init__(self)
            self.errors: list[str] = []

        def log(self, severity: Any, message: str) -> None:
            if severity in {trt.ILogger.INTERNAL_ERROR, trt.ILogger.ERROR}:
                self.errors.append(message)

    return Log()


def failure(what: str) -> PlatformError:
    """Return the error for what failed, with what TensorRT last said of it."""
    said = log().errors
    return PlatformError(f"{what}: {one_line(said[-1]) if said else 'it does not say why'}")


class EngineBuilder:
    """A network that TensorRT parsed, of which it builds engines.

    Args:
        model: An ONNX model, whose types say what each layer computes in.

    Raises:
        UnsupportedWorkload: If TensorRT has no form of a node.
        PlatformError: If it does not parse the model for another reason.
    """

    def __init__(self, model: Model) -> None:
        self._trt = tensorrt()
        log().errors.clear()
        self._builder = self._trt.Builder(log())
        self._network = self._builder.create_network()
        self._parser = self._trt.OnnxParser(self._network, log())  # it owns the weights
        if isinstance(model, str):
            parsed = self._parser.parse_from_file(model)
        else:
            parsed = self._parser.parse(model)
        if not parsed:
            raise refusal(faults(self._parser))

    def build(self) -> Any:
        """Return one more engine, which knows nothing of the ones before.

        Raises:
            PlatformError: If TensorRT builds none.
        """
        log().errors.clear()
        config = configured(self._trt, self._builder.create_builder_config())
        plan = self._builder.build_serialized_network(self._network, config)
        if plan is None:
            raise failure("TensorRT builds no engine")
        engine = runtime().deserialize_cuda_engine(plan)
        if engine is None:
            raise failure("TensorRT does not load the engine that it built")
        return engine


@functools.cache
def runtime() -> Any:
    """Return what loads engines, one in a process.

    Raises:
        PlatformUnavailable: If TensorRT does not start.
    """
    try:
        return tensorrt().Runtime(log())
    except TypeError as exc:  # as its bindings tell of nothing made
        raise PlatformUnavailable(
            failure("TensorRT does not start").what,
            remedy="See that its version suits the GPU and the driver.",
        ) from exc


def configured(trt: Any, config: Any) -> Any:
    """Return a builder's configuration as every engine here is built.

    FP32 is FP32, and layers are told in detail. No timing cache is attached, so that a build has
    one of its own: it knows of no other build, and equal layers of one network, as the copies of a
    stack are, get equal kernels after being timed once.
    """
    config.clear_flag(trt.BuilderFlag.TF32)
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, WORKSPACE_BYTES)
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
    return config


class Fault(NamedTuple):
    """An error of the parser: its code, the node and operator it is about, if any, and its text."""

    code: str
    node: str
    operator: str
    said: str


def faults(parser: Any) -> list[Fault]:
    """Return what a parser has against a model."""
    errors = [parser.get_error(number) for number in range(parser.num_errors)]
    return [
        Fault(error.code().name, error.node_name(), error.node_operator(), error.desc())
        for error in errors
    ]


def refusal(found: Iterable[Fault]) -> PlatformError:
    """Return the error for a model that TensorRT does not parse, naming nodes and operators."""
    told = list(dict.fromkeys(found))
    broken = [fault for fault in told if fault.code in _BROKEN]
    if broken or not told:
        said = one_line(broken[0].said) if broken else "it does not say why"
        return PlatformError(f"TensorRT does not parse the graph: {said}")
    return UnsupportedWorkload(f"TensorRT has no form of {'; '.join(map(_told, told))}")


def _told(fault: Fault) -> str:
    operator = fault.operator or "the graph"
    return f"{operator}{f' ({fault.node})' if fault.node else ''}: {one_line(fault.said)}"


def one_line(said: str) -> str:
    """Return the first line of what was said that says something."""
    return next((line.strip() for line in said.splitlines() if line.strip()), "no reason given")


class Candidate(Protocol):
    """An engine that may be deployed."""

    def time_s(self) -> float:
        """Return the duration of a call, by a short timing."""
        ...

    def close(self) -> None:
        """Give back what it holds."""
        ...


C = TypeVar("C", bound=Candidate)


def fastest(make: Callable[[], C], builds: int) -> tuple[C, tuple[float, ...]]:
    """Return the fastest of so many candidates, and how long a call of each takes, in their order.

    No more than two are there at a time; those that are not returned are closed.
    """
    best = make()
    times_s = [best.time_s()]
    for _ in range(builds - 1):
        other = make()
        took_s = other.time_s()
        if took_s < min(times_s):
            best, other = other, best
        other.close()
        times_s.append(took_s)
    return best, tuple(times_s)
