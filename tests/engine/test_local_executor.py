"""Real worker processes that crash, hang, fail and eat memory, as real runtimes do."""

import os
import re
import signal
import threading
from pathlib import Path

import msgspec
import pytest

from opscope.core.study import Cohort, Limits
from opscope.core.trial import Trial
from opscope.engine import machine
from opscope.engine.executors import deaths, local
from opscope.engine.executors.base import Progress
from opscope.engine.executors.local import LocalExecutor
from opscope.engine.executors.process import WorkerDied, WorkerProcess
from opscope.engine.messages import Done, Finished
from opscope.engine.recorder import Position
from opscope.errors import ConfigurationError, PlatformUnavailable, WorkerError
from opscope.meters.remembered import keep_contention, least_contention
from tests.builders import QUICK
from tests.engine.test_worker import jobs_for


def cohort_for(platform, *couts, **limits):
    return Cohort(
        platform=platform,
        jobs=jobs_for(platform, *couts),
        protocol=QUICK,
        limits=Limits(**limits),
        seed=0,
    )


def outcomes(executor, *cohorts):
    """Return each job's trial by its Cout, and check that there is exactly one for each."""
    trials = [item for item in executor.execute(cohorts) if isinstance(item, Trial)]
    by_cout = {trial.job.workload.configuration.get("cout"): trial for trial in trials}
    assert len(trials) == len(by_cout) == sum(len(cohort.jobs) for cohort in cohorts)
    return by_cout


@pytest.fixture(scope="module")
def executor():
    with LocalExecutor(poll_s=0.05) as executor:
        yield executor


@pytest.fixture
def idle():
    """Return an executor that has no worker yet."""
    with LocalExecutor() as executor:
        yield executor


def test_describes_the_platform_and_the_machine(executor):
    info, environment = executor.describe("fake:period=8")
    assert info.name == "fake:period=8"
    assert environment.cores == len(os.sched_getaffinity(0))


def test_a_platform_that_does_not_open_is_the_users_error_again(executor):
    with pytest.raises(ConfigurationError, match="no platform 'nope'"):
        executor.describe("nope")
    assert executor.describe("fake")[0].name == "fake"


def test_one_worker_serves_cohort_after_cohort(executor):
    outcomes(executor, cohort_for("fake", 1, 2))
    worker = executor._worker
    assert len(outcomes(executor, cohort_for("fake", 3), cohort_for("fake", 4))) == 2
    assert executor._worker is worker


def test_another_platform_gets_a_worker_of_its_own(executor):
    outcomes(executor, cohort_for("fake", 1))
    worker = executor._worker
    outcomes(executor, cohort_for("fake:period=8", 1))
    assert executor._worker is not worker


@pytest.mark.parametrize(
    ("fault", "limits", "reason"),
    [
        ("crash_at", {}, "killed by SIGSEGV"),
        ("hang_at", {"prepare_s": 3.0}, "prepare took longer than its limit of 3 s"),
        ("eat_at", {}, "ran out of memory in prepare"),
        ("fail_at", {}, "cout=3"),
    ],
)
def test_a_worker_that_breaks_costs_one_failed_trial(executor, fault, limits, reason):
    platform = f"fake:{fault}=3"
    trials = outcomes(executor, cohort_for(platform, 1, 2, 3, 4, 5, **limits))
    assert {cout for cout, trial in trials.items() if trial.status == "failed"} == {3}
    assert reason in trials[3].reason
    assert all(trial.measurements for cout, trial in trials.items() if cout != 3)


def test_a_worker_killed_from_outside_amid_visits_loses_nothing(executor):
    cohort = cohort_for("fake:pause_ms=20", 1, 2, 3, 4)
    killed, trials = False, []
    for item in executor.execute([cohort]):
        if isinstance(item, Progress) and item.ahead > 0 and not killed:
            os.kill(executor._worker._process.pid, signal.SIGKILL)
            killed = True
        if isinstance(item, Trial):
            trials.append(item)
    assert killed
    assert sorted(t.job.workload.configuration.get("cout") for t in trials) == [1, 2, 3, 4]
    assert {trial.status for trial in trials} == {"ok"}


def test_a_job_whose_worker_is_always_killed_fails_and_says_how(executor):
    trials = []
    cohort = cohort_for("fake:pause_ms=60", 1)
    for item in executor.execute([cohort]):
        if isinstance(item, Trial):
            trials.append(item)
        elif item.ahead > 0:
            os.kill(executor._worker._process.pid, signal.SIGKILL)
    (trial,) = trials
    assert trial.status == "failed"
    assert trial.reason.startswith("the worker process ended in ")
    assert "killed by SIGKILL" in trial.reason


def test_a_cohort_given_up_leaves_no_answers_for_the_next(executor):
    for item in executor.execute([cohort_for("fake:pause_ms=2", 1, 2, 3)]):
        if isinstance(item, Progress):
            break
    assert executor.describe("fake:pause_ms=2")[0].family == "fake"
    trials = outcomes(executor, cohort_for("fake:pause_ms=2", 4))
    assert trials[4].status == "ok"


def test_a_visit_has_a_limit_of_its_own(executor):
    trials = outcomes(executor, cohort_for("fake:pause_ms=60", 1, visit_s=0.05))
    assert trials[1].reason == "visit took longer than its limit of 0.05 s"


def test_timed_work_waits_for_the_machine_and_other_work_does_not(executor):
    with machine.sole_timing(lambda: None):
        reporting = msgspec.structs.replace(cohort_for("fake-compiler", 1), timed=False)
        assert outcomes(executor, reporting)[1].status == "ok"
        trials = executor.execute([cohort_for("fake", 1, 2)])
        told = next(trials)
        while told == Progress(ahead=0.0):  # it is still starting
            told = next(trials)
        assert told == Progress(ahead=0.0, waiting=True)
    rest = [item for item in trials if isinstance(item, Trial)]
    assert [trial.status for trial in rest] == ["ok", "ok"]


@pytest.mark.parametrize(
    ("suspect", "groups"), [(2, [[2], [0, 3]]), (1, [[0], [2], [3]]), (None, [[0], [2], [3]])]
)
def test_the_suspect_is_tried_alone_and_the_rest_together(suspect, groups):
    cohort = cohort_for("fake", 1, 2, 3, 4)
    death = WorkerDied(-signal.SIGSEGV, Position(job=suspect, phase="visit"), "")
    parts = deaths.apart(cohort, {0, 2, 3}, death)
    assert [part.jobs for part in parts] == [tuple(cohort.jobs[i] for i in g) for g in groups]


@pytest.mark.parametrize(
    ("returncode", "phase", "reason"),
    [
        (-signal.SIGALRM, "visit", "visit took longer than its limit of 60 s"),
        (-signal.SIGALRM, "prepare", "prepare took longer than its limit of 90 s"),
        (-signal.SIGSEGV, "visit", "the worker process ended in visit: killed by SIGSEGV"),
        (-signal.SIGALRM, "opening", "opening took longer than its limit of 120 s"),
        (3, "prepare", "the worker process ended in prepare: exit status 3"),
        (
            -signal.SIGKILL,
            "prepare",
            "the worker process ended in prepare: killed by SIGKILL, most likely by the kernel for "
            "want of memory",
        ),
    ],
)
def test_how_a_worker_ended_is_told_in_words(returncode, phase, reason):
    cohort = cohort_for("fake", 1, prepare_s=90, visit_s=60)
    death = WorkerDied(returncode, Position(phase=phase), "last words")
    trial = deaths.failed(cohort.jobs[0], cohort.limits, death)
    assert (trial.status, trial.reason, trial.traceback) == ("failed", reason, "last words")


def test_two_culprits_in_one_cohort_both_fail_alone(executor):
    platform = "fake:crash_at=2,fail_at=4"
    trials = outcomes(executor, cohort_for(platform, 1, 2, 3, 4, 5))
    assert {cout for cout, trial in trials.items() if trial.status == "failed"} == {2, 4}


def test_a_worker_is_bounded_and_keeps_to_itself(executor):
    executor.describe("fake")
    pid = executor._worker._process.pid
    limits = Path(f"/proc/{pid}/limits").read_text(encoding="utf-8")
    memory = re.search(r"Max data size +(\d+) +\1 ", limits)
    free = re.search(r"MemTotal: +(\d+)", Path("/proc/meminfo").read_text(encoding="utf-8"))
    assert 0 < int(memory[1]) < 0.9 * 1024 * int(free[1])
    assert re.search(r"Max core file size +0 +0 ", limits)
    assert os.getsid(pid) == pid  # Ctrl-C does not reach it
    command = Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8").split("\0")
    assert "-P" in command[: command.index("-m")]
    chatter, errors = (Path(f"/proc/{pid}/fd/{number}").readlink() for number in (1, 2))
    assert chatter == errors  # what a runtime prints is no answer


def test_a_file_in_the_current_folder_passes_for_no_package(executor, tmp_path, monkeypatch):
    (tmp_path / "numpy.py").write_text("raise SystemExit('not the package')")
    monkeypatch.chdir(tmp_path)
    assert executor.describe("fake")[0].name == "fake"


def test_the_last_words_of_a_worker_are_kept():
    worker = WorkerProcess()
    os.write(worker._chatter.fileno(), b"x" * 5000 + b" and that was all\n")
    worker._process.kill()
    with pytest.raises(WorkerDied, match="killed by SIGKILL") as caught:
        worker.wait(None)
    worker.end()
    assert re.fullmatch(r"x{3982} and that was all", caught.value.last_words)


def test_a_worker_that_died_while_idle_is_replaced(executor):
    outcomes(executor, cohort_for("fake", 1))
    kill_and_wait(executor._worker)
    assert executor.describe("fake")[0].name == "fake"
    kill_and_wait(executor._worker)
    assert outcomes(executor, cohort_for("fake", 2))[2].status == "ok"


def test_a_worker_that_dies_while_it_waits_is_no_fault_of_its_job(executor):
    with machine.sole_timing(lambda: None):
        trials = executor.execute([cohort_for("fake", 1)])
        while not next(trials).waiting:
            pass
        executor._worker._process.kill()
        while not next(trials).waiting:
            pass
    rest = [item for item in trials if isinstance(item, Trial)]
    assert [trial.status for trial in rest] == ["ok"]


def test_after_a_death_at_no_job_the_rest_is_tried_again_together(idle, monkeypatch):
    cohort = cohort_for("fake", 1, 2, 3)
    first, *rest = (Trial(job=job, status="ok") for job in cohort.jobs)
    death = WorkerDied(-signal.SIGKILL, Position(phase="probes"), "")
    scripts = [
        [Finished(index=0, trial=first), death],
        [*(Finished(index=i, trial=one) for i, one in enumerate(rest)), Done(release_s=0.5)],
    ]
    asked = []

    class Scripted:
        def __init__(self, *python):
            self._script = scripts.pop(0)

        def send(self, request):
            asked.append(request.cohort.jobs)

        def wait(self, seconds):
            answer = self._script.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer

        def end(self):
            """Hold nothing."""

    monkeypatch.setattr(local, "WorkerProcess", Scripted)
    given_back = Progress(ahead=0, release_s=0.5)
    assert list(idle.execute([cohort])) == [first, *rest, given_back]
    assert asked == [cohort.jobs, cohort.jobs[1:]]


def test_workers_that_never_get_to_a_job_are_given_up(idle, monkeypatch):
    started = []

    class Stillborn(WorkerProcess):
        def __init__(self, *python):
            super().__init__(*python)
            started.append(self)
            self._process.kill()

    monkeypatch.setattr(local, "WorkerProcess", Stillborn)
    trials = outcomes(idle, cohort_for("fake", 1, 2))
    assert {trial.status for trial in trials.values()} == {"failed"}
    reason = "the worker process ended in starting: killed by SIGKILL"
    assert all(trial.reason.startswith(reason) for trial in trials.values())
    assert len(started) == 3
    with pytest.raises(WorkerError, match=r"no worker process starts \(killed by SIGKILL"):
        idle.describe("fake")


def test_a_worker_that_ends_as_it_opens_a_platform_blames_the_platform(executor, monkeypatch):
    monkeypatch.setattr(
        WorkerProcess,
        "wait",
        lambda *_: (_ for _ in ()).throw(
            WorkerDied(-signal.SIGSEGV, Position(phase="opening"), "a\nbad library")
        ),
    )
    with pytest.raises(PlatformUnavailable, match=r"SIGSEGV.*Reinstall.*said: bad library"):
        executor.describe("fake")


def test_each_thread_has_a_worker_of_its_own_which_ends_with_it(executor):
    thread = threading.Thread(target=executor.describe, args=("fake",))
    thread.start()
    thread.join()
    worker = executor._worker
    assert outcomes(executor, cohort_for("fake", 1))[1].status == "ok"
    assert executor._worker is not worker


def kill_and_wait(worker):
    worker._process.kill()
    worker._process.wait()


def test_closing_ends_the_worker():
    executor = LocalExecutor()
    executor.describe("fake")
    pid = executor._worker._process.pid
    executor.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_worker_judges_by_what_workers_before_it_saw_with_the_core_alone(
    idle, tmp_path, monkeypatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    once = msgspec.structs.replace(QUICK, rounds=1, min_rounds=1)
    cohort = msgspec.structs.replace(cohort_for("onnxruntime-cpu", 4), protocol=once)
    first = outcomes(idle, cohort)[4].measurement("latency_s")
    assert least_contention() is None, "one round, or three with the core shared, say too little"
    assert 0.05 < first.least_contention < 100, "the machine was watched first"
    known = first.least_contention / 10
    for _ in range(10):
        keep_contention(known)
    second = outcomes(idle, cohort)[4].measurement("latency_s")
    assert second.least_contention == known
    assert second.trust.reason.startswith("another hardware thread shared the processor's core")
