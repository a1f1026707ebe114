"""What a configuration costs before its first call, platform by platform, and TFLite's conversion.

Printed beside the figures that were measured when each runtime was first tried, by themselves and
on another day: compare their size, not their digits.
"""

from __future__ import annotations

import statistics
import time
import tracemalloc
from contextlib import closing
from functools import partial

from benchmarks.figures import median_s, show
from opscope.convert.tflite import tflite_model
from opscope.core.configuration import Precision, Workload
from opscope.core.platform import Origin
from opscope.core.study import Instrumentation
from opscope.errors import OpscopeError
from opscope.graph import build, resolve
from opscope.platforms.registry import list_platforms, load_platform

LAYER = "conv:h=28,cin=64,cout={cout},k=3,act=relu"
COUNTS = range(56, 64)

FIRST_SEEN_MS = {
    ("onnxruntime-cpu", Precision.FP32): "0.4 to 1",
    ("openvino-cpu", Precision.FP32): "23 to 80",
    ("litert-cpu", Precision.FP32): "0.3, and 0.9 to convert",
    ("pytorch-cpu", Precision.FP32): "0.3",
    ("pytorch-compile", Precision.FP32): "1,100 to 1,200; the first 20,000",
    ("ncnn-cpu", Precision.FP32): "1 to 4, and 2,200 to convert",
    ("mnn-cpu", Precision.FP32): "2 to 9",
    ("executorch-xnnpack", Precision.FP32): "960",
    ("executorch-xnnpack", Precision.INT8): "2,400",
}

NETWORKS = ("zoo:mobilenet_v2", "zoo:efficientnet_b0", "zoo:resnet50", "zoo:resnet152")


def platforms() -> None:
    """Prepare a layer of eight different widths on each platform, in each precision it has."""
    print(
        f"{'platform':<20}{'precision':<10}{'prepare ms':>12}{'of it load ms':>15}   first seen, ms"
    )
    for listing in list_platforms():
        if listing.available and listing.origin is Origin.MEASURED:
            for precision in listing.precisions:
                _row(listing.name, precision)


def _row(name: str, precision: Precision) -> None:
    platform = load_platform(name)
    total: list[float] = []
    load: list[float] = []
    for cout in COUNTS:
        workload = Workload(configuration=resolve(LAYER.format(cout=cout)), precision=precision)
        start = time.perf_counter()
        try:
            deployment = platform.prepare(workload, seed=0, instrumentation=Instrumentation())
        except OpscopeError as exc:
            print(f"{name:<20}{precision:<10} {exc}")
            return
        total.append(time.perf_counter() - start)
        with closing(deployment):
            load.append(deployment.load_s)
    seen = FIRST_SEEN_MS.get((name, precision), "-")
    prepare_ms, load_ms = (1e3 * statistics.median(times) for times in (total, load))
    print(f"{name:<20}{precision:<10}{prepare_ms:>12.2f}{load_ms:>15.2f}   {seen}", flush=True)


def conversion() -> None:
    """Convert networks to TFLite: time without, memory with its allocations traced."""
    for network in NETWORKS:
        graph = build(Workload.parse(network))
        took_s = median_s(partial(tflite_model, graph, 0), runs=5, warmup=1)
        show(f"{network} to TFLite", took_s, "s", 1)
        tracemalloc.start()
        tflite_model(graph, 1)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        show(f"  {network}: most memory over its weights", peak / graph.size_bytes, "times", 3)


def main() -> None:
    """Print every figure."""
    conversion()
    platforms()


if __name__ == "__main__":
    main()
