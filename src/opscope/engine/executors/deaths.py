"""What a worker's death means: who is tried again with whom, and what is said of the culprit."""

from __future__ import annotations

import signal
from collections.abc import Iterable

import msgspec

from opscope import errors
from opscope.core.study import Cohort, Job, Limits
from opscope.core.trial import Trial
from opscope.engine.executors.process import WorkerDied
from opscope.engine.machine import OPENING_LIMIT_S
from opscope.engine.messages import Refused
from opscope.errors import OpscopeError

STARTS = 3
"""Workers that may die one after the other while they are at no job."""

BEFORE = ("starting", "waiting", "opening")
"""Phases of a worker that has not begun any job."""


def apart(cohort: Cohort, left: set[int], death: WorkerDied) -> list[Cohort]:
    """Return what is left of a cohort as cohorts to try again: the suspect alone, the rest.

    Without a suspect every job is tried alone, since any may be the culprit.
    """
    suspect = death.position.job
    groups = [[index] for index in sorted(left)]
    if suspect in left:
        groups = [[suspect], sorted(left - {suspect})]
    return [part(cohort, group) for group in groups if group]


def part(cohort: Cohort, indices: Iterable[int]) -> Cohort:
    """Return a cohort of these jobs alone."""
    jobs = tuple(cohort.jobs[index] for index in sorted(indices))
    return msgspec.structs.replace(cohort, jobs=jobs)


def failed(job: Job, limits: Limits, death: WorkerDied) -> Trial:
    """Return the trial of the job that its worker died of."""
    phase = death.position.phase
    reason = f"the worker process ended in {phase}: {death.how}"
    if death.signal == signal.SIGALRM:
        limit = {"visit": limits.visit_s, "opening": OPENING_LIMIT_S}.get(phase, limits.prepare_s)
        reason = f"{phase} took longer than its limit of {limit:g} s"
    elif death.signal == signal.SIGKILL:
        reason += ", most likely by the kernel for want of memory"
    return Trial(job=job, status="failed", reason=reason, traceback=death.last_words)


def rebuilt(refusal: Refused) -> OpscopeError:
    """Return the error a worker met, as if it had been met here."""
    kind = getattr(errors, refusal.error, OpscopeError)
    error: OpscopeError = kind(refusal.what, where=refusal.where, remedy=refusal.remedy)
    return error
