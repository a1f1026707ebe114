"""What a measurement is kept apart by, and that it is put back; a made-up /sys for frequencies."""

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from opscope.core.study import Protocol
from opscope.engine import isolation
from opscope.engine.isolation import isolated
from tests.engine.test_kill import wait_until

ALONE = Protocol(priority=False)


@pytest.fixture
def frequencies(tmp_path, monkeypatch):
    """Two cores that may run at 0.8 to 3.5 GHz; only of the first a base of 2.4 is known."""
    for core, base in (("cpu0", "2400000\n"), ("cpu1", "")):
        folder = tmp_path / core / "cpufreq"
        folder.mkdir(parents=True)
        (folder / "scaling_min_freq").write_text("800000\n", encoding="ascii")
        (folder / "scaling_max_freq").write_text("3500000\n", encoding="ascii")
        (folder / "cpuinfo_max_freq").write_text("3500000\n", encoding="ascii")
        if base:
            (folder / "base_frequency").write_text(base, encoding="ascii")
    monkeypatch.setattr(isolation, "_CPUS", tmp_path)

    def bounds():
        names = ("scaling_min_freq", "scaling_max_freq")
        return [
            tuple(int((tmp_path / core / "cpufreq" / name).read_text()) for name in names)
            for core in ("cpu0", "cpu1")
        ]

    return bounds


def test_every_core_keeps_to_its_base_frequency_and_is_free_again(frequencies):
    fixed = Protocol(priority=False, fixed_frequency=True)
    with isolated(fixed) as said:
        assert frequencies() == [(2_400_000, 2_400_000), (3_500_000, 3_500_000)]
        assert said() == ("frequency fixed at 2.4 to 3.5 GHz",)
    assert frequencies() == [(800_000, 3_500_000)] * 2


def test_frequencies_are_free_again_after_a_failure(frequencies):
    with (
        pytest.raises(RuntimeError),
        isolated(Protocol(priority=False, fixed_frequency=True)),
    ):
        raise RuntimeError
    assert frequencies() == [(800_000, 3_500_000)] * 2


def test_frequencies_are_free_again_after_the_process_was_killed(frequencies, tmp_path):
    code = f"""
import os, signal
from pathlib import Path
from opscope.core.study import Protocol
from opscope.engine import isolation
isolation._CPUS = Path({str(tmp_path)!r})
with isolation.isolated(Protocol(priority=False, fixed_frequency=True)) as said:
    print(*said(), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""
    ended = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True
    )
    assert ended.returncode == -signal.SIGKILL
    assert ended.stdout.startswith("frequency fixed")
    wait_until(lambda: frequencies() == [(800_000, 3_500_000)] * 2)


def test_a_core_that_refuses_leaves_the_others_as_they_were(frequencies, tmp_path):
    path = tmp_path / "cpu1" / "cpufreq" / "scaling_max_freq"
    path.unlink()
    path.mkdir()
    with isolated(Protocol(priority=False, fixed_frequency=True)) as said:
        assert said()[0].startswith("fixed frequency not available, because ")
    assert int((tmp_path / "cpu0" / "cpufreq" / "scaling_min_freq").read_text()) == 800_000


def test_what_this_machine_does_not_have_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(isolation, "_CPUS", tmp_path)
    with isolated(Protocol(priority=False, fixed_frequency=True)) as said:
        assert said() == (
            f"fixed frequency not available, because {tmp_path}/cpu*/cpufreq does not exist",
        )


def test_the_core_it_keeps_to_is_one_it_may_use_and_given_back():
    before = os.sched_getaffinity(0)
    with isolated(Protocol(priority=False, pin=True)) as said:
        assert os.sched_getaffinity(0) == {max(before)}
        assert said() == (f"pinned to core {max(before)}",)
    assert os.sched_getaffinity(0) == before


def test_threads_of_a_runtime_keep_to_as_many_cores_as_compute():
    before = os.sched_getaffinity(0)
    with ThreadPoolExecutor(1) as pool:
        pooled = pool.submit(threading.get_native_id).result()
        for threads in (1, 2):
            cores = set(sorted(before)[-threads:])
            with isolated(Protocol(priority=False, pin=True), threads) as said:
                assert [os.sched_getaffinity(thread) for thread in (0, pooled)] == [cores] * 2
                assert said()[0].endswith(" and ".join(map(str, sorted(cores))))
        assert os.sched_getaffinity(pooled) == before


def test_a_thread_that_began_meanwhile_is_free_again():
    before = os.sched_getaffinity(0)
    with ThreadPoolExecutor(1) as pool:
        with isolated(Protocol(priority=False, pin=True)):
            pooled = pool.submit(threading.get_native_id).result()
            assert os.sched_getaffinity(pooled) == {max(before)}
        assert os.sched_getaffinity(pooled) == before


def test_a_runtime_that_undoes_pinning_is_not_covered_for():
    before = os.sched_getaffinity(0)
    with isolated(Protocol(priority=False, pin=True)) as said:
        os.sched_setaffinity(0, before)
        undone = f"not pinned to core {max(before)}, because the runtime undid it"
        assert said() == ((undone,) if len(before) > 1 else (f"pinned to core {max(before)}",))


def test_priority_is_raised_where_it_may_be_and_put_back():
    before = os.getpriority(os.PRIO_PROCESS, 0)
    with ThreadPoolExecutor(1) as pool:
        pooled = pool.submit(threading.get_native_id).result()
        with isolated(Protocol()) as said:
            during = {os.getpriority(os.PRIO_PROCESS, thread) for thread in (0, pooled)}
            assert (during, *said()) == ({-20}, "priority -20") or "not available" in said()[0]
        for thread in (0, pooled):
            assert os.getpriority(os.PRIO_PROCESS, thread) == before


def test_real_time_scheduling_is_given_back_or_refused_in_words():
    with (
        ThreadPoolExecutor(1) as pool,
        isolated(Protocol(priority=False, realtime=True)) as say,
    ):
        (said,) = say()
        pooled = pool.submit(threading.get_native_id).result()
        during = os.sched_getscheduler(0)
        assert os.sched_getscheduler(pooled) == during
        if during == os.SCHED_FIFO:
            assert said == "real-time priority 10"
        else:
            assert said.startswith("real-time scheduling not available, because ")
    assert os.sched_getscheduler(0) == os.SCHED_OTHER


def test_nothing_is_touched_unasked():
    before = os.getpriority(os.PRIO_PROCESS, 0), os.sched_getaffinity(0)
    with isolated(ALONE) as said:
        assert said() == ()
        assert (os.getpriority(os.PRIO_PROCESS, 0), os.sched_getaffinity(0)) == before
