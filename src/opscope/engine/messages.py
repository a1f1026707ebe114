"""What an executor and its worker say to each other: one JSON line each."""

from __future__ import annotations

from opscope.core.environment import Environment
from opscope.core.platform import PlatformInfo
from opscope.core.readings import Visit
from opscope.core.record import Record
from opscope.core.study import Cohort
from opscope.core.trial import Trial
from opscope.engine.turns import Leave


class Describe(Record, frozen=True, kw_only=True, tag="describe"):
    """Asked of a worker: what is this platform, and this machine?"""

    platform: str


class Measure(Record, frozen=True, kw_only=True, tag="measure"):
    """Asked of a worker: measure this cohort.

    Attributes:
        turns_from_s: Time of the system's clock when it began to take turns with another worker, so
            that it waits for a `Leave` before each round; absent where it measures alone.
        sole: Whether it holds the machine's lock for timed work, or leaves that to the other.
    """

    cohort: Cohort
    turns_from_s: float | None = None
    sole: bool = True


Request = Describe | Measure | Leave


class Described(Record, frozen=True, kw_only=True, tag="described"):
    """A worker's answer to `Describe`."""

    info: PlatformInfo
    environment: Environment


class Refused(Record, frozen=True, kw_only=True, tag="refused"):
    """A worker's answer to a request that no job is to blame for: the platform does not open."""

    error: str
    what: str
    where: str
    remedy: str


class Waiting(Record, frozen=True, kw_only=True, tag="waiting"):
    """Another process is timing on this machine; the worker waits until it is done."""


class Started(Record, frozen=True, kw_only=True, tag="started"):
    """The worker waits for nobody any more and opens the platform of its cohort."""


class Ready(Record, frozen=True, kw_only=True, tag="ready"):
    """The worker waits for a `Leave`; these are the visits of the round it just took, by job."""

    visits: dict[int, tuple[Visit, ...]]


class Finished(Record, frozen=True, kw_only=True, tag="finished"):
    """One job of the cohort in hand ended."""

    index: int
    trial: Trial


class Done(Record, frozen=True, kw_only=True, tag="done"):
    """The cohort in hand is through.

    Attributes:
        release_s: Seconds that the runtime took to give back what its trials had loaded.
    """

    release_s: float = 0.0


Answer = Described | Refused | Waiting | Started | Ready | Finished | Done
