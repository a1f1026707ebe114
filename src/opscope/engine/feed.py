"""The feed: cohorts for an executor, one at a time, each with what the run knows by then."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import msgspec

from opscope.core.readings import Round
from opscope.core.study import Cohort
from opscope.core.trial import Trial
from opscope.meters.contention import noticed, referred


class Feed:
    """Hands out cohorts with the machine's reference speed and their share of the time left."""

    def __init__(self, cohorts: Sequence[Cohort], *, budget_s: float | None = None) -> None:
        self._cohorts = cohorts
        self._references: dict[str, dict[str, float]] = {}
        self._ends_at = None if budget_s is None else time.perf_counter() + budget_s

    def __iter__(self) -> Iterator[Cohort]:
        """Yield each cohort when its turn comes, so that it knows what those before it found."""
        left_s = sum(cohort.round_s for cohort in self._cohorts)
        for cohort in self._cohorts:
            yield msgspec.structs.replace(
                cohort,
                reference=self._references.get(cohort.platform, {}),
                budget_s=self._share_s(cohort, left_s),
            )
            left_s -= cohort.round_s

    def refer(self, platform: str, rounds: Sequence[Round]) -> None:
        """Take the speed of the reference kernels in these rounds for the run's own."""
        self._references[platform] = referred(self._references.get(platform, {}), rounds)

    def remember(self, platform: str, rounds: Sequence[Round]) -> None:
        """Take what contention is with the core alone from rounds of earlier runs, but no speed."""
        self._references[platform] = noticed(self._references.get(platform, {}), rounds)

    def note(self, trial: Trial) -> None:
        """Take the first trial of each platform with the core alone for the reference."""
        for measurement in trial.measurements:
            self.refer(trial.job.platform, measurement.rounds)

    def _share_s(self, cohort: Cohort, left_s: float) -> float | None:
        if self._ends_at is None:
            return None
        remaining_s = max(0.0, self._ends_at - time.perf_counter())
        return remaining_s * (cohort.round_s / left_s if left_s > 0 else 1.0)
