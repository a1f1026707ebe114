"""The instrument on trial: errors under load beside other tools, repeatability, coverage, pace.

Takes long, on cores that should have nothing else to do; broken off, it goes on where it was. Given
names of parts (``simulated``, a platform, ``pace``), it does those only.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.instrument.coverage import resampled, simulated
from benchmarks.instrument.journal import Journal
from benchmarks.instrument.judging import (
    Beside,
    Latencies,
    Run,
    agreeing,
    judged,
    ratio,
    repeatable,
    samples,
    seen,
    undisturbed,
)
from benchmarks.instrument.measuring import Instrument, busy
from benchmarks.instrument.others import TOOLS
from benchmarks.instrument.workloads import WORKLOADS
from opscope.core.configuration import Workload
from opscope.core.measurement import Measurement
from opscope.core.space import Range, Space
from opscope.core.study import MeterName, Protocol, Study
from opscope.core.trial import Trial
from opscope.engine.executors.local import LocalExecutor
from opscope.engine.runner import run_study
from opscope.store import Store

PLATFORMS = ("onnxruntime-cpu", "openvino-cpu")
LOADS = (1, 2, 4)
USUAL = Protocol(patience=6)
"""What measures: as usual, but up to six times as many rounds where the core is shared."""

PLAIN = Protocol(priority=False)
TRUTH = Protocol(rounds=340, patience=1, precision=1e-9)
"""All of 340 rounds, of three calls each at least: a thousand idle calls before, as many after."""

TRIES = 3
"""How often a truth is tried of what had not the core alone for enough."""

COMPARED = {"mean of 100": 1, "median of 10 + 50": 1, "pyperf --fast": 15}
"""Every how many workloads a tool is tried on; every fifth unless said."""


def main() -> None:
    """Run every part, or those named, and print each figure beside its target."""
    journal = Journal()
    parts: dict[str, Callable[[], None]] = {
        name: partial(print_kept, journal, name, text)
        for name, text in (("simulated", simulate), ("pace", pace))
    }
    parts |= {platform: partial(try_on, platform, journal) for platform in PLATFORMS}
    chosen = sys.argv[1:] or list(parts)
    for name in chosen:
        if name not in parts:
            sys.exit(f"there is no part {name!r}; there are {', '.join(parts)}")
        parts[name]()
    for name in chosen:
        journal.forget(name)


def print_kept(journal: Journal, name: str, text: Callable[[], str]) -> None:
    """Print what a part says, or said before a break."""
    print(journal.kept(name, str, text))


def simulate() -> str:
    """Return the coverage on simulated clocks."""
    found = list(simulated())
    return "\n".join(
        [
            "== coverage on simulated clocks, sampling until ±2 % (asked: 90 to 98 %)",
            *(
                f"  {kind:32s} {100 * scale:4.1f} %  {100 * coverage:5.1f} %  {rounds:3.0f} rounds"
                for kind, scale, coverage, rounds in found
            ),
            f"  mean {100 * np.mean([coverage for _, _, coverage, _ in found]):.1f} %",
        ]
    )


class Bench:
    """One platform's runs of the thirty workloads, each kept under its name."""

    def __init__(self, instrument: Instrument, journal: Journal) -> None:
        self.instrument = instrument
        self.platform = instrument.info.name
        self._journal = journal

    def run(
        self,
        name: str,
        protocol: Protocol,
        *,
        workloads: Sequence[Workload] = WORKLOADS,
        seed: int = 0,
        load: int = 0,
    ) -> Run:
        """Return what opscope measures, beside so many busy processes."""

        def kept(take: Callable[[], list[Trial]]) -> list[Trial]:
            def beside() -> list[Trial]:
                with busy(load):
                    return take()

            return self._journal.kept(f"{self.platform}, {name}", list[Trial], beside)

        start_s = time.perf_counter()
        found = self.instrument.measure(workloads, protocol, seed=seed, kept=kept)
        said = seen(found, self.instrument.reference)
        print(f"  {name}: {said}, {time.perf_counter() - start_s:.0f} s")
        return found

    def truth(self, number: int) -> Run:
        """Return what the idle machine says, of workloads that had the core alone for enough.

        Those that had not are tried again, and once more.
        """
        found: dict[Workload, Measurement] = {}
        for again in range(TRIES):
            if left := [workload for workload in WORKLOADS if workload not in found]:
                run = self.run(f"truth {number}.{again}", TRUTH, workloads=left)
                found |= undisturbed(run, self.instrument.reference)
        return found

    def compared(self, load: int) -> dict[str, Latencies]:
        """Return what each other tool says of some of the workloads beside a load."""

        def taken() -> dict[str, dict[str, float]]:
            with busy(load):
                return {name: asked(name, self.platform) for name in TOOLS}

        name = f"{self.platform}, other tools beside {load} busy"
        said = self._journal.kept(name, dict[str, dict[str, float]], taken)
        named = {str(workload): workload for workload in WORKLOADS}
        return {
            tool: {named[text]: seconds for text, seconds in found.items()}
            for tool, found in said.items()
        }


def try_on(platform: str, journal: Journal) -> None:
    """Errors under load against the quiet truth around it, repeatability, samples, coverage."""
    print(f"\n== {platform}")
    with LocalExecutor() as executor:
        bench = Bench(Instrument(platform, executor), journal)
        before = first = bench.truth(0)
        quiet = [bench.run(f"idle {seed}", USUAL, seed=seed) for seed in (1, 2)]
        repeatable("two quiet runs", *quiet)
        samples(quiet, USUAL)
        beside: list[Beside] = []
        for load in LOADS:
            runs = loaded(bench, load)
            said = bench.compared(load) if load < max(LOADS) else {}
            after = bench.truth(load)
            truth = agreeing(before, after, len(WORKLOADS))
            for name, run in runs.items():
                judged(name, run, truth)
            beside.append(Beside(said, runs[f"{load} busy"], truth))
            before = after
    for name in TOOLS:
        ratio(name, beside)
    held = resampled(first, bench.instrument.info, bench.instrument.reference)
    if held:
        print(f"coverage of the long-run truth: {100 * np.mean(held):.1f} % of {len(held)}")


def loaded(bench: Bench, load: int) -> dict[str, Run]:
    """Return what opscope measures beside so many busy processes."""
    runs = {f"{load} busy": bench.run(f"{load} busy", USUAL, load=load)}
    if load < max(LOADS):
        name = f"{load} busy, without priority"
        runs[name] = bench.run(name, PLAIN, load=load)
    return runs


def asked(tool: str, platform: str) -> dict[str, float]:
    """Return what a tool says of some workloads, by their texts; nothing where it cannot."""
    taken: dict[str, float] = {}
    for workload in WORKLOADS[:: COMPARED.get(tool, 5)]:
        try:
            taken[str(workload)] = TOOLS[tool](platform, workload)
        except (NotImplementedError, subprocess.CalledProcessError):
            break
    return taken


def pace() -> str:
    """Return how five hundred operators below a millisecond went through on onnxruntime."""
    spaces = [
        Space(
            kind="conv",
            base={"h": 14, "cin": 64, "k": 3},
            axes={"cout": Range(start=2, stop=250, step=2)},
        ),
        Space(
            kind="conv",
            base={"h": 28, "cin": 96, "k": 1},
            axes={"cout": Range(start=2, stop=250, step=2)},
        ),
        Space(kind="dwconv", base={"h": 28, "k": 3}, axes={"c": Range(start=2, stop=250, step=2)}),
        Space(kind="dwconv", base={"h": 14, "k": 5}, axes={"c": Range(start=2, stop=250, step=2)}),
    ]
    study = Study(
        name="pace",
        title="",
        question="",
        spaces=tuple(spaces),
        meters=(MeterName(name="call-latency"),),
    )
    with tempfile.TemporaryDirectory() as folder, LocalExecutor() as executor:
        executor.describe("onnxruntime-cpu")
        with Store(Path(folder) / "pace.db", write=True) as store:
            summary = run_study(study, ["onnxruntime-cpu"], store=store, executor=executor)
            latencies = [item.trial.measurement("latency_s") for item in store.trials(summary.run)]
    found = [latency for latency in latencies if latency]
    reached = np.mean([latency.stopped == "precision" for latency in found])
    slowest_s = max(latency.value for latency in found)
    return (
        f"\n== pace: {summary.total} operators, slowest {1e3 * slowest_s:.2f} ms,"
        f" {100 * reached:.0f} % within ±2 %\n"
        f"share of wall time inside the runtime: {100 * summary.runtime_share:.0f} % (asked: 70)\n"
        f"configurations per hour: {3600 * summary.total / summary.wall_s:,.0f} (asked: 20,000)"
    )


if __name__ == "__main__":
    main()
