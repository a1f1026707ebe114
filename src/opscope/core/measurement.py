"""Measurement: a quantity with where it came from and how far it can be trusted."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from opscope.core.platform import Origin
from opscope.core.readings import Round, Visit
from opscope.core.record import Record, finite

Stop = Literal["", "precision", "rounds", "budget"]
"""Why sampling ended: the interval was narrow enough, or the rounds or the time were spent."""


class Verdict(StrEnum):
    """Whether a figure may be relied on."""

    TRUSTED = "trusted"
    UNTRUSTED = "untrusted"
    NOT_ASSESSED = "not assessed"


class Trust(Record, frozen=True, kw_only=True):
    """A verdict, and why where it is not plain trust."""

    verdict: Verdict = Verdict.TRUSTED
    reason: str = ""


class Scope(Record, frozen=True, kw_only=True, omit_defaults=True):
    """What a figure is about: the whole network, or one executed node.

    Attributes:
        node: What the runtime calls it.
        sources: The graph's nodes that it does the work of.
        kernel: Its kernel's type, as the runtime has it.
        format: Number format that its kernel computes in; empty where the runtime does not tell.
        device: What ran it where the runtime has several to choose from.
    """

    kind: Literal["network", "node"] = "network"
    node: str = ""
    sources: tuple[str, ...] = ()
    kernel: str = ""
    format: str = ""
    device: str = ""


class Speed(Record, frozen=True, kw_only=True):
    """How fast the machine was while a figure was taken, as its reference kernels tell.

    Attributes:
        bound: What bounds the workload, ``compute`` or ``memory``.
        memory_share: Share of its time that memory access would take, were computing and memory
            access to take turns, each at the rate of the kernels that it bounds.
        factor: Duration over what it would be at the reference; the figure was divided by it.
        error: Relative error of the factor, by which the interval was widened.
        refetch_s: Seconds by which it took longer than at the reference to fetch again what others
            had driven out of the caches that cores share. The figure was relieved of them before
            it was divided, and its interval widened by half of them.
    """

    bound: str
    memory_share: float = 0.0
    factor: float
    error: float
    refetch_s: float = 0.0


class Spread(Record, frozen=True, kw_only=True):
    """The unfiltered samples in three figures, for those who live by deadlines."""

    samples: int
    median: float
    p95: float
    p99: float


class Measurement(Record, frozen=True, kw_only=True, omit_defaults=True):
    """One quantity of one deployment.

    Attributes:
        quantity: Its name with its unit, as in ``latency_s``.
        unit: The unit in words of the SI, or what is counted.
        interval: 95 % interval in the same unit, absent with a reason in ``interval_note``.
        derivation: How the value follows from the raw readings.
        spread: Median and upper percentiles of every sample, disturbed ones too.
        stopped: Why sampling ended; empty where nothing was sampled.
        speed: The machine's speed that the figure was corrected by; absent where it was not.
        isolation: What was done to keep others from disturbing it, and what was not permitted.
        least_contention: Contention with the core alone, as it was known by then: visits and rounds
            that show far more do not count, unless too few are left. Absent if nobody read it.
        visits: The raw readings, where there were any.
        rounds: The machine at the start of each round.
    """

    quantity: str
    value: float
    unit: str
    origin: Origin
    derivation: str
    interval: tuple[float, float] | None = None
    interval_note: str = ""
    trust: Trust = Trust()
    scope: Scope = Scope()
    spread: Spread | None = None
    stopped: Stop = ""
    speed: Speed | None = None
    isolation: tuple[str, ...] = ()
    least_contention: float | None = None
    visits: tuple[Visit, ...] = ()
    rounds: tuple[Round, ...] = ()

    def __post_init__(self) -> None:
        """Refuse figures that JSON cannot carry."""
        finite(self.value, self.quantity)
        for bound in self.interval or ():
            finite(bound, f"the interval of {self.quantity}")
