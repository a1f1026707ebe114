"""Taking turns: how a cohort waits for leave before each of its rounds, while others measure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from opscope.core.measurement import Stop
from opscope.core.readings import Visit
from opscope.core.record import Record


class Leave(Record, frozen=True, kw_only=True, tag="leave"):
    """Told to a worker that waits: it may take another round of the jobs that go on.

    Attributes:
        settled: Jobs that have readings enough, by their index, and why.
        dropped: Jobs whose readings are of no use any more.
    """

    settled: dict[int, Stop] = {}
    dropped: tuple[int, ...] = ()


class Turns:
    """How a cohort takes turns with others.

    Args:
        origin_s: What the system's clock showed when the turns began: every start is told from it.
        ask: Hands over the last visits to each job, by index, and waits for leave to go on.
    """

    def __init__(
        self, origin_s: float, ask: Callable[[Mapping[int, Sequence[Visit]]], Leave]
    ) -> None:
        self.origin_s = origin_s
        self.ask = ask
