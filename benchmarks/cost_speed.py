"""How long counting takes: 10,000 operators, a large network, and two other counters beside it."""

from __future__ import annotations

import contextlib
import io
import itertools
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial

import onnx

from benchmarks.figures import median_s, show
from opscope.core.configuration import Configuration, Workload
from opscope.cost import count
from opscope.engine.studies import load_study
from opscope.graph import Graph, build, resolve

OPERATORS = 10_000
SAMPLE = 100
LIGHT = 1_000_000
"""Weights up to which an operator is given to the other counters, which need them drawn."""


def main() -> None:
    """Print each figure beside its target."""
    graphs = [build(workload) for workload in itertools.islice(operators(), OPERATORS)]
    show(f"count {len(graphs)} operators", once_s(lambda: [count(g) for g in graphs]), "s", 1.5)
    sample = [graph.materialise(0) for graph in lightest(graphs)]
    show("opscope, mean of a sample", each_ms(count, sample), "ms")
    for name, counter in counters().items():
        show(f"{name}, the same sample", each_ms(counter, sample), "ms")
    for name in ("resnet152", "nasnet_a_large"):
        graph = build(Workload.parse(f"zoo:{name}@fp32"))
        target = 100.0 if name == "resnet152" else None
        show(f"count {name}", 1e3 * median_s(partial(count, graph), runs=9), "ms", target)
    network = build(Workload.parse("zoo:resnet152@fp32")).materialise(0)
    for name, counter in counters().items():
        show(f"{name} counts resnet152", each_ms(counter, [network]), "ms")
    b0 = Workload.parse("zoo:efficientnet_b0@fp32")
    show("build EfficientNet-B0", 1e3 * median_s(lambda: build(b0), runs=9), "ms", 300.0)


def operators() -> Iterator[Workload]:
    """Yield the operators of the behaviour study's design space at batch 1, then 2, and so on."""
    points = [
        resolve(Configuration(kind=space.kind, name=space.name, parameters=tuple(point.items())))
        for space in load_study("design-space").spaces
        for point in space.points()
        if space.kind != "block"
    ]
    for batch in itertools.count(1):
        for point in dict.fromkeys(points):
            yield Workload(configuration=point, batch=batch)


def lightest(graphs: list[Graph]) -> list[Graph]:
    """Return a spread sample of those whose weights are few."""
    light = [graph for graph in graphs if graph.parameters <= LIGHT]
    return light[:: len(light) // SAMPLE][:SAMPLE]


def counters() -> dict[str, Callable[[onnx.ModelProto], object]]:
    """Return the other counters that are installed."""
    found: dict[str, Callable[[onnx.ModelProto], object]] = {}
    with contextlib.suppress(ImportError):
        import onnx_tool

        def profile(model: onnx.ModelProto) -> None:
            graph = onnx_tool.Model(model).graph
            graph.shape_infer(None)
            graph.profile()

        found["onnx-tool"] = profile
    with contextlib.suppress(ImportError):
        import onnx_opcounter

        found["onnx-opcounter"] = lambda model: (
            onnx_opcounter.calculate_macs(model),
            onnx_opcounter.calculate_params(model),
        )
    return found


def once_s(action: Callable[[], object]) -> float:
    """Return the seconds that one run of ``action`` takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def each_ms(counter: Callable[[onnx.ModelProto], object], models: list[onnx.ModelProto]) -> float:
    """Return the mean milliseconds that a counter takes, in a folder it may write to, silent."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.chdir(stack.enter_context(tempfile.TemporaryDirectory())))
        stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
        return 1e3 * once_s(lambda: [counter(model) for model in models]) / len(models)


if __name__ == "__main__":
    main()
