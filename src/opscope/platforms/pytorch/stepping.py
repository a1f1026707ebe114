"""Stepping: a module run node by node, to time each node or to see the kernels that it calls."""

from __future__ import annotations

import json
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from opscope.platforms.base import ExecutedNode
from opscope.platforms.execution import undisturbed
from opscope.platforms.packages import muted

_CARRYING = {
    *("_mkldnn_reshape", "_nnpack_available", "_reshape_alias", "_to_copy", "_to_dense"),
    *("_unsafe_view", "alias", "as_strided", "as_strided_", "cat", "clone", "constant_pad_nd"),
    *("contiguous", "copy_", "detach", "empty", "empty_like", "empty_strided", "expand", "fill_"),
    *("flatten", "getitem", "narrow", "pad", "permute", "reshape", "resize_", "select", "slice"),
    *("split", "squeeze", "t", "to", "to_dense", "to_mkldnn", "transpose", "unsqueeze", "view"),
}
"""Kernels that compute nothing: they make room, or carry numbers from one place to another."""

_PREFIX = "opscope: "

_FORMATS = {
    "float": "f32",
    "c10::BFloat16": "bf16",
    "c10::Half": "f16",
    "signed char": "i8",
    "unsigned char": "i8",
}
"""Formats of tensors, as the execution trace spells them."""

Around = Callable[[Any], AbstractContextManager[Any]]
"""What a node of the fx graph is run within."""


def step_through(module: Any, inputs: Sequence[Any], around: Around) -> Sequence[Any]:
    """Run a GraphModule node by node, each within ``around(node)``, and return its outputs."""
    import torch

    values: dict[Any, Any] = {}
    given = iter(inputs)
    for node in module.graph.nodes:
        takes, options = torch.fx.node.map_arg((node.args, node.kwargs), values.__getitem__)
        match node.op:
            case "placeholder":
                values[node] = next(given)
            case "get_attr":
                values[node] = getattr(module, node.target)
            case "call_module":
                called = getattr(module, node.target)
                with around(node):
                    values[node] = called(*takes, **options)
            case "call_function" | "call_method":
                own = node.op == "call_function"
                called = node.target if own else getattr(type(takes[0]), node.target)
                with around(node):
                    values[node] = called(*takes, **options)
            case "output":
                break
    outputs: Sequence[Any] = takes[0]
    return outputs


class Stopwatch:
    """Durations of each node, call after call.

    Args:
        wait: Waits until the device has done what was asked of it.
    """

    def __init__(self, wait: Callable[[], Any] | None = None) -> None:
        self._wait = wait or (lambda: None)
        self._durations_s: dict[str, list[float]] = defaultdict(list)

    @contextmanager
    def around(self, node: Any) -> Iterator[None]:
        """Time what is run within."""
        start = time.perf_counter()
        yield
        self._wait()
        self._durations_s[node.name].append(time.perf_counter() - start)

    def time_s(self, node: Any) -> float | None:
        """Return the node's undisturbed time; None if it was never timed."""
        return undisturbed(self._durations_s[node.name])


def executed(module: Any, inputs: Sequence[Any], watch: Stopwatch) -> tuple[ExecutedNode, ...]:
    """Return what a call of the module executes: one step for each of its nodes."""
    kernels = _kernels(module, inputs)
    steps = []
    for node in module.graph.nodes:
        if node.name in kernels:
            kernel = kernels[node.name]
            steps.append(
                ExecutedNode(
                    name=node.name,
                    kind=kernel.name,
                    sources=node.meta["sources"],
                    format=kernel.format,
                    time_s=watch.time_s(node),
                )
            )
    return tuple(steps)


class _Kernel(NamedTuple):
    name: str
    format: str


def _kernels(module: Any, inputs: Sequence[Any]) -> dict[str, _Kernel]:
    """Return the kernel that does each node's work, from PyTorch's own trace of one call.

    Its execution trace, unlike its profiler, leaves no thread behind.
    """
    from torch.profiler import ExecutionTraceObserver, record_function

    with tempfile.TemporaryDirectory(prefix="opscope-trace-") as folder, muted():
        path = Path(folder, "trace.json")
        observer = ExecutionTraceObserver()
        observer.register_callback(str(path))
        try:
            observer.start()
            step_through(module, inputs, lambda node: record_function(_PREFIX + node.name))
            observer.stop()
        finally:
            observer.unregister_callback()
        events = json.loads(path.read_text())["nodes"]
    children = defaultdict(list)
    for event in events:
        children[event["ctrl_deps"]].append(event)
    return {
        event["name"].removeprefix(_PREFIX): _working(children, event)
        for event in events
        if event["name"].startswith(_PREFIX)
    }


def _working(children: dict[int, list[dict[str, Any]]], node: dict[str, Any]) -> _Kernel:
    """Return the innermost kernel that does a node's work by itself.

    Kernels call others: as long as one of these computes and the rest only make room for it or
    carry its operands, that one is looked into.
    """
    called = children[node["id"]]
    if not called:
        return _Kernel("getitem", "")  # one of several results
    inner = [event for event in called if not _carries(event)][:1] or called[:1]
    while len(inner) == 1:
        (found,) = inner
        inner = [event for event in children[found["id"]] if not _carries(event)]
    if _carries(found):
        return _Kernel(_short(found), "")
    types = (type_.removeprefix("Tensor(").removesuffix(")") for type_ in found["inputs"]["types"])
    return _Kernel(_short(found), next((_FORMATS[t] for t in types if t in _FORMATS), ""))


def _short(event: dict[str, Any]) -> str:
    name: str = event["name"]
    return name.rpartition("::")[2]


def _carries(event: dict[str, Any]) -> bool:
    return _short(event) in _CARRYING
