"""Reference kernels: what they are, and what they tell of the machine's speed. Run elsewhere."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence

from opscope.core.configuration import Workload
from opscope.core.measurement import Speed
from opscope.core.readings import Round
from opscope.core.record import Record
from opscope.cost import count_layers
from opscope.graph import build, resolve
from opscope.stats.location import low_location


class Probe(Record, frozen=True, kw_only=True):
    """A small known kernel that shows how fast the machine is.

    Attributes:
        bound: What bounds it: ``compute``, or ``memory`` (its weights do not fit the inner caches).
    """

    name: str
    bound: str
    configuration: str

    @property
    def workload(self) -> Workload:
        """What is deployed."""
        return Workload(configuration=resolve(self.configuration))


PROBES = (
    Probe(name="conv3x3", bound="compute", configuration="conv:h=14,cin=64,cout=64,k=3"),
    Probe(name="conv1x1", bound="compute", configuration="conv:h=28,cin=96,cout=96,k=1"),
    Probe(name="dense", bound="memory", configuration="fc:cin=1280,cout=1000"),
    Probe(name="late3x3", bound="memory", configuration="conv:h=4,cin=256,cout=512,k=3"),
)
"""Two of each bound, so that one can be held out to see whether correcting by the other helps."""


def readings(rounds: Sequence[Round]) -> dict[str, float]:
    """Return the undisturbed duration of each probe over the rounds, in seconds.

    A probe that was disturbed in every round is absent.
    """
    found = {}
    for probe in PROBES:
        samples = (seen.probes[probe.name] for seen in rounds if probe.name in seen.probes)
        if fastest := [s for taken in samples if (s := taken.fastest_s) is not None]:
            found[probe.name] = low_location(fastest)
    return found


def speed(
    workload: Workload, rounds: Sequence[Round], reference: Mapping[str, float]
) -> Speed | None:
    """Return how fast the machine was for such a workload, where held-out probes agree on it.

    What computing would take alone is slowed by what the compute-bound probes say, what memory
    access would take alone by what the memory-bound ones say, and neither by the other's. Of the
    two probes of a bound either is held out: only if the other was slower or faster as well is
    something corrected, by their harmonic mean, which leaves both nearer to their reference than
    they were. Half their disagreement is its error. By experiment: docs/instrument.md.
    """
    if not rounds or not reference:
        return None
    now = readings(rounds)
    moving = _memory_share(workload, reference)
    factor = variance = 0.0
    for bound, share in (("compute", 1 - moving), ("memory", moving)):
        names = [probe.name for probe in PROBES if probe.bound == bound]
        if not all(name in now and name in reference for name in names):
            continue
        first, second = (math.log(now[name] / reference[name]) for name in names)
        if first * second > 0:
            factor += share * 2 * first * second / (first + second)
            variance += (share * (first - second) / 2) ** 2
    if not factor:
        return None
    return Speed(
        bound="memory" if moving > 1 / 2 else "compute",
        memory_share=moving,
        factor=math.exp(factor),
        error=math.sqrt(variance),
    )


def _memory_share(workload: Workload, reference: Mapping[str, float]) -> float:
    """Return the share of its time that memory access takes, were it and computing to take turns.

    The peaks are those that the probes themselves show (behaviour study, Sec. 4.2: rooflines).
    """
    macs, moved = _counts(workload)
    peaks = {"compute": 0.0, "memory": 0.0}
    for probe in PROBES:
        if probe.name in reference:
            rate = _counts(probe.workload)[probe.bound == "memory"] / reference[probe.name]
            peaks[probe.bound] = max(peaks[probe.bound], rate)
    computing, moving = macs * peaks["memory"], moved * peaks["compute"]
    return moving / (computing + moving) if moving else 0.0


@functools.lru_cache(maxsize=1024)
def _counts(workload: Workload) -> tuple[int, int]:
    """Return MACs and bytes of memory access."""
    layers = count_layers(build(workload), precision=workload.precision)
    moved = sum(layer.memory_access_bytes for layer in layers)
    return sum(layer.macs or 0 for layer in layers), moved
