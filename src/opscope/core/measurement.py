"""Measurement: a quantity with where it came from and how far it can be trusted."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from opscope.core.platform import Origin
from opscope.core.record import Record, finite


class Verdict(StrEnum):
    """Whether a figure may be relied on."""

    TRUSTED = "trusted"
    UNTRUSTED = "untrusted"
    NOT_ASSESSED = "not assessed"


class Trust(Record, frozen=True, kw_only=True):
    """A verdict, and why where it is not plain trust."""

    verdict: Verdict = Verdict.TRUSTED
    reason: str = ""


class Scope(Record, frozen=True, kw_only=True):
    """What a figure is about: the whole network, or one executed node and its source nodes."""

    kind: Literal["network", "node"] = "network"
    node: str = ""
    sources: tuple[str, ...] = ()


class Samples(Record, frozen=True, kw_only=True):
    """Timed calls in a row, raw.

    Attributes:
        durations_s: Duration of each call, in seconds.
        preemptions: Involuntary context switches during each call, as the kernel counts them;
            absent where nobody can tell.
        clock: What took the durations.
    """

    durations_s: tuple[float, ...]
    preemptions: tuple[int, ...] | None = None
    clock: str


class Visit(Record, frozen=True, kw_only=True):
    """One short stay at a deployment, raw: nothing measured is thrown away.

    Attributes:
        round: Which round of the cohort, from 0.
        preparation: Which independent preparation of the deployment, from 0.
        rewarm: Calls that warmed it up again after other deployments had run.
        samples: The calls that count.
    """

    round: int
    preparation: int
    rewarm: Samples
    samples: Samples


class Spread(Record, frozen=True, kw_only=True):
    """The unfiltered samples in three figures, for those who live by deadlines."""

    samples: int
    median: float
    p95: float
    p99: float


class Measurement(Record, frozen=True, kw_only=True):
    """One quantity of one deployment.

    Attributes:
        quantity: Its name with its unit, as in ``latency_s``.
        unit: The unit in words of the SI, or what is counted.
        interval: 95 % interval in the same unit, absent with a reason in ``interval_note``.
        derivation: How the value follows from the raw readings.
        spread: Median and upper percentiles of every sample, disturbed ones too.
        visits: The raw readings, where there were any.
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
    visits: tuple[Visit, ...] = ()

    def __post_init__(self) -> None:
        """Refuse figures that JSON cannot carry."""
        finite(self.value, self.quantity)
        for bound in self.interval or ():
            finite(bound, f"the interval of {self.quantity}")
