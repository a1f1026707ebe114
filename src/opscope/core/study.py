"""Study: a declared question, and the jobs and cohorts it becomes. Reading files is elsewhere."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from opscope.core.configuration import LARGEST_BATCH, Precision, Workload
from opscope.core.record import Record, digest
from opscope.core.space import Space
from opscope.core.text import Parameters

Natural = Annotated[int, Meta(ge=0)]
Positive = Annotated[int, Meta(ge=1)]
Batch = Annotated[int, Meta(ge=1, le=LARGEST_BATCH)]
Seconds = Annotated[float, Meta(gt=0, le=86_400)]
Some = Meta(min_length=1)


class Instrumentation(Record, frozen=True, kw_only=True):
    """What a meter needs a deployment to be prepared with; latency is read without any."""

    profile: bool = False


class MeterName(Record, frozen=True, kw_only=True):
    """A meter and its settings; part of what a trial is known by."""

    name: str = "latency"
    settings: Parameters = ()


class Protocol(Record, frozen=True, kw_only=True):
    """How a cohort is visited; every field is part of what a trial is known by.

    Attributes:
        preparations: How often each deployment is prepared; rounds take turns among them.
        rounds: Visits to each deployment at most, over all preparations, that count.
        min_rounds: Visits to each deployment at least.
        patience: How many times as many rounds may be taken where some do not count, or where the
            time is given that they may take.
        precision: Half-width of the 95 % interval, relative, at which sampling stops.
        samples: Timed calls in a visit at least; short calls are repeated more often.
        warmup: Untimed calls after each preparation.
        rewarm: Calls at the start of a visit that are recorded but not used, at most: until as
            many as ``samples`` in a row got no faster.
        cold: Whether caches are flushed before every call, instead of being left hot.
        priority: Whether the worker asks for a higher priority where that is permitted.
        pin: Whether it keeps to one core.
        realtime: Whether it asks for real-time scheduling, which needs root.
        fixed_frequency: Whether it locks the clock frequency meanwhile, which needs root.
        shared_core: Whether rounds count, too, in which another hardware thread shares the core:
            figures are then of the machine as it is, which need not be as it will be.
    """

    preparations: Positive = 2
    rounds: Positive = 40
    min_rounds: Positive = 8
    patience: Positive = 3
    precision: Annotated[float, Meta(gt=0, lt=1)] = 0.02
    samples: Positive = 3
    warmup: Natural = 3
    rewarm: Natural = 16
    cold: bool = False
    priority: bool = True
    pin: bool = False
    realtime: bool = False
    fixed_frequency: bool = False
    shared_core: bool = False

    @property
    def longest(self) -> int:
        """Visits at most where some do not count, as another hardware thread shared the core."""
        return self.patience * self.rounds


class Limits(Record, frozen=True, kw_only=True):
    """How much a phase of a job may take before its worker is ended. Not part of a trial's key."""

    prepare_s: Seconds = 120.0
    visit_s: Seconds = 60.0
    cohort_size: Positive = 24
    cohort_bytes: Positive = 2 * 1024**3
    cohort_macs: Positive = 4 * 10**9


class Question(Record, frozen=True, kw_only=True):
    """What a study wants found: the kind of finding and the axis it looks along."""

    kind: str
    x: str
    quantity: str = "latency_s"


class Study(Record, frozen=True, kw_only=True):
    """A declared question: spaces × platforms × precisions × batches × meters, and a protocol."""

    name: str
    title: str
    question: str
    source: str = ""
    spaces: Annotated[tuple[Space, ...], Some]
    platforms: tuple[str, ...] = ()
    precisions: Annotated[tuple[Precision, ...], Some] = (Precision.FP32,)
    batches: Annotated[tuple[Batch, ...], Some] = (1,)
    meters: Annotated[tuple[MeterName, ...], Some] = (MeterName(),)
    protocol: Protocol = Protocol()
    limits: Limits = Limits()
    findings: tuple[Question, ...] = ()
    seed: Natural = 0

    def with_shared_core(self) -> Study:
        """Return the study that counts rounds, too, in which something else shares the core."""
        protocol = msgspec.structs.replace(self.protocol, shared_core=True)
        return msgspec.structs.replace(self, protocol=protocol)

    @property
    def digest(self) -> str:
        """Names the question: changing what is measured makes it another study."""
        return digest(
            self.name,
            self.spaces,
            self.precisions,
            self.batches,
            self.meters,
            self.protocol,
            self.seed,
        )


class Job(Record, frozen=True, kw_only=True):
    """One workload on one platform under one meter; it ends as one trial."""

    workload: Workload
    platform: str
    meter: MeterName = MeterName()


class Cohort(Record, frozen=True, kw_only=True):
    """Jobs that are measured together on one platform, visited in turns.

    Attributes:
        seed: Seed of weights and inputs.
        number: Which cohort of its platform; with the seed it decides the visiting order.
        timed: Whether deployments are timed, and so need the machine to themselves.
        round_s: Predicted time of one of its rounds, to share a study's time by.
        reference: Seconds that each reference kernel took when the run began; empty at first.
        budget_s: Time its rounds may take; absent for as long as precision asks.
    """

    platform: str
    jobs: tuple[Job, ...]
    protocol: Protocol
    limits: Limits
    seed: int
    number: int = 0
    timed: bool = True
    round_s: float = 0.0
    reference: dict[str, float] = {}
    budget_s: float | None = None
