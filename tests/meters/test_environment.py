import os
import re
from pathlib import Path

import opscope
from opscope.core.environment import Environment
from opscope.core.record import from_json, to_json
from opscope.meters import environment as module
from opscope.meters.environment import read_environment
from opscope.platforms import cpu


def test_it_tells_this_machine_and_survives_json():
    environment = read_environment()
    assert environment.opscope == opscope.__version__
    assert environment.cores == len(os.sched_getaffinity(0))
    assert (environment.cpu, environment.instruction_set) == cpu.describe()
    total = re.search(r"MemTotal: +(\d+)", Path("/proc/meminfo").read_text(encoding="utf-8"))
    assert environment.memory_bytes == int(total[1]) * 1024
    assert environment.packages["onnxruntime"].startswith("1.")
    assert from_json(to_json(environment), Environment) == environment


def test_what_cannot_be_read_says_why():
    environment = read_environment()
    assert environment.governor or "because" in environment.absent["governor"]
    assert environment.caches or "because" in environment.absent["caches"]


def test_caches_are_those_that_hold_data(tmp_path, monkeypatch):
    for index, facts in enumerate(("Data 1 48K", "Instruction 1 32K", "Unified 2 2M")):
        folder = tmp_path / f"index{index}"
        folder.mkdir()
        for name, fact in zip(("type", "level", "size"), facts.split(), strict=True):
            (folder / name).write_text(f"{fact}\n")
    monkeypatch.setattr(module, "_CACHES", tmp_path)
    assert read_environment().caches == {"L1": 48 * 1024, "L2": 2 * 1024**2}
    monkeypatch.setattr(module, "_CACHES", tmp_path / "none")
    environment = read_environment()
    assert environment.caches == {}
    assert "lists none" in environment.absent["caches"]
