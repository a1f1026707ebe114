"""What every deployment in PyTorch has in common: tensors in its formats, calls that only infer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from opscope.core.configuration import Precision
from opscope.core.readings import Samples
from opscope.errors import PlatformError
from opscope.graph import Graph
from opscope.platforms.base import Arrays, TimedDeployment
from opscope.platforms.packages import load_package

_DTYPES = {Precision.BF16: "bfloat16", Precision.FP16: "float16"}
_IMAGE = 4


def runtime() -> Any:
    """Return the module ``torch``.

    Raises:
        PlatformUnavailable: If PyTorch does not load.
    """
    return load_package("torch", ("compile", "fx", "inference_mode", "nn"))


def in_format(value: Any, precision: Precision, *, channels_last: bool = False) -> Any:
    """Return a tensor or module whose floating-point numbers are those of ``precision``."""
    torch = runtime()
    if name := _DTYPES.get(precision):
        whole = isinstance(value, torch.Tensor) and not value.is_floating_point()
        value = value if whole else value.to(getattr(torch, name))
    if channels_last and (isinstance(value, torch.nn.Module) or value.dim() == _IMAGE):
        value = value.to(memory_format=torch.channels_last)
    return value


class TorchDeployment(TimedDeployment):
    """A network that PyTorch calls in inference mode, on the threads that it was made for."""

    def __init__(self, graph: Graph, precision: Precision, *, threads: int) -> None:
        self._torch = runtime()
        self._graph = graph
        self._precision = precision
        self._threads = threads
        self._network: Callable[..., Sequence[Any]] | None = None
        self._inputs: tuple[Any, ...] = ()
        self._results: Sequence[Any] = ()

    def bind(self, inputs: Arrays) -> None:
        """Take the inputs in the network's format."""
        names = [tensor.name for tensor in self._graph.inputs]
        self._inputs = tuple(self._taken(self._torch.from_numpy(inputs[name])) for name in names)

    def call(self) -> None:
        """Run the network once; inference mode is entered if it is not on yet."""
        if self._torch.is_inference_mode_enabled():
            self._run()
        else:
            with self._inferring():
                self._run()

    def sample(self, count: int) -> Samples:
        """Return ``count`` timed calls; inference mode is entered once, around them all."""
        with self._inferring():
            return super().sample(count)

    def outputs(self) -> dict[str, np.ndarray]:
        """Return copies of the last call's outputs, in FP32 where the network's format is less."""
        return {
            tensor.name: result.detach().to("cpu").to(_dtype(self._torch, tensor.dtype)).numpy()
            for tensor, result in zip(self._graph.outputs, self._results, strict=True)
        }

    def close(self) -> None:
        """Drop network and tensors."""
        self._network = None
        self._inputs = self._results = ()

    def _run(self) -> None:
        assert self._network is not None  # noqa: S101 - it is dropped only when closed
        self._results = self._network(*self._inputs)

    def _taken(self, tensor: Any) -> Any:
        return in_format(tensor, self._precision)

    def _inferring(self) -> AbstractContextManager[Any]:
        if self._torch.get_num_threads() != self._threads:
            self._torch.set_num_threads(self._threads)
        mode: AbstractContextManager[Any] = self._torch.inference_mode()
        return mode


def refusal(exc: Exception, by: str) -> PlatformError:
    """Return the error for what PyTorch raised, in one line, with what it raised before that."""
    before = exc.__context__ if isinstance(exc.__context__, RuntimeError) else None
    said = " after ".join(_first_line(each) for each in (exc, before) if each)
    return PlatformError(f"{by} refuses the graph: {said}")


def _first_line(exc: BaseException) -> str:
    lines = [line.strip() for line in str(exc).splitlines() if line.strip()]
    return lines[0] if lines else type(exc).__name__


def _dtype(torch: Any, name: str) -> Any:
    return torch.from_numpy(np.zeros(0, name)).dtype
