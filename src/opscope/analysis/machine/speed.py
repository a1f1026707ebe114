"""How fast the machine is: MACs per second, bytes per second, and which of them bounds when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from opscope.analysis.machine.series import fastest
from opscope.core.configuration import Precision
from opscope.core.diagnosis import Copied, Kernel, Rate
from opscope.stats.location import low_interval, low_location

_BEYOND = 2
"""Times the largest cache."""


def peaks(kernels: Sequence[Kernel]) -> tuple[Rate, ...]:
    """Return the most MACs per second of each precision."""
    best: dict[Precision, Rate] = {}
    for kernel in kernels:
        if kernel.role == "compute":
            found = _rate(kernel, kernel.macs, "MAC/s")
            precision = kernel.trial.job.workload.precision
            if precision not in best or found.value > best[precision].value:
                best[precision] = found
    return tuple(best.values())


def bandwidth(
    kernels: Sequence[Kernel], caches: Mapping[str, int], absent: dict[str, str]
) -> Rate | None:
    """Return the bytes per second of what streams memory, if that was more than the caches hold."""
    streams = [kernel for kernel in kernels if kernel.role == "memory"]
    if not streams:
        absent["bandwidth"] = "not available, because nothing that streams memory was measured"
    elif streams[0].bytes < _BEYOND * max(caches.values(), default=0):
        absent["bandwidth"] = (
            "not available, because too little memory is free to exceed the caches"
        )
    else:
        return _rate(streams[0], streams[0].bytes, "B/s")
    return None


def copy_bandwidth(copied: Copied | None) -> Rate | None:
    """Return the bytes per second of the fastest undisturbed plain copy."""
    if copied is None:
        return None
    durations = copied.samples.undisturbed_s or copied.samples.durations_s
    return Rate(what="numpy.copyto", value=copied.bytes / min(durations), unit="B/s")


def ridge(peaks: Sequence[Rate], bandwidth: Rate | None) -> dict[Precision, float]:
    """Return the MACs per byte at which computation takes over from memory as the bound.

    Source: behaviour study, Sec. 4.2 (rooflines, Fig. 6b).
    """
    if bandwidth is None:
        return {}
    return {peak.precision: peak.value / bandwidth.value for peak in peaks if peak.precision}


def _rate(kernel: Kernel, work: int, unit: str) -> Rate:
    durations = fastest(kernel)
    bounds = low_interval(durations)
    workload = kernel.trial.job.workload
    return Rate(
        what=str(workload.configuration),
        precision=workload.precision,
        value=work / low_location(durations),
        unit=unit,
        interval=(work / bounds[1], work / bounds[0]) if bounds and bounds[0] > 0 else None,
    )
