"""Reference kernels: what they are, and what they tell of the machine's speed. Run elsewhere."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from opscope.core.configuration import Workload
from opscope.core.measurement import Speed
from opscope.core.readings import Round
from opscope.core.record import Record
from opscope.cost import count_layers
from opscope.graph import build, resolve
from opscope.graph.stacks import Term
from opscope.meters.caches import largest_cache
from opscope.stats.location import LEAST_ROUNDS, low_location


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
    Probe(name="dense", bound="memory", configuration="fc:cin=1280,cout=1000"),
    Probe(name="late3x3", bound="memory", configuration="conv:h=4,cin=256,cout=512,k=3"),
    Probe(name="conv3x3", bound="compute", configuration="conv:h=14,cin=64,cout=64,k=3"),
    Probe(name="conv1x1", bound="compute", configuration="conv:h=28,cin=96,cout=96,k=1"),
)
"""Two of each bound, so that one can be held out to see whether correcting by the other helps."""

PAUSE_S = 4e-3
"""How long the compute-bound ones run before each memory-bound one is called once more: what others
drive out of the shared caches in that time, it then fetches from memory."""


def later(probe: Probe) -> str:
    """Return the name under which a probe's call after the pause is kept."""
    return f"{probe.name} later"


def probed(rounds: Sequence[Round]) -> dict[str, float]:
    """Return the undisturbed duration of each probe over the rounds, in seconds.

    A probe that was undisturbed in fewer than six of them is absent: what it says would be chance,
    and correcting by it, or its disagreement with another, would cost more than it brings.
    """
    found: dict[str, list[float]] = {}
    for seen in rounds:
        for name, samples in seen.probes.items():
            if samples.fastest_s is not None:
                found.setdefault(name, []).append(samples.fastest_s)
    return {
        name: low_location(fastest)
        for name, fastest in found.items()
        if len(fastest) >= LEAST_ROUNDS
    }


def speed(
    workload: Workload,
    timed: Sequence[tuple[Term, float]],
    rounds: Sequence[Round],
    reference: Mapping[str, float],
) -> Speed | None:
    """Return how fast the machine was for such a workload, where held-out probes agree on it.

    What computing would take alone is slowed by what the compute-bound probes say, what memory
    access would take alone by what the memory-bound ones say, and neither by the other's. Of the
    two probes of a bound either is held out: only if the other was slower or faster as well is
    something corrected, by their harmonic mean, which leaves both nearer to their reference than
    they were. Half their disagreement is its error. By experiment: docs/instrument.md.

    Args:
        workload: What the figure is about.
        timed: The networks that were called for it, each with the seconds that a call took.
        rounds: In which the probes ran.
        reference: Seconds that each probe took when the run began.
    """
    if not rounds or not reference:
        return None
    now = probed(rounds)
    moving = _memory_share(workload, reference)
    factor = variance = 0.0
    for bound, share in (("compute", 1 - moving), ("memory", moving)):
        names = [probe.name for probe in _of(bound)]
        if all(name in now and name in reference for name in names):
            first, second = (math.log(now[name] / reference[name]) for name in names)
            if agreed := _agreed(first, second):
                factor += share * agreed
                variance += (share * (first - second) / 2) ** 2
    longer_s = sum(
        term.coefficient * _refetch_s(term.workload, call_s, now, reference)
        for term, call_s in timed
    )
    if not factor and not longer_s:
        return None
    return Speed(
        bound="memory" if moving > 1 / 2 else "compute",
        memory_share=moving,
        factor=math.exp(factor),
        error=math.sqrt(variance),
        refetch_s=longer_s,
    )


def _of(bound: str) -> list[Probe]:
    return [probe for probe in PROBES if probe.bound == bound]


def _agreed(first: float, second: float) -> float:
    """Return the harmonic mean of two changes, or none where they contradict each other."""
    return 2 * first * second / (first + second) if first * second > 0 else 0.0


def _refetch_s(
    workload: Workload, call_s: float, now: Mapping[str, float], reference: Mapping[str, float]
) -> float:
    """Return how much longer than at the reference a call took to fetch again what it had lost.

    From one call to the next a network's weights and activations stay in the caches that cores
    share, unless others drive them out, and the longer it takes, the more of them. What a byte
    costs then, the memory-bound probes show by their calls after the pause. What no cache holds
    comes from memory in any case.
    """
    counts = _counts(workload)
    if counts.held_bytes > (largest_cache() or 0):
        return 0.0
    changes = []
    for probe in _of("memory"):
        names = (probe.name, later(probe))
        if not all(name in now and name in reference for name in names):
            return 0.0
        if reference[probe.name] >= PAUSE_S:  # it lasts as long itself: nothing to compare with
            return 0.0
        lost, usual = (seen[names[1]] - seen[names[0]] for seen in (now, reference))
        passed = (call_s - reference[probe.name]) / (PAUSE_S - reference[probe.name])
        share = min(max(passed, 0.0), 1.0)
        changes.append(share * (lost - usual) / _counts(probe.workload).held_bytes)
    return counts.held_bytes * _agreed(*changes)


def _memory_share(workload: Workload, reference: Mapping[str, float]) -> float:
    """Return the share of its time that memory access takes, were it and computing to take turns.

    The peaks are those that the probes themselves show (behaviour study, Sec. 4.2: rooflines).
    """
    peaks = {"compute": 0.0, "memory": 0.0}
    for probe in PROBES:
        if probe.name in reference:
            counts = _counts(probe.workload)
            work = counts.moved_bytes if probe.bound == "memory" else counts.macs
            peaks[probe.bound] = max(peaks[probe.bound], work / reference[probe.name])
    counts = _counts(workload)
    computing, moving = counts.macs * peaks["memory"], counts.moved_bytes * peaks["compute"]
    return moving / (computing + moving) if moving else 0.0


class _Counts(NamedTuple):
    """What a call of a workload takes: MACs, bytes moved, and bytes of weights and activations."""

    macs: int
    moved_bytes: int
    held_bytes: int


@functools.lru_cache(maxsize=1024)
def _counts(workload: Workload) -> _Counts:
    layers = count_layers(build(workload), precision=workload.precision)
    return _Counts(
        macs=sum(layer.macs or 0 for layer in layers),
        moved_bytes=sum(layer.memory_access_bytes for layer in layers),
        held_bytes=sum(layer.weight_bytes for layer in layers)
        + max((layer.live_bytes for layer in layers), default=0),
    )
