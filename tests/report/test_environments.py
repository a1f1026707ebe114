"""Environments in words."""

from msgspec.structs import replace

from opscope.report.environments import differences, machine_rows
from tests.analysis.test_machine import QUIET


def test_a_fact_that_is_not_known_is_said_so():
    known = dict(machine_rows(QUIET))
    assert known["processor"].endswith("4 of 8 processors to use")
    assert known["container"] == "no limit"
    hidden = replace(QUIET, cpu_limit=None, absent={"cpu_limit": "x"}, memory_bytes=None)
    assert dict(machine_rows(hidden))["container"] == "not known"
    assert dict(machine_rows(hidden))["memory"] == "not known"
    tight = replace(QUIET, cpu_limit=1.5, memory_limit_bytes=2**31)
    assert (
        dict(machine_rows(tight))["container"] == "grants 1.5 processors' worth of time and 2.0 GiB"
    )


def test_environments_differ_in_what_lasts_and_in_versions():
    one = replace(QUIET, packages={"numpy": "1", "onnx": "1"}, available_bytes=1, timer_s=1e-7)
    other = replace(
        one, kernel="9", packages={"numpy": "2", "msgspec": "1"}, available_bytes=2, timer_s=1e-8
    )
    assert differences(one, one) == []
    assert differences(one, other) == [
        ("system", f"{QUIET.system}, kernel {QUIET.kernel}", f"{QUIET.system}, kernel 9"),
        ("numpy", "1", "2"),
        ("onnx", "1", "none"),
        ("msgspec", "none", "1"),
    ]
