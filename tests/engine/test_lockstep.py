"""Two real worker processes that take turns, and what becomes of one when the other breaks."""

import itertools
import os
import signal

import msgspec
import pytest

from opscope.core.study import Protocol
from opscope.engine import machine
from opscope.engine.executors.base import Progress
from opscope.engine.executors.lockstep import Contest, Lockstep
from opscope.engine.worker import GIVEN_UP
from opscope.errors import ConfigurationError, InputError
from tests.engine.test_local_executor import cohort_for

SHORT = Protocol(rounds=8, min_rounds=7, samples=2, warmup=1, rewarm=1)


def cohorts(a, b, *couts, protocol=SHORT, **limits):
    return tuple(
        msgspec.structs.replace(cohort_for(platform, *couts, **limits), protocol=protocol)
        for platform in (a, b)
    )


def contests(lockstep, pair):
    """Return each job's contest by its Cout, and check that there is exactly one for each."""
    found = [item for item in lockstep.contest([pair]) if isinstance(item, Contest)]
    by_cout = {c.trials[0].job.workload.configuration.get("cout"): c for c in found}
    assert len(found) == len(by_cout) == len(pair[0].jobs)
    for contest in found:
        assert [t.job.platform for t in contest.trials] == [c.platform for c in pair]
        assert contest.trials[0].job.workload == contest.trials[1].job.workload
    return by_cout


def statuses(found):
    return {cout: tuple(trial.status for trial in c.trials) for cout, c in found.items()}


@pytest.fixture(scope="module")
def lockstep():
    with Lockstep(poll_s=0.05) as lockstep:
        yield lockstep


def test_rounds_alternate_and_never_overlap(lockstep):
    pause_s = 0.002
    platform = f"fake:pause_ms={1000 * pause_s}"
    found = contests(lockstep, cohorts(platform, f"{platform},factor=1.1", 1, 2))
    turns = []
    for side in (0, 1):
        visits = [v for c in found.values() for v in c.trials[side].measurement("latency_s").visits]
        for number in {visit.round for visit in visits}:
            mine = [visit for visit in visits if visit.round == number]
            began = min(visit.start_s for visit in mine)
            calls = [len(v.samples.durations_s) + len(v.rewarm.durations_s) for v in mine]
            ended = max(
                visit.start_s + count * pause_s for visit, count in zip(mine, calls, strict=True)
            )
            turns.append((began, ended, number, side))
    turns.sort()
    assert all(first[1] <= second[0] for first, second in itertools.pairwise(turns))
    assert [number for _, _, number, _ in turns] == sorted(2 * list(range(len(turns) // 2)))
    firsts = [side for _, _, _, side in turns[::2]]
    assert [side for _, _, _, side in turns[1::2]] == [1 - side for side in firsts]
    assert set(firsts) == {0, 1}  # neither always goes first


def test_the_ratio_is_that_of_the_sides(lockstep):
    found = contests(lockstep, cohorts("fake", "fake:factor=1.25", 1, 20))
    for contest in found.values():
        assert contest.paired.log_ratio == pytest.approx(0.2231, abs=1e-3)
        assert contest.paired.doubt == ""
        assert contest.paired.rounds == 7
        assert contest.trials[0].measurement("latency_s").stopped == "precision"


def test_turns_end_when_the_rounds_are_spent(lockstep):
    endless = msgspec.structs.replace(SHORT, precision=1e-12)
    found = contests(lockstep, cohorts("fake:noise=0.3", "fake:period=8", 1, protocol=endless))
    assert found[1].paired.rounds == 8
    assert {t.measurement("latency_s").stopped for t in found[1].trials} == {"rounds"}


def test_few_rounds_are_in_doubt(lockstep):
    few = msgspec.structs.replace(SHORT, rounds=2, min_rounds=2)
    found = contests(lockstep, cohorts("fake", "fake", 1, protocol=few))
    assert found[1].paired.log_ratio is None
    assert "2 rounds are too few" in found[1].paired.doubt


@pytest.mark.parametrize(
    ("side", "fault", "limits", "reason"),
    [
        (0, "crash_at", {}, "killed by SIGSEGV"),
        (1, "crash_at", {}, "killed by SIGSEGV"),
        (1, "hang_at", {"prepare_s": 3.0}, "longer than its limit of 3 s"),
        (0, "fail_at", {}, "the fake refuses cout=3"),
    ],
)
def test_a_side_that_breaks_fails_alone_and_hangs_nobody(lockstep, side, fault, limits, reason):
    platforms = ["fake", "fake"]
    platforms[side] = f"fake:{fault}=3"
    found = contests(lockstep, cohorts(*platforms, 1, 2, 3, 4, **limits))
    broken = found.pop(3)
    assert statuses(found) == dict.fromkeys((1, 2, 4), ("ok", "ok"))
    assert {trial.status for trial in broken.trials} == {"failed"}
    assert reason in broken.trials[side].reason
    assert broken.trials[1 - side].reason == GIVEN_UP


def test_what_one_side_does_not_support_is_not_measured_by_the_other(lockstep):
    pair = cohorts("fake", "fake", 1, 2)
    job = pair[1].jobs[0]
    int8 = msgspec.structs.replace(job.workload, precision="int8")
    jobs = tuple((msgspec.structs.replace(c.jobs[0], workload=int8), *c.jobs[1:]) for c in pair)
    pair = tuple(msgspec.structs.replace(c, jobs=mine) for c, mine in zip(pair, jobs, strict=True))
    assert statuses(contests(lockstep, pair)) == {
        1: ("unsupported", "unsupported"),
        2: ("ok", "ok"),
    }


@pytest.mark.parametrize("side", [0, 1])
def test_a_worker_killed_between_turns_costs_nothing(lockstep, side):
    pair = cohorts("fake:pause_ms=5", "fake:pause_ms=5", 1, 2)
    found, killed = [], False
    for item in lockstep.contest([pair]):
        if isinstance(item, Progress) and item.ahead > 0.5 and not killed:
            os.kill(lockstep._workers[side]._process.pid, signal.SIGKILL)
            killed = True
        if isinstance(item, Contest):
            found.append(item)
    assert killed
    assert [tuple(t.status for t in contest.trials) for contest in found] == [("ok", "ok")] * 2


def test_workers_serve_cohort_after_cohort_and_end():
    with Lockstep(poll_s=0.05) as lockstep:
        contests(lockstep, cohorts("fake", "fake", 1))
        workers = dict(lockstep._workers)
        contests(lockstep, cohorts("fake", "fake", 2))
        assert lockstep._workers == workers
        pids = [worker._process.pid for worker in workers.values()]
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_a_contest_given_up_leaves_no_answers_for_the_next(lockstep):
    for item in lockstep.contest([cohorts("fake:pause_ms=2", "fake", 1, 2)]):
        if isinstance(item, Progress) and item.ahead:
            break
    assert statuses(contests(lockstep, cohorts("fake", "fake", 4))) == {4: ("ok", "ok")}


def test_both_wait_for_the_machine(lockstep):
    items = lockstep.contest([cohorts("fake", "fake", 1)])
    with machine.sole_timing(lambda: None):
        while not next(items).waiting:
            pass
    assert [item.trials[1].status for item in items if isinstance(item, Contest)] == ["ok"]


def test_a_platform_that_does_not_open_is_the_users_error(lockstep):
    with pytest.raises(ConfigurationError, match="no platform 'nope'"):
        contests(lockstep, cohorts("fake", "nope", 1))


def test_an_interpreter_that_is_not_there_is_named():
    with (
        Lockstep(pythons=("/no/python", "/no/python")) as lockstep,
        pytest.raises(InputError, match="/no/python: this interpreter does not start: No such"),
    ):
        contests(lockstep, cohorts("fake", "fake", 1))
