"""The contract of meters: what one declares, and the three things it does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal, Protocol

from opscope.core.measurement import Measurement, Visit
from opscope.core.platform import PlatformInfo
from opscope.core.study import Instrumentation
from opscope.core.study import Protocol as VisitProtocol
from opscope.platforms.base import TimedDeployment


class Meter(Protocol):
    """Reads one kind of quantity off a deployment.

    Attributes:
        schedule: ``rounds`` visits a deployment repeatedly among others, ``once`` by itself,
            ``offline`` waits for data that arrive later.
        instrumentation: What a deployment must be prepared with.
        command: Command line to run the worker under, empty for none.
    """

    schedule: ClassVar[Literal["rounds", "once", "offline"]]
    instrumentation: ClassVar[Instrumentation]
    command: ClassVar[tuple[str, ...]]

    def visit(
        self, deployment: TimedDeployment, protocol: VisitProtocol, round_: int, preparation: int
    ) -> Visit:
        """Read the deployment once, raw."""
        ...

    def settled(self, visits: Sequence[Visit], protocol: VisitProtocol) -> bool:
        """Say whether the visits so far are enough."""
        ...

    def conclude(self, visits: Sequence[Visit], info: PlatformInfo) -> tuple[Measurement, ...]:
        """Return what the visits amount to."""
        ...
