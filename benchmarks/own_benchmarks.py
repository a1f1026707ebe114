"""Latencies as opscope takes them, against those of each runtime's own benchmark.

Both take turns with the same model, in fresh deployments, with one thread; the fastest call of all
turns counts, which other work disturbs least, and the median difference of a platform's networks
is its figure. onnxruntime's package has no benchmark but its profile, which costs time at every
node, so that profiled calls are compared there. Another runtime is one more function in ``TOOLS``.
"""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from benchmarks.figures import show
from opscope.convert.tflite import tflite_model
from opscope.core.configuration import Workload
from opscope.core.study import Instrumentation
from opscope.graph import build
from opscope.platforms.base import TimedDeployment
from opscope.platforms.registry import list_platforms, open_platform

NETWORKS = ("zoo:resnet18,input=224", "zoo:mobilenet_v2,input=224", "zoo:efficientnet_b0,input=224")
TURNS = 9
CALLS = 60
TARGET_PERCENT = 3.0
SEED = 0

Tool = Callable[[Path, Workload], float]
"""Returns the fastest of ``CALLS`` calls of the ONNX model in a file, in seconds."""


def opscope(platform: str, workload: Workload, instrumentation: Instrumentation) -> float:
    """Return the fastest call as opscope's timing loop takes it, after as many to warm up."""
    opened = open_platform(platform)
    deployment = opened.prepare(workload, seed=SEED, instrumentation=instrumentation)
    if not isinstance(deployment, TimedDeployment):
        raise TypeError(platform)
    with closing(deployment):
        deployment.bind(build(workload).draw_inputs(SEED))
        deployment.sample(CALLS)
        return min(deployment.sample(CALLS).durations_s)


def benchmark_app(path: Path, workload: Workload) -> float:
    """Return what OpenVINO's ``benchmark_app`` says; it prints hundredths of milliseconds."""
    del workload
    how = "-d CPU -hint none -nstreams 1 -nthreads 1 -infer_precision f32 -api sync -niter"
    command = [str(Path(sys.executable).with_name("benchmark_app")), "-m", str(path), *how.split()]
    said = subprocess.run([*command, str(2 * CALLS)], check=True, capture_output=True, text=True)
    found = re.search(r"Min:\s+([\d.]+) ms", said.stdout)
    if not found:
        raise ValueError(said.stdout)
    return float(found[1]) / 1e3


def onnxruntime_profile(path: Path, workload: Workload) -> float:
    """Return the shortest ``model_run`` in onnxruntime's own profile."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.enable_profiling = True
    options.profile_file_prefix = str(path.with_suffix(""))
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    inputs = build(workload).draw_inputs(SEED)
    for _ in range(2 * CALLS):
        session.run(None, inputs)
    events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
    times_us = [float(event["dur"]) for event in events if event["name"] == "model_run"]
    return min(times_us) / 1e6


def litert_benchmark(path: Path, workload: Workload) -> float:
    """Return what LiteRT's ``litert-benchmark`` says of the TFLite file that opscope runs.

    It runs it by the newer CompiledModel, and writes hundredths of milliseconds.
    """
    model, said = path.with_suffix(".tflite"), path.with_suffix(".json")
    model.write_bytes(tflite_model(build(workload), SEED).data)
    how = f"--num_threads 1 --warmup_runs {CALLS} --num_runs {CALLS} --result_json {said}"
    command = [str(Path(sys.executable).with_name("litert-benchmark")), "--model", str(model)]
    subprocess.run([*command, *how.split()], check=True, capture_output=True)
    return float(json.loads(said.read_text(encoding="utf-8"))["latency"]["min_ms"]) / 1e3


def torch_timer(path: Path, workload: Workload) -> float:
    """Return the fastest call that torch's ``Timer`` times by itself, of the module that runs."""
    import torch
    from torch.utils.benchmark import Timer

    from opscope.convert.torch import as_module

    del path
    graph = build(workload)
    module = as_module(graph, SEED)
    inputs = [torch.from_numpy(array) for array in graph.draw_inputs(SEED).values()]
    timer = Timer("module(*inputs)", globals={"module": module, "inputs": inputs}, num_threads=1)
    with torch.inference_mode():
        timer.timeit(CALLS)
        return float(min(timer.timeit(1).mean for _ in range(CALLS)))


TOOLS: dict[str, tuple[Tool, Instrumentation]] = {
    "openvino-cpu": (benchmark_app, Instrumentation()),
    "onnxruntime-cpu": (onnxruntime_profile, Instrumentation(profile=True)),
    "litert-cpu": (litert_benchmark, Instrumentation()),
    "pytorch-cpu": (torch_timer, Instrumentation()),
}
"""The tool of each platform, and how opscope's deployment is to be instrumented to be its like."""


def ratio(platform: str, workload: Workload) -> float:
    """Return opscope's latency over that of the platform's own tool."""
    tool, instrumentation = TOOLS[platform]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.onnx")
        build(workload).save(path, SEED)
        pairs = [
            (opscope(platform, workload, instrumentation), tool(path, workload))
            for _ in range(TURNS)
        ]
    return min(ours for ours, _ in pairs) / min(theirs for _, theirs in pairs)


def _absence(platform: str) -> str:
    found = next(listing for listing in list_platforms() if listing.name == platform)
    return "" if found.available else found.reason


def main() -> None:
    """Print how far opscope's latencies are from those of each runtime's own benchmark."""
    for platform, (tool, _) in TOOLS.items():
        if reason := _absence(platform):
            print(f"{platform}: left out: {reason}")
            continue
        found = []
        for network in NETWORKS:
            found.append(100 * (ratio(platform, Workload.parse(network)) - 1))
            print(f"{platform} {network}: opscope is {found[-1]:+.1f} % off {tool.__name__}")
        differences = statistics.median(map(abs, found))
        show(f"{platform}, median |difference|", differences, "%", TARGET_PERCENT)


if __name__ == "__main__":
    main()
