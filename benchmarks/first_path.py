"""The path from a space to a finding: building, overhead, storing, steps, start-up."""

from __future__ import annotations

import itertools
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.figures import median_s, show
from opscope.analysis.steps import find_steps
from opscope.core.configuration import Workload
from opscope.core.space import Range, Space
from opscope.core.study import MeterName, Study
from opscope.core.trial import Trial
from opscope.engine.executors.local import LocalExecutor
from opscope.engine.runner import run_study
from opscope.graph import build, resolve
from opscope.store import Store

SINGLE = "conv:h=28,cin=320,cout=64,k=3,act=relu"
ANOTHER = "conv:h=28,cin=320,cout={cout},k=3,act=relu"
LARGE = "conv:h=28,cin=1000,cout=1000,k=7"


def building() -> None:
    """Structure and check of one operator; weights per parameter, small and large."""
    counts = itertools.count(1)  # what was built before is kept, so each is another one

    def build_another() -> None:
        build(Workload(configuration=resolve(ANOTHER.format(cout=next(counts)))))

    show("building and checking one operator", 1e3 * median_s(build_another), "ms", 1.5)
    for text in (SINGLE, LARGE):
        graph = build(Workload(configuration=resolve(text)))
        seconds = median_s(lambda graph=graph: graph.materialise(0), runs=7)  # type: ignore[misc]
        figure = f"drawing {graph.parameters:,} weights"
        show(figure, 1e9 * seconds / graph.parameters, "ns/parameter", 10)


def studies(meter: str) -> None:
    """A whole study on real runtimes: overhead of a trial, durable recording, runtime share."""
    study = Study(
        name="bench",
        meters=(MeterName(name=meter),),
        title="",
        question="",
        spaces=(
            Space(
                kind="conv",
                base={"h": 28, "cin": 64, "k": 3},
                axes={"cout": Range(start=1, stop=96)},
            ),
        ),
    )
    for platform in ("onnxruntime-cpu", "openvino-cpu"):
        with tempfile.TemporaryDirectory() as folder, LocalExecutor() as executor:
            executor.describe(platform)  # the worker's start and the runtime's import come once
            with Store(Path(folder) / "bench.db", write=True) as store:
                summary = run_study(study, [platform], store=store, executor=executor)
                trials = [item.trial for item in store.trials(summary.run)]
            overhead_s = (summary.wall_s - summary.load_s - summary.run_s) / summary.total
            show(f"{platform}, {meter}: overhead of a trial", 1e3 * overhead_s, "ms", 10)
            prepared = [t for trial in trials for t in _prepared(trial)]
            each_ms = 1e3 * overhead_s * len(trials) / len(prepared)
            show(f"{platform}, {meter}: of which for each network prepared", each_ms, "ms")
            share = 100 * summary.runtime_share
            show(f"{platform}, {meter}: wall time inside the runtime", share, "%")
            _recording(folder, trials)


def _prepared(trial: Trial) -> set[tuple[int, int]]:
    """Return the networks a trial prepared: each term of its meter, so often."""
    return {(v.term, v.preparation) for m in trial.measurements for v in m.visits}


def _recording(folder: str, trials: list[Trial]) -> None:
    from opscope.meters.environment import read_environment
    from opscope.platforms.registry import open_platform

    info = open_platform("fake").info()
    with Store(Path(folder) / "again.db", write=True) as store:
        run = store.open_run(
            Study(name="again", title="", question="", spaces=()),
        )
        session = store.open_session(run, {info.fingerprint: read_environment()})
        numbers = iter(range(10**6))

        def record() -> None:
            store.add_trial(run, session, f"key{next(numbers)}", info, trials[0])

        show("recording a trial durably", 1e3 * median_s(record, runs=200), "ms", 2)


def steps() -> None:
    """Step detection on 500 points."""
    x = np.arange(1, 501)
    noise = np.random.default_rng(0).normal(1, 0.01, len(x))
    y = (1 + np.ceil(x / 16)) * noise
    figure = "finding steps in 500 points"
    show(figure, 1e3 * median_s(lambda: find_steps(x.tolist(), y.tolist()), runs=10), "ms", 100)


def start_up() -> None:
    """The command line's help, as a process."""
    command = [sys.executable, "-m", "opscope.cli", "--help"]

    def run() -> None:
        subprocess.run(command, check=True, capture_output=True)

    show("opscope --help", median_s(run, runs=15), "s", 0.3)


def main() -> None:
    """Print every figure."""
    start = time.perf_counter()
    building()
    studies("call-latency")
    studies("layer-latency")
    steps()
    start_up()
    show("all of this", time.perf_counter() - start, "s")


if __name__ == "__main__":
    main()
