"""The witness: what the machine says of itself at the start of each round."""

from __future__ import annotations

import contextlib
import functools
import os
import time
from collections.abc import Iterator
from pathlib import Path

from opscope.core.platform import Origin
from opscope.core.readings import Round, Samples
from opscope.core.study import Instrumentation, Protocol
from opscope.errors import OpscopeError
from opscope.graph import build
from opscope.meters.calls import steady
from opscope.meters.contention import contention
from opscope.meters.probes import PAUSE_S, PROBES, Probe, later
from opscope.platforms.base import Platform, TimedDeployment
from opscope.stats.location import percentiles

_SEED = 0
_USUAL = Protocol()
"""A kernel is called as what is measured is, until it is as warm."""

_MOST_FILLING = 100
"""How often the compute-bound ones fill the pause at most; by their own clock, which may stand."""

_SHARE, _LEAST, _LITTLE_S = 0.05, 8, 0.1
"""Share of the time that probes may take, and in how many rounds they may take more, if that is no
more than so long each."""

_CONTENTIONS = 40
"""How often contention is read in a row: a core that is shared nearly always is not for moments."""

_WATCHED_S = 3.0
"""How long contention is read on a machine that is little known: mostly long enough to catch a core
alone for moments that is not shared for minutes on end."""

_WATCHED_PERCENTILE = 0.1
"""Of so many readings."""

_BUSY, _STEAL = (0, 1, 2, 5, 6), 7
"""Counts of the first line of /proc/stat, in ticks: work of every kind, and time stolen."""


class Probes:
    """The reference kernels on one platform.

    Attributes:
        runtime_s: Seconds that the runtime spent on them so far: to load, warm up and run them.
    """

    def __init__(self, platform: Platform) -> None:
        self.runtime_s = 0.0
        self._platform = platform
        self._deployments: dict[str, TimedDeployment] | None = None
        info = platform.info()
        here = info.origin is Origin.MEASURED and bool(info.instruction_set)
        self._one_core = here and info.threads == 1

    def contention(self) -> tuple[float, ...]:
        """Return how far the core is shared now, if one core of this machine computes.

        Other devices have no part in it, and threads of one platform may share a core themselves.
        """
        return (contention(),) if self._one_core else ()

    def prepare(self) -> None:
        """Load and warm up each, once; one that the platform refuses is simply not there."""
        if self._deployments is None:
            self._deployments = dict(self._prepared())

    def run(self) -> dict[str, Samples]:
        """Return a few calls of each that is prepared, and of the memory-bound one more, later."""
        memory, compute = self._of("memory"), self._of("compute")
        found = {probe.name: self._warm(deployment) for probe, deployment in memory}
        start_s = self.runtime_s
        found |= {probe.name: self._warm(deployment) for probe, deployment in compute}
        for _ in range(_MOST_FILLING):
            if self.runtime_s - start_s >= PAUSE_S:
                break
            for _, deployment in compute:
                self._once(deployment)
        return found | {later(probe): self._once(deployment) for probe, deployment in memory}

    def _of(self, bound: str) -> list[tuple[Probe, TimedDeployment]]:
        deployments = self._deployments or {}
        return [
            (probe, deployments[probe.name])
            for probe in PROBES
            if probe.bound == bound and probe.name in deployments
        ]

    def _prepared(self) -> Iterator[tuple[str, TimedDeployment]]:
        for probe in PROBES:
            with contextlib.suppress(OpscopeError):
                deployment = self._platform.prepare(
                    probe.workload, seed=_SEED, instrumentation=Instrumentation()
                )
                if isinstance(deployment, TimedDeployment):
                    self.runtime_s += deployment.load_s
                    deployment.bind(build(probe.workload).draw_inputs(_SEED))
                    self._warm(deployment)
                    yield probe.name, deployment

    def _warm(self, deployment: TimedDeployment) -> Samples:
        warm, samples = steady(deployment, row=_USUAL.samples, rewarm=_USUAL.rewarm)
        self.runtime_s += sum(warm.durations_s) + sum(samples.durations_s)
        return samples

    def _once(self, deployment: TimedDeployment) -> Samples:
        samples = deployment.sample(1)
        self.runtime_s += sum(samples.durations_s)
        return samples


@functools.cache  # each of a worker's first cohorts asks
def watched(probes: Probes) -> float | None:
    """Return what contention is with the core alone, after reading it for a few seconds."""
    found: list[float] = []
    end_s = time.perf_counter() + _WATCHED_S
    while time.perf_counter() < end_s:
        read = probes.contention()
        if not read:
            return None
        found.extend(read)
    return percentiles(found, _WATCHED_PERCENTILE)[0]


class Witness:
    """Sees a cohort's rounds begin: runs the probes, reads clocks, frequency and temperature."""

    def __init__(
        self, probes: Probes, origin_s: float | None = None, *, sharing: bool = True
    ) -> None:
        self._probes = probes
        self._sharing = sharing
        self._start = time.perf_counter() if origin_s is None else origin_s
        self._processors = _processors()
        self._probe_again_s = 0.0
        self._probings, self._probing_s = 0, 0.0

    def elapsed_s(self) -> float:
        """Return the seconds since the cohort, or the turns that it takes part in, began."""
        return time.perf_counter() - self._start

    @property
    def runtime_s(self) -> float:
        """Seconds that the runtime spent on the probes so far."""
        return self._probes.runtime_s

    def contention(self) -> tuple[float, ...]:
        """Return how far the core is shared now, if that matters to what is measured."""
        return self._probes.contention() if self._sharing else ()

    def look(self) -> Round:
        """Return what is to be seen now."""
        before, self._processors = self._processors, _processors()
        stolen = others = None
        start_s = self.elapsed_s()
        shared = tuple(value for _ in range(_CONTENTIONS) for value in self.contention())
        if before and self._processors:
            others, stolen = (
                now - then for now, then in zip(self._processors, before, strict=True)
            )
        return Round(
            start_s=start_s,
            probes=self._probed(),
            contention=shared + self.contention(),
            steal_s=stolen,
            others_s=others,
            frequency_hz=_frequency_hz(),
            temperature_c=_temperature_c(),
        )

    def _probed(self) -> dict[str, Samples]:
        """Run the probes, unless rounds are so short that these would take most of the time."""
        self._probes.prepare()
        start_s = self.elapsed_s()
        early = self._probings < _LEAST and self._probing_s < _LITTLE_S
        if start_s < self._probe_again_s and not early:
            return {}
        taken = self._probes.run()
        self._probings, self._probing_s = self._probings + 1, self.elapsed_s() - start_s
        self._probe_again_s = start_s + self._probing_s / _SHARE
        return taken


def _processors() -> tuple[float, float] | None:
    """Return the processor time that other processes took so far, and that was stolen."""
    with contextlib.suppress(OSError, IndexError, ValueError):
        if counted := _counted(Path("/proc/stat").read_text(encoding="ascii")):
            second = os.sysconf("SC_CLK_TCK")
            return counted[0] / second - time.process_time(), counted[1] / second
    return None


def _counted(text: str) -> tuple[int, int] | None:
    """Return busy and stolen ticks; some containers show zeros, which count nothing."""
    ticks = [int(field) for field in text.split("\n", 1)[0].split()[1:]]
    return (sum(ticks[field] for field in _BUSY), ticks[_STEAL]) if any(ticks) else None


def _frequency_hz() -> float | None:
    path = Path(
        f"/sys/devices/system/cpu/cpu{min(os.sched_getaffinity(0))}/cpufreq/scaling_cur_freq"
    )
    with contextlib.suppress(OSError, ValueError):
        return float(path.read_text(encoding="ascii")) * 1000
    return None


def _temperature_c() -> float | None:
    found = []
    for path in _sensors():
        with contextlib.suppress(OSError, ValueError):
            found.append(float(path.read_text(encoding="ascii")) / 1000)
    return max(found, default=None)


@functools.cache
def _sensors() -> tuple[Path, ...]:
    return tuple(Path("/sys/class/thermal").glob("thermal_zone*/temp"))
