import os
import re
from pathlib import Path

import pytest

import opscope
from opscope.core.environment import Environment
from opscope.core.record import from_json, to_json
from opscope.meters.environment import read_environment
from opscope.platforms import cpu

CPUS = "sys/devices/system/cpu"

OLD = """{"opscope": "0.1.0", "python": "3.11", "system": "Debian", "kernel": "6.1", "cpu": "EPYC",
 "cores": 2, "instruction_set": ["avx2"], "caches": {"L2": 1048576}, "memory_bytes": 8589934592,
 "governor": null, "virtual_machine": true, "packages": {}, "absent": {"governor": "because"}}"""


@pytest.fixture
def tree(tmp_path):
    """Return what writes the files of a made-up machine, by path."""

    def write(files):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{text}\n")
        return tmp_path

    return write


def test_it_tells_this_machine_and_survives_json():
    environment = read_environment()
    assert environment.opscope == opscope.__version__
    assert environment.cores == len(os.sched_getaffinity(0))
    assert set(environment.allowed) == os.sched_getaffinity(0)
    assert environment.processors == os.cpu_count()
    assert (environment.cpu, environment.instruction_set) == cpu.describe()
    total = re.search(r"MemTotal: +(\d+)", Path("/proc/meminfo").read_text(encoding="utf-8"))
    assert environment.memory_bytes == int(total[1]) * 1024
    assert environment.available_bytes < environment.memory_bytes
    assert environment.timer_s > 0
    assert environment.packages["onnxruntime"].startswith("1.")
    assert from_json(to_json(environment), Environment) == environment


def test_environments_stored_before_there_were_more_facts_are_read():
    old = from_json(OLD, Environment)
    assert (old.cores, old.allowed, old.turbo, old.timer_s) == (2, (), None, None)


def test_what_cannot_be_read_says_why(tree):
    environment = read_environment(tree({}))
    for fact in ("governor", "turbo", "caches", "memory_bytes", "clock_source", "cpu_limit"):
        assert not getattr(environment, fact)
        assert environment.absent[fact].startswith("not available, because ")
    assert environment.virtual_machine is None


def test_caches_are_those_that_hold_data(tree):
    facts = ("Data 1 48K", "Instruction 1 32K", "Unified 2 2M")
    files = {
        f"{CPUS}/cpu0/cache/index{index}/{name}": fact
        for index, line in enumerate(facts)
        for name, fact in zip(("type", "level", "size"), line.split(), strict=True)
    }
    assert read_environment(tree(files)).caches == {"L1": 48 * 1024, "L2": 2 * 1024**2}


@pytest.mark.parametrize(
    ("name", "setting", "turbo"),
    [
        ("intel_pstate/no_turbo", "0", True),
        ("intel_pstate/no_turbo", "1", False),
        ("cpufreq/boost", "1", True),
        ("cpufreq/boost", "0", False),
    ],
)
def test_turbo_is_told_by_either_driver(tree, name, setting, turbo):
    environment = read_environment(tree({f"{CPUS}/{name}": setting}))
    assert environment.turbo is turbo
    assert "turbo" not in environment.absent


def test_memory_and_clock(tree):
    meminfo = "MemTotal: 8000 kB\nMemAvailable: 500 kB\nSwapTotal: 90 kB\nSwapFree: 60 kB\nHuge: 0"
    clock = "sys/devices/system/clocksource/clocksource0/current_clocksource"
    files = {
        "proc/meminfo": meminfo,
        "proc/cpuinfo": "flags : fpu hypervisor",
        clock: "hpet",
        f"{CPUS}/cpu0/cpufreq/scaling_governor": "powersave",
    }
    environment = read_environment(tree(files))
    assert environment.memory_bytes == 8000 * 1024
    assert environment.available_bytes == 500 * 1024
    assert environment.swap_used_bytes == 30 * 1024
    assert environment.clock_source == "hpet"
    assert environment.governor == "powersave"
    assert environment.virtual_machine is True


GROUP_2 = {"proc/self/cgroup": "0::/box/inner", "sys/fs/cgroup/cgroup.controllers": "cpu memory"}
GROUP_1 = {"proc/self/cgroup": "4:memory:/docker/ab\n3:cpu,cpuacct:/docker/ab\n1:name=systemd:/"}


def test_the_tightest_limit_of_the_groups_around_counts(tree):
    files = {
        "sys/fs/cgroup/box/cpu.max": "150000 100000",
        "sys/fs/cgroup/box/inner/cpu.max": "max 100000",
        "sys/fs/cgroup/box/memory.max": "max",
        "sys/fs/cgroup/box/inner/memory.max": "1073741824",
    }
    environment = read_environment(tree(GROUP_2 | files))
    assert environment.cpu_limit == 1.5
    assert environment.memory_limit_bytes == 1024**3


def test_version_1_is_read_where_the_container_sees_the_mount_alone(tree):
    files = {
        "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "50000",
        "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
        "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712",
    }
    environment = read_environment(tree(GROUP_1 | files))
    assert environment.cpu_limit == 0.5
    assert environment.memory_limit_bytes is None
    assert not {"cpu_limit", "memory_limit_bytes"} & set(environment.absent)


def test_no_limit_is_not_an_unknown_one(tree):
    environment = read_environment(tree(GROUP_2))
    assert (environment.cpu_limit, environment.memory_limit_bytes) == (None, None)
    assert not {"cpu_limit", "memory_limit_bytes"} & set(environment.absent)
    none = read_environment(tree({"proc/self/cgroup": "1:name=systemd:/"}))
    assert none.cpu_limit is None
    (Path(tree({})) / "sys/fs/cgroup/cgroup.controllers").unlink()
    environment = read_environment(tree({}))
    assert "no cpu controller" in environment.absent["cpu_limit"]


def test_a_limit_that_cannot_be_understood_is_unknown(tree):
    environment = read_environment(tree(GROUP_2 | {"sys/fs/cgroup/cpu.max": "lots"}))
    assert environment.cpu_limit is None
    assert "cannot be understood" in environment.absent["cpu_limit"]
