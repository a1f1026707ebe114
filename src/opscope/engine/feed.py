"""The feed: cohorts for an executor, one at a time, each with what the run knows by then."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import msgspec

from opscope.core.study import Cohort
from opscope.core.trial import Trial
from opscope.meters.contention import lowered, referred


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
            ready = msgspec.structs.replace(cohort, reference=self.reference(cohort.platform))
            if self._ends_at is not None:
                remaining_s = max(0.0, self._ends_at - time.perf_counter())
                share = cohort.round_s / left_s if left_s > 0 else 1.0
                ready = _within(share * remaining_s, ready)
            yield ready
            left_s -= cohort.round_s

    def note(self, trial: Trial) -> None:
        """Take the first trial of each platform with the core alone for the reference."""
        platform = trial.job.platform
        for measurement in trial.measurements:
            known = lowered(self.reference(platform), measurement.least_contention)
            self._references[platform] = referred(known, measurement.rounds)

    def reference(self, platform: str) -> dict[str, float]:
        """Return the speed of a platform's reference kernels when the run began, as far as known.

        Returns:
            Seconds of each while the core was not shared, and contention then.
        """
        return self._references.get(platform, {})


def _within(seconds: float, cohort: Cohort) -> Cohort:
    """Return the cohort with so much time, and as many rounds as may be of use in it."""
    protocol = msgspec.structs.replace(cohort.protocol, rounds=cohort.protocol.longest)
    return msgspec.structs.replace(cohort, budget_s=seconds, protocol=protocol)
