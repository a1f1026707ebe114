"""Diagnosis: how good a machine is for measuring, and what it was judged by, as records."""

from __future__ import annotations

from typing import Literal

from opscope.core.configuration import Precision
from opscope.core.environment import Environment
from opscope.core.platform import PlatformInfo
from opscope.core.readings import Samples
from opscope.core.record import Record
from opscope.core.trial import Trial

Quality = Literal["good", "usable", "poor"]


class Kernel(Record, frozen=True, kw_only=True):
    """One workload that a machine was examined with.

    Attributes:
        role: ``steadiness`` for one that stands for what is usually measured; ``compute`` and
            ``memory`` for one that does little else.
        macs: Multiply-accumulates in a call.
        bytes: Memory access in a call.
    """

    role: Literal["steadiness", "compute", "memory"]
    macs: int
    bytes: int
    trial: Trial


class Copied(Record, frozen=True, kw_only=True):
    """A plain copy in memory; ``bytes`` counts what each call read and wrote."""

    bytes: int
    samples: Samples


class Examination(Record, frozen=True, kw_only=True):
    """What was read off a machine, raw."""

    platform: PlatformInfo
    environment: Environment
    kernels: tuple[Kernel, ...]
    copied: Copied | None = None


class Noise(Record, frozen=True, kw_only=True):
    """How the rounds' fastest undisturbed calls scatter around their median, relative.

    Attributes:
        deviation: Median absolute deviation.
        low: Where the lower end of the middle 95 % lies, below 0.
        high: Where their upper end lies.
    """

    deviation: float
    low: float
    high: float


class Drift(Record, frozen=True, kw_only=True):
    """How durations changed while the machine was watched, relative.

    Attributes:
        per_minute: Their trend; positive when the machine got slower.
        range: How far five consecutive parts of the time lie apart.
        significant: Whether the change is more than noise would feign.
    """

    per_minute: float
    range: float
    significant: bool


class Rate(Record, frozen=True, kw_only=True):
    """Work over time, as measured.

    Attributes:
        what: The workload.
        precision: Its number format; absent where none takes part.
        interval: 95 %; absent with too few rounds.
    """

    what: str
    value: float
    unit: str
    precision: Precision | None = None
    interval: tuple[float, float] | None = None


class Expectation(Record, frozen=True, kw_only=True):
    """What precision measuring here will have: half-widths of 95 % intervals, relative.

    Attributes:
        least_rounds: Rounds of a measurement at least, those that do not count among them.
        most_rounds: Rounds of a measurement at most.
        after_least: Half-width after the fewest rounds; absent if fewer were seen.
        after_most: Half-width after the most; absent if fewer were seen.
        wanted: Half-width at which measuring stops.
        rounds: Rounds that takes half of the time; absent if the most are not enough then.
        rounds_mostly: Rounds that takes nine times in ten; absent likewise.
    """

    least_rounds: int
    most_rounds: int
    after_least: float | None
    after_most: float | None
    wanted: float
    rounds: int | None
    rounds_mostly: int | None


class Advice(Record, frozen=True, kw_only=True):
    """One thing to change: what is found, why it matters, how to change it."""

    what: str
    why: str
    how: str


class Diagnosis(Record, frozen=True, kw_only=True):
    """How good a machine is for measuring on one platform.

    Attributes:
        verdict: The quality with its reason, in one sentence.
        span_s: Seconds over which the machine was watched.
        rounds: Rounds in that time.
        disturbed: Share of calls that something disturbed, by what.
        shared: Share of moments at which another hardware thread used the core that measured.
        counted: Share of rounds that measuring counts, because the core was alone in them. Noise,
            drift and expectation are of these, unless they are too few for a trusted figure.
        steal: Processors' worth of time that the hypervisor gave to others.
        neighbours: Processors' worth of time that other processes took.
        frequency_hz: Lowest and highest clock frequency seen.
        temperature_c: Highest temperature seen.
        isolation: What was done to keep others out, and what was not permitted.
        peaks: Most MACs per second, for each precision.
        bandwidth: Bytes per second, of what streams memory.
        copy_bandwidth: The same of a plain copy, outside the runtime.
        ridge: MACs per byte above which computation is the bound, by precision.
        missing: Workloads that gave no figure, each with the reason.
        absent: Facts that could not be had, each with the reason.
    """

    platform: PlatformInfo
    environment: Environment
    quality: Quality
    verdict: str
    span_s: float
    rounds: int
    noise: Noise
    drift: Drift
    expectation: Expectation
    disturbed: dict[str, float] = {}
    shared: float | None = None
    counted: float = 1.0
    steal: float | None = None
    neighbours: float | None = None
    frequency_hz: tuple[float, float] | None = None
    temperature_c: float | None = None
    isolation: tuple[str, ...] = ()
    peaks: tuple[Rate, ...] = ()
    bandwidth: Rate | None = None
    copy_bandwidth: Rate | None = None
    ridge: dict[Precision, float] = {}
    advice: tuple[Advice, ...] = ()
    missing: dict[str, str] = {}
    absent: dict[str, str] = {}
