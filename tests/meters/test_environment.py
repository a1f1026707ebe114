import os

import opscope
from opscope.core.environment import Environment
from opscope.core.record import from_json, to_json
from opscope.meters.environment import read_environment


def test_it_tells_this_machine_and_survives_json():
    environment = read_environment()
    assert environment.opscope == opscope.__version__
    assert environment.cores == len(os.sched_getaffinity(0))
    assert environment.cpu
    assert environment.packages["onnxruntime"].startswith("1.")
    assert from_json(to_json(environment), Environment) == environment


def test_what_cannot_be_read_says_why():
    environment = read_environment()
    assert environment.governor or "because" in environment.absent["governor"]
    assert environment.caches or "because" in environment.absent["caches"]
