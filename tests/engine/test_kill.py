"""A study killed at any moment loses nothing finished and does nothing twice."""

import random
import signal
import sqlite3
import time
from functools import partial
from pathlib import Path

import pytest

from tests.cli.running import started

STUDY = """
name = "killed"
title = "A study to be killed"
question = "does it go on?"

[[spaces]]
kind = "conv"
base = { h = 6, cin = 3, k = 3 }
axes.cout = { start = 1, stop = 60 }

[[meters]]
name = "call-latency"

[protocol]
preparations = 1
rounds = 2
min_rounds = 2
samples = 2
warmup = 1

[limits]
cohort_size = 3

[[findings]]
kind = "steps"
x = "cout"
"""
PLATFORM = "fake:pause_ms=1"
KILLS = 20


def start(folder):
    return started("study", "run", "study.toml", "-p", PLATFORM, cwd=folder)


def stored(folder):
    if not (folder / "opscope.db").exists():
        return []
    connection = sqlite3.connect(f"file:{folder}/opscope.db?mode=ro", uri=True)
    try:
        return connection.execute(
            "SELECT id, key, attempt, record FROM trials ORDER BY id"
        ).fetchall()
    except sqlite3.OperationalError:  # killed before the tables were made
        return []
    finally:
        connection.close()


@pytest.mark.slow
def test_twenty_kills_at_random_moments_lose_nothing_and_repeat_nothing(tmp_path):
    jobs = 300
    (tmp_path / "study.toml").write_text(STUDY.replace("stop = 60", f"stop = {jobs}"))
    moments = random.Random(5)
    before, grew = [], 0
    for number in range(KILLS):
        with start(tmp_path) as process:
            if number % 2:  # while trials are being stored
                wait_until(partial(has_more, tmp_path, len(before)))
                time.sleep(moments.uniform(0, 0.2))
            else:  # anywhere, start-up included
                time.sleep(moments.uniform(0.05, 1.2))
            process.send_signal(signal.SIGKILL)
            process.communicate()
        after = stored(tmp_path)
        assert after[: len(before)] == before
        grew += len(after) > len(before)
        before = after
    assert grew >= KILLS // 2
    assert len(before) < jobs, "the last run must have something left to do"
    with start(tmp_path) as last:
        output, errors = last.communicate(timeout=120)
    assert last.returncode == 0, errors
    rows = stored(tmp_path)
    assert rows[: len(before)] == before
    assert len(rows) == len({row[1] for row in rows}) == jobs
    assert {row[2] for row in rows} == {0}
    assert f"run 1: {jobs} jobs" in output


@pytest.mark.slow
def test_ctrl_c_keeps_what_was_measured_and_says_how_to_go_on(tmp_path):
    (tmp_path / "study.toml").write_text(STUDY.replace("stop = 60", "stop = 400"))
    with start(tmp_path) as process:
        wait_until(lambda: len(stored(tmp_path)) >= 5)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "the same command goes on" in errors
    assert "Traceback" not in errors
    assert 5 <= len(stored(tmp_path)) < 400


@pytest.mark.slow
def test_the_worker_ends_with_its_runner(tmp_path):
    (tmp_path / "study.toml").write_text(STUDY.replace("stop = 60", "stop = 400"))
    with start(tmp_path) as process:
        wait_until(lambda: len(stored(tmp_path)) >= 3)
        workers = children_of(process.pid)
        assert workers
        process.kill()
        process.communicate()
    wait_until(lambda: not any(alive(worker) for worker in workers))


def wait_until(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "nothing happened in time"
        time.sleep(0.02)


def has_more(folder, known):
    return len(stored(folder)) > known


def children_of(pid):
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8")
    return [int(child) for child in children.split()]


def alive(pid):
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"
