"""The contract of meters: what one declares, and the four things it does."""

from __future__ import annotations

from typing import ClassVar, Literal, Protocol

from opscope.core.configuration import Workload
from opscope.core.measurement import Measurement, Stop
from opscope.core.platform import PlatformInfo
from opscope.core.readings import Round, Samples, Visit
from opscope.core.record import Record
from opscope.core.study import Instrumentation
from opscope.core.study import Protocol as VisitProtocol
from opscope.graph.stacks import Term
from opscope.platforms.base import ExecutedNode, TimedDeployment


class Readings(Record, frozen=True, kw_only=True):
    """What was read for one job so far.

    Attributes:
        workload: What the job is about.
        terms: The networks whose deployments are visited for it, as `Meter.terms` gave them.
        reference: Seconds that each reference kernel took when the run began; empty if unknown.
        executed: What each preparation of the first network executed, with the runtime's times;
            there when the job is concluded, if the meter has deployments profiled.
        told: Whether the runtime told what it executes of each stack, so that its copies were seen.
    """

    workload: Workload
    terms: tuple[Term, ...]
    visits: tuple[Visit, ...]
    rounds: tuple[Round, ...] = ()
    reference: dict[str, float] = {}
    protocol: VisitProtocol = VisitProtocol()
    executed: tuple[tuple[ExecutedNode, ...], ...] = ()
    told: bool = True


class Meter(Protocol):
    """Reads one kind of quantity off the deployments of a job.

    Attributes:
        schedule: ``rounds`` visits a deployment repeatedly among others, ``once`` by itself,
            ``offline`` waits for data that arrive later.
        instrumentation: What a deployment must be prepared with.
        command: Command line to run the worker under, empty for none.
        quantities: What it reads.
        streams: How many deployments of each network are called at once.
    """

    schedule: ClassVar[Literal["rounds", "once", "offline"]]
    instrumentation: ClassVar[Instrumentation]
    command: ClassVar[tuple[str, ...]]
    quantities: ClassVar[tuple[str, ...]]
    streams: int

    def terms(self, workload: Workload) -> tuple[Term, ...]:
        """Return the networks to deploy, and how their figures add up to the job's."""
        ...

    def visit(
        self, deployment: TimedDeployment, protocol: VisitProtocol
    ) -> tuple[Samples, Samples]:
        """Read a deployment once, raw: calls that warm it up again, and calls that count."""
        ...

    def settled(self, readings: Readings) -> Stop:
        """Say why the readings so far are enough, or nothing when more are needed."""
        ...

    def conclude(
        self, readings: Readings, info: PlatformInfo, stopped: Stop
    ) -> tuple[Measurement, ...]:
        """Return what the readings amount to."""
        ...
