"""Readings: what was read off a deployment and its machine, raw. What it means is elsewhere."""

from __future__ import annotations

from functools import cached_property

from opscope.core.record import Record

_IDLE_SHARE = 0.02
_IDLE_S = 20e-6
"""How much longer than its CPU time a call may take, as a share and at least, by clocks alone."""


class Samples(Record, frozen=True, kw_only=True, dict=True):
    """Timed calls in a row, raw.

    Attributes:
        durations_s: Duration of each call, in seconds.
        preemptions: Involuntary context switches during each call, as the kernel counts them;
            absent where nobody can tell.
        cpu_s: CPU time of the thread that computes during each call, in seconds; absent where
            several threads do, or nobody can tell.
        clock: What took the durations.
    """

    durations_s: tuple[float, ...]
    preemptions: tuple[int, ...] | None = None
    cpu_s: tuple[float, ...] | None = None
    clock: str

    @cached_property
    def disturbances(self) -> tuple[str, ...]:
        """What disturbed each call, an empty text where nothing is known to have."""
        preemptions = self.preemptions or (0,) * len(self.durations_s)
        cpu_s = self.cpu_s or self.durations_s
        return tuple(map(_disturbance, self.durations_s, preemptions, cpu_s))

    @property
    def undisturbed_s(self) -> tuple[float, ...]:
        """Durations of the calls that nothing is known to have disturbed."""
        pairs = zip(self.durations_s, self.disturbances, strict=True)
        return tuple(duration for duration, disturbance in pairs if not disturbance)

    @cached_property
    def fastest_s(self) -> float | None:
        """Duration of the fastest undisturbed call, if there is one; asked for every round."""
        return min(self.undisturbed_s, default=None)


class DeviceState(Record, frozen=True, kw_only=True):
    """What another device than the processor said of itself, just after it had run.

    Attributes:
        clock_hz: Clock frequency of what computes; on NVIDIA's GPUs that of the SMs.
        memory_clock_hz: Clock frequency of its memory.
        temperature_c: Of the chip.
        power_w: What it drew, as its driver averages it.
        absent: Why something is not there; empty where all is.
    """

    clock_hz: float | None = None
    memory_clock_hz: float | None = None
    temperature_c: float | None = None
    power_w: float | None = None
    absent: str = ""


class Visit(Record, frozen=True, kw_only=True):
    """One short stay at a deployment, raw: nothing measured is thrown away.

    Attributes:
        round: Which round of the cohort, from 0.
        preparation: Which independent preparation of the deployment, from 0.
        term: Which of the networks that the meter reads, from 0.
        start_s: When it began, in seconds since the cohort's first round.
        position: How many visits of the round went before it.
        after_bytes: Working set of the deployment visited before, which it left in the caches.
        rewarm: Calls that warmed it up again after other deployments had run.
        samples: The calls that count.
        device: The device just after them; absent where the processor is it.
        contention: How far another hardware thread used the core just before the visit and just
            after it: time of independent over that of dependent arithmetic. Empty where more than
            one core computes, or another device.
    """

    round: int
    preparation: int
    term: int = 0
    start_s: float = 0.0
    position: int = 0
    after_bytes: int = 0
    rewarm: Samples
    samples: Samples
    device: DeviceState | None = None
    contention: tuple[float, ...] = ()


class Round(Record, frozen=True, kw_only=True):
    """What was seen of the machine at the start of a round, before any deployment was visited.

    Attributes:
        start_s: When, in seconds since the cohort's first round.
        probes: Calls of each reference kernel, by its name; none where rounds follow too fast.
        steal_s: Time that the hypervisor gave to others since the round before, over all cores.
        others_s: Processor time that other processes took since then, over all cores.
        frequency_hz: Clock frequency of the core, where it can be read.
        temperature_c: Of the warmest sensor, where there is one.
        contention: As of a visit; several times before the reference kernels, once after them.
    """

    start_s: float = 0.0
    probes: dict[str, Samples] = {}
    steal_s: float | None = None
    others_s: float | None = None
    frequency_hz: float | None = None
    temperature_c: float | None = None
    contention: tuple[float, ...] = ()


def _disturbance(duration_s: float, preemptions: int, cpu_s: float) -> str:
    if preemptions:
        return "preempted"
    if duration_s - cpu_s > max(_IDLE_SHARE * duration_s, _IDLE_S):
        return "off the processor"
    return ""
