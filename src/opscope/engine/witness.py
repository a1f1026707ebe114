"""The witness: what the machine says of itself at the start of each round."""

from __future__ import annotations

import contextlib
import os
import time
from contextlib import ExitStack
from pathlib import Path

from opscope.core.readings import Round, Samples
from opscope.core.study import Instrumentation
from opscope.errors import OpscopeError
from opscope.graph import build
from opscope.meters.probes import PROBES
from opscope.platforms.base import Platform, TimedDeployment

_WARM = 2
_SAMPLES = 3
_SHARE = 0.05
"""Share of the time that probes may take."""

_STEAL = 8
"""Field of the first line of /proc/stat that counts stolen time, in ticks."""


class Witness:
    """Runs the reference kernels on a platform and reads clocks, frequency and temperature."""

    def __init__(self, platform: Platform, seed: int, held: ExitStack) -> None:
        self._probes = _prepared(platform, seed, held)
        self._start = time.perf_counter()
        self._steal_s = _steal_s()
        self._probe_again_s = 0.0

    def elapsed_s(self) -> float:
        """Return the seconds since it was set up."""
        return time.perf_counter() - self._start

    def look(self) -> Round:
        """Return what is to be seen now."""
        before, self._steal_s = self._steal_s, _steal_s()
        stolen = None if before is None or self._steal_s is None else self._steal_s - before
        return Round(
            start_s=self.elapsed_s(),
            probes=self._probed(),
            steal_s=stolen,
            frequency_hz=_frequency_hz(),
            temperature_c=_temperature_c(),
        )

    def _probed(self) -> dict[str, Samples]:
        """Run the probes, unless rounds are so short that these would take most of the time."""
        start_s = self.elapsed_s()
        if start_s < self._probe_again_s:
            return {}
        taken = {name: _taken(deployment) for name, deployment in self._probes.items()}
        self._probe_again_s = start_s + (self.elapsed_s() - start_s) / _SHARE
        return taken


def _taken(deployment: TimedDeployment) -> Samples:
    for _ in range(_WARM):
        deployment.call()
    return deployment.sample(_SAMPLES)


def _prepared(platform: Platform, seed: int, held: ExitStack) -> dict[str, TimedDeployment]:
    """Return the probes that the platform takes; one that it refuses is simply not there."""
    probes: dict[str, TimedDeployment] = {}
    for probe in PROBES:
        with contextlib.suppress(OpscopeError):
            deployment = platform.prepare(
                probe.workload, seed=seed, instrumentation=Instrumentation()
            )
            held.callback(deployment.close)
            if isinstance(deployment, TimedDeployment):
                deployment.bind(build(probe.workload).draw_inputs(seed))
                probes[probe.name] = deployment
    return probes


def _steal_s() -> float | None:
    with contextlib.suppress(OSError, IndexError, ValueError):
        fields = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()
        return int(fields[_STEAL]) / os.sysconf("SC_CLK_TCK")
    return None


def _frequency_hz() -> float | None:
    path = Path(
        f"/sys/devices/system/cpu/cpu{min(os.sched_getaffinity(0))}/cpufreq/scaling_cur_freq"
    )
    with contextlib.suppress(OSError, ValueError):
        return float(path.read_text(encoding="ascii")) * 1000
    return None


def _temperature_c() -> float | None:
    found = []
    for path in Path("/sys/class/thermal").glob("thermal_zone*/temp"):
        with contextlib.suppress(OSError, ValueError):
            found.append(float(path.read_text(encoding="ascii")) / 1000)
    return max(found, default=None)
