"""The contract of executors: cohorts in, trials out, each as it ends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from opscope.core.environment import Environment
from opscope.core.platform import PlatformInfo
from opscope.core.record import Record
from opscope.core.study import Cohort
from opscope.core.trial import Trial


class Progress(Record, frozen=True, kw_only=True):
    """A sign of life between trials.

    Attributes:
        ahead: Work done on jobs that have not ended yet, counted in jobs.
        waiting: Whether another process holds the machine for timing.
        release_s: Seconds that a runtime took to give back what trials handed over had loaded.
    """

    ahead: float
    waiting: bool = False
    release_s: float = 0.0


class Executor(Protocol):
    """Measures cohorts somewhere. Nothing it is given or gives back needs unpickling."""

    def describe(self, platform: str) -> tuple[PlatformInfo, Environment]:
        """Return what ``platform`` is where this executor measures.

        Raises:
            OpscopeError: If it cannot be opened there.
        """
        ...

    def execute(self, cohorts: Iterable[Cohort]) -> Iterator[Trial | Progress]:
        """Yield one trial for every job, each as it ends, and signs of life between."""
        ...

    def close(self) -> None:
        """End whatever it started."""
        ...
