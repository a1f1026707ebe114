"""What to change on a machine before measuring: one rule each, only where a fact calls for it."""

from __future__ import annotations

from collections.abc import Callable

from opscope.core.diagnosis import Advice, Diagnosis

_MUCH_STEAL = 0.02
_MUCH_OTHERS = 0.05
"""Processors' worth of time."""

_MUCH_DISTURBED = 0.2
_MUCH_SHARED = 0.1
_SLOW_TIMER_S = 1e-6
_LOW_MEMORY = 0.1
_CPUS = "/sys/devices/system/cpu"


def advise(found: Diagnosis) -> tuple[Advice, ...]:
    """Return what to change, what disturbs most first."""
    return tuple(advice for rule in _RULES if (advice := rule(found)))


def _neighbours(found: Diagnosis) -> Advice | None:
    if found.neighbours is None or found.neighbours <= _MUCH_OTHERS:
        return None
    of = found.environment.processors or found.environment.cores
    return Advice(
        what=f"other processes took {found.neighbours:.2f} of {of} processors",
        why="they preempt the measured calls, empty caches and share cores and memory bandwidth",
        how="End them, or measure when they rest; `top` names them.",
    )


def _shared(found: Diagnosis) -> Advice | None:
    if found.shared is None or found.shared <= _MUCH_SHARED:
        return None
    return Advice(
        what=f"another hardware thread used the measuring core at {found.shared:.0%} of moments",
        why="calls take up to half as long again then, and only rounds without it count",
        how=(
            "Leave the sibling processor idle (/sys/devices/system/cpu/cpu*/topology/"
            "thread_siblings_list); on a rented machine, ask for whole cores, wait longer "
            "([protocol] patience), or measure the core as it is: --shared-core."
        ),
    )


def _steal(found: Diagnosis) -> Advice | None:
    if found.steal is None or found.steal <= _MUCH_STEAL:
        return None
    return Advice(
        what=f"the hypervisor gave {found.steal:.2f} processors to others",
        why="the machine stands still meanwhile, and nothing marks the calls that waited",
        how="Use a machine with dedicated processors, or one that is not virtual.",
    )


def _quota(found: Diagnosis) -> Advice | None:
    environment = found.environment
    if environment.cpu_limit is None:
        return None
    return Advice(
        what=f"the container grants {environment.cpu_limit:g} of {environment.cores} processors",
        why="once the share of a period is used up, calls wait for the next one",
        how="Bind the container to processors instead: --cpuset-cpus in place of --cpus.",
    )


def _threads(found: Diagnosis) -> Advice | None:
    cores, threads = found.environment.cores, found.platform.threads
    if threads < cores:
        return None
    return Advice(
        what=f"{threads} of {cores} allowed processors compute",
        why="the system's own work has no other place to go than onto a measured one",
        how="Leave a processor free: fewer threads, or a wider affinity (taskset, cpuset).",
    )


def _priority(found: Diagnosis) -> Advice | None:
    if not any(text.startswith("priority not available") for text in found.isolation):
        return None
    return Advice(
        what="a higher priority was refused",
        why="any process may take the processor in the midst of a call",
        how=(
            "Let the user have it: a line `USER - nice -20` in /etc/security/limits.conf, "
            "--cap-add SYS_NICE for a container; or run as root."
        ),
    )


def _governor(found: Diagnosis) -> Advice | None:
    governor = found.environment.governor
    if governor in {None, "performance"}:
        return None
    return Advice(
        what=f"the frequency governor is {governor}",
        why="the clock follows the load, so that a short call runs slower than a long one",
        how="sudo cpupower frequency-set -g performance",
    )


def _turbo(found: Diagnosis) -> Advice | None:
    if not found.environment.turbo:
        return None
    return Advice(
        what="turbo is on",
        why="the clock depends on temperature, on the instructions and on the other cores' work",
        how=(
            f"echo 1 | sudo tee {_CPUS}/intel_pstate/no_turbo, "
            f"elsewhere echo 0 | sudo tee {_CPUS}/cpufreq/boost"
        ),
    )


def _drift(found: Diagnosis) -> Advice | None:
    if not found.drift.significant:
        return None
    return Advice(
        what=f"the same calls changed by {found.drift.per_minute:+.1%} a minute",
        why="configurations measured at different times are not comparable by that much",
        how="Let the machine warm up under load for some minutes, then ask again.",
    )


def _blind(found: Diagnosis) -> Advice | None:
    if not found.environment.virtual_machine or found.frequency_hz is not None:
        return None
    return Advice(
        what="a virtual machine that does not show its clock frequency",
        why="changes of the clock and neighbours on the same host cannot be seen from inside",
        how="Compare only what one run measured, and run it again at another time of day.",
    )


def _disturbed(found: Diagnosis) -> Advice | None:
    share = sum(found.disturbed.values())
    if share <= _MUCH_DISTURBED:
        return None
    return Advice(
        what=f"{share:.0%} of the calls were disturbed",
        why="they are left out, so measuring takes longer, and long calls may have none left",
        how="Keep a core for measuring (isolcpus, cpuset), or measure when the machine rests.",
    )


def _memory(found: Diagnosis) -> Advice | None:
    environment = found.environment
    total, available = environment.memory_bytes, environment.available_bytes
    if environment.swap_used_bytes:
        what = f"{environment.swap_used_bytes / 1024**2:.0f} MiB of memory are swapped out"
    elif total and available is not None and available < _LOW_MEMORY * total:
        what = f"{available / 1024**2:.0f} MiB of memory are left"
    else:
        return None
    return Advice(
        what=what,
        why="a call that touches a page on disk takes thousands of times as long",
        how="End what holds the memory, then sudo swapoff -a.",
    )


def _timer(found: Diagnosis) -> Advice | None:
    overhead_s = found.environment.timer_s
    if overhead_s is None or overhead_s <= _SLOW_TIMER_S:
        return None
    source = found.environment.clock_source or "unknown"
    return Advice(
        what=f"reading the clock takes {overhead_s * 1e6:.2g} µs (clock source {source})",
        why="every call is that much longer, which short ones cannot hide",
        how="Boot with clocksource=tsc, where the processor's counter is steady.",
    )


_RULES: tuple[Callable[[Diagnosis], Advice | None], ...] = (
    *(_neighbours, _shared, _steal, _quota, _threads, _disturbed, _priority),
    *(_governor, _turbo, _drift, _memory, _timer, _blind),
)
