"""What other tools say of the same call: each as its users run it, once."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
import timeit
from collections.abc import Callable
from pathlib import Path

from opscope.core.configuration import Workload
from opscope.core.study import Instrumentation
from opscope.graph import build
from opscope.platforms.base import TimedDeployment
from opscope.platforms.registry import load_platform

_RUNS = 100

Tool = Callable[[str, Workload], float]
"""Returns the latency of one call in seconds."""


def deployed(platform: str, workload: Workload) -> TimedDeployment:
    """Return a deployment as opscope would time it, warmed up ten times."""
    deployment = load_platform(platform).prepare(
        workload, seed=0, instrumentation=Instrumentation()
    )
    if not isinstance(deployment, TimedDeployment):
        raise TypeError(platform)
    deployment.bind(build(workload).draw_inputs(0))
    for _ in range(10):
        deployment.call()
    return deployment


def mean_of_100(platform: str, workload: Workload) -> float:
    """The plain mean of a hundred calls in a row."""
    call, times = deployed(platform, workload).call, []
    for _ in range(_RUNS):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.fmean(times)


def median_of_50(platform: str, workload: Workload) -> float:
    """Ten to warm up, then the median of fifty, as most papers have it."""
    call, times = deployed(platform, workload).call, []
    for _ in range(50):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def timeit_minimum(platform: str, workload: Workload) -> float:
    """The minimum of five repeats, as timeit's command line has it."""
    timer = timeit.Timer(deployed(platform, workload).call)
    number, _ = timer.autorange()
    return min(timer.repeat(repeat=5, number=number)) / number


def torch_blocked_autorange(platform: str, workload: Workload) -> float:
    """The median of torch's Timer.blocked_autorange."""
    from torch.utils.benchmark import Timer

    call = deployed(platform, workload).call
    return float(Timer("call()", globals={"call": call}).blocked_autorange().median)


def pyperf_processes(platform: str, workload: Workload) -> float:
    """The mean of pyperf's fresh processes, at its fast setting."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.json"
        command = [sys.executable, "-m", "benchmarks.instrument.under_pyperf"]
        options = ["--fast", "--quiet", "--inherit-environ=PYTHONPATH,PATH,HOME", f"-o{out}"]
        subprocess.run(
            [*command, *options, platform, str(workload)], check=True, capture_output=True
        )
        import pyperf

        return float(pyperf.Benchmark.load(str(out)).mean())


def benchmark_app(platform: str, workload: Workload) -> float:
    """OpenVINO's own tool: the median latency it prints for a hundred synchronous calls."""
    if not platform.startswith("openvino"):
        raise NotImplementedError
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "model.onnx"
        build(workload).save(model, 0)
        calls = ["-d", "CPU", "-api", "sync", "-niter", str(_RUNS)]
        one = ["-nthreads", "1", "-nstreams", "1", "-hint", "none", "-infer_precision", "f32"]
        report = ["-report_type", "no_counters", "-report_folder", folder, "-json_stats"]
        subprocess.run(
            [Path(sys.executable).with_name("benchmark_app"), "-m", model, *calls, *one, *report],
            check=True,
            capture_output=True,
        )
        (found,) = Path(folder).glob("*report*.json")
        return float(json.loads(found.read_text())["execution_results"]["latency (ms)"]) / 1e3


TOOLS: dict[str, Tool] = {
    "mean of 100": mean_of_100,
    "median of 10 + 50": median_of_50,
    "timeit minimum": timeit_minimum,
    "torch Timer.blocked_autorange": torch_blocked_autorange,
    "benchmark_app": benchmark_app,
    "pyperf --fast": pyperf_processes,
}
