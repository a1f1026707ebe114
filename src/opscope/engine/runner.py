"""The runner: plans a study, has it executed, stores each trial as it ends, and can go on later."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence

import opscope.convert
import opscope.graph
from opscope.core.forecast import Forecast
from opscope.core.measurement import Verdict
from opscope.core.platform import PlatformInfo
from opscope.core.record import Record
from opscope.core.study import Cohort, Job, Study
from opscope.core.trial import Trial, trial_key
from opscope.engine.executors.base import Executor, Progress
from opscope.engine.feed import Feed
from opscope.engine.forecast import forecast, pilots
from opscope.engine.planner import group, plan
from opscope.errors import StudyError
from opscope.store import Run, Store

FIGURELESS = ("failed", "unsupported")
"""Outcomes of jobs that gave no figure."""

RETRIABLE = (*FIGURELESS, "untrusted")
"""Outcomes that can be asked to be tried again."""


_FIRST = 32
"""Of how many of a run's first trials the reference is taken again when it goes on: of cohorts
enough that the core was alone in one."""


class Event(Record, frozen=True, kw_only=True):
    """How far a run is.

    Attributes:
        done: Jobs that ended, in this session and before.
        total: Jobs of the study.
        ahead: Work done on jobs that have not ended yet, counted in jobs.
        trial: The trial that just ended, if one did.
        waiting: Whether another process holds the machine for timing.
        forecast: What the time given is good for, said once before the first job.
    """

    done: int
    total: int
    ahead: float = 0.0
    trial: Trial | None = None
    waiting: bool = False
    forecast: Forecast | None = None


class Summary(Record, frozen=True, kw_only=True):
    """How a session of a run ended.

    Attributes:
        earlier: How many jobs had ended before and were left so, by outcome.
        outcomes: How many jobs ended in each status in this session.
        untrusted: Of those that ended well, how many have a figure that is not trusted.
        wall_s: Wall time of the session.
        waited_s: Of it, waiting while another process was timing on this machine.
        load_s: Of it, inside the runtimes while they loaded workloads, and gave them back.
        run_s: Of it, inside the runtimes while they ran.
    """

    run: Run
    total: int
    earlier: dict[str, int]
    outcomes: dict[str, int]
    untrusted: int
    wall_s: float
    waited_s: float
    load_s: float
    run_s: float

    @property
    def found(self) -> int:
        """Jobs that had ended before."""
        return sum(self.earlier.values())

    @property
    def unfinished(self) -> dict[str, int]:
        """How many jobs gave no figure, before and in this session, by outcome."""
        every = Counter(self.earlier) + Counter(self.outcomes)
        return {outcome: every[outcome] for outcome in FIGURELESS if every[outcome]}

    @property
    def runtime_share(self) -> float:
        """Share of the wall time, waiting apart, that was spent inside the runtimes."""
        worked_s = self.wall_s - self.waited_s
        return (self.load_s + self.run_s) / worked_s if worked_s > 0 else 0.0


def run_study(
    study: Study,
    platforms: Sequence[str],
    *,
    store: Store,
    executor: Executor,
    fresh: bool = False,
    retry: Collection[str] = (),
    budget_s: float | None = None,
    watch: Callable[[Event], None] | None = None,
) -> Summary:
    """Measure what is still missing of ``study`` on ``platforms``; store each trial as it ends.

    Args:
        study: The question.
        platforms: Names of platforms, one or more.
        store: Where trials are kept; opened for writing.
        executor: Where they are measured.
        fresh: Start another run, although there is one to go on with.
        retry: Outcomes of `RETRIABLE` whose jobs are measured again.
        budget_s: Time it may take, in seconds; as long as the precision asks unless given.
        watch: Called at every event.

    Raises:
        OpscopeError: If a platform cannot be opened or the study is impossible; nothing is
            measured then.
    """
    start = time.perf_counter()
    if not platforms:
        raise StudyError("no platform is named", where=study.name, remedy="Use -p PLATFORM.")
    described = [executor.describe(name) for name in dict.fromkeys(platforms)]
    infos = {info.name: info for info, _ in described}
    environments = {info.fingerprint: environment for info, environment in described}
    jobs = {_key(job, study, infos): job for job in plan(study, list(infos))}
    run = store.open_run(study, fresh=fresh)
    outcomes = store.outcomes(run)
    pending = {key: job for key, job in jobs.items() if outcomes.get(key, "") in ("", *retry)}
    earlier = Counter(outcomes[key] for key in jobs.keys() - pending.keys())
    counter = _Counter(watch or _ignore, total=len(jobs), done=len(jobs) - len(pending))
    keys = {job: key for key, job in pending.items()}
    session = store.open_session(run, environments)
    try:
        cohorts = group(list(pending.values()), study, list(infos.values()))
        if budget_s is not None:
            counter.expect(_forecast(cohorts, study, executor, start + budget_s))
        feed = Feed(cohorts, budget_s=_left_s(budget_s, start))
        for info in infos.values():
            for trial in store.first_trials(run, info.fingerprint, _FIRST):
                feed.note(trial)
        for event in executor.execute(feed):
            if isinstance(event, Trial):
                info = infos[event.job.platform]
                store.add_trial(run, session, keys[event.job], info, event)
                feed.note(event)
            counter.count(event)
    finally:
        counter.wait(waiting=False)
        wall_s = time.perf_counter() - start
        store.close_session(
            session,
            wall_s=wall_s,
            runtime_s=counter.load_s + counter.run_s,
            waited_s=counter.waited_s,
        )
    return Summary(
        run=run,
        total=len(jobs),
        earlier=dict(earlier),
        outcomes=dict(counter.outcomes),
        untrusted=counter.untrusted,
        wall_s=wall_s,
        waited_s=counter.waited_s,
        load_s=counter.load_s,
        run_s=counter.run_s,
    )


def _forecast(
    cohorts: Sequence[Cohort], study: Study, executor: Executor, deadline: float
) -> Forecast | None:
    """Measure a few jobs, whose figures are not kept, to tell what the time left is good for."""
    tried = [event for event in executor.execute(pilots(cohorts)) if isinstance(event, Trial)]
    left_s = max(0.0, deadline - time.perf_counter())
    return forecast(tried, cohorts, study.protocol, left_s)


def _left_s(budget_s: float | None, start: float) -> float | None:
    return None if budget_s is None else max(0.0, budget_s - (time.perf_counter() - start))


def _ignore(event: Event) -> None:
    del event


class _Counter:
    """Counts what ended and tells whoever watches."""

    def __init__(self, watch: Callable[[Event], None], *, total: int, done: int) -> None:
        self._watch = watch
        self._total = total
        self._done = done
        self.outcomes: Counter[str] = Counter()
        self.untrusted = 0
        self.load_s = self.run_s = self.waited_s = 0.0
        self._waiting_since: float | None = None
        watch(Event(done=done, total=total))

    def count(self, event: Trial | Progress) -> None:
        self.wait(waiting=isinstance(event, Progress) and event.waiting)
        if isinstance(event, Progress):
            self.load_s += event.release_s
            self._watch(
                Event(
                    done=self._done,
                    total=self._total,
                    ahead=event.ahead,
                    waiting=event.waiting,
                )
            )
            return
        self._done += 1
        self.outcomes[event.status] += 1
        verdicts = {measurement.trust.verdict for measurement in event.measurements}
        self.untrusted += Verdict.UNTRUSTED in verdicts
        self.load_s += event.timings.load_s
        self.run_s += event.timings.run_s
        self._watch(Event(done=self._done, total=self._total, trial=event))

    def expect(self, found: Forecast | None) -> None:
        """Pass on what the time given is good for."""
        self._watch(Event(done=self._done, total=self._total, forecast=found))

    def wait(self, *, waiting: bool) -> None:
        """Take note of whether the executor waits from now on."""
        now = time.perf_counter()
        if self._waiting_since is not None:
            self.waited_s += now - self._waiting_since
        self._waiting_since = now if waiting else None


def _key(job: Job, study: Study, infos: dict[str, PlatformInfo]) -> str:
    revisions = {"graph": opscope.graph.REVISION, "convert": opscope.convert.REVISION}
    return trial_key(job, infos[job.platform], study.protocol, study.seed, revisions)
