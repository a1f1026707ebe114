"""Failures: jobs that gave no figure, grouped by why. Nothing is said about how to mend them."""

from __future__ import annotations

from collections.abc import Iterable

from opscope.analysis.reasons import first_line, gist
from opscope.analysis.responses import Evidence
from opscope.core.finding import Failure


def group_failures(evidence: Iterable[Evidence]) -> tuple[Failure, ...]:
    """Return why jobs failed or were unsupported, the commonest reason first."""
    groups: dict[tuple[str, str, str], list[Evidence]] = {}
    for item in evidence:
        trial = item.trial
        if trial.status != "ok":
            key = trial.status, trial.job.platform, gist(trial.reason)
            groups.setdefault(key, []).append(item)
    found = (
        Failure(
            status=status,
            platform=platform,
            count=len(items),
            example=str(items[0].trial.job.workload),
            reason=first_line(items[0].trial.reason),
        )
        for (status, platform, _), items in groups.items()
    )
    return tuple(sorted(found, key=lambda failure: -failure.count))
