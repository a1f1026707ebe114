import json

import pytest

from tests.cli.running import opscope_command

KEYS = {
    *("platform", "environment", "quality", "verdict", "span_s", "rounds", "noise", "drift"),
    *("expectation", "disturbed", "shared", "counted", "steal", "neighbours", "frequency_hz"),
    *("temperature_c", "isolation", "peaks", "bandwidth", "copy_bandwidth", "ridge", "advice"),
    *("missing", "absent"),
}


def test_an_empty_platform_is_none():
    result = opscope_command("doctor", "-p", "")
    assert (result.returncode, result.stdout) == (2, "")
    assert "'': it begins with no name" in result.stderr


def test_a_diagnosis_of_the_fake_as_json():
    result = opscope_command("doctor", "-p", "fake:noise=0.001", "--budget", "1s", "--json")
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    assert set(found) == KEYS
    assert found["noise"]["deviation"] == pytest.approx(0.0002, abs=0.0002)
    assert found["expectation"]["rounds"] == 8
    assert found["missing"] == {}
    (peak,) = found["peaks"]
    macs, seconds = 28 * 28 * 512 * 512, 1e-4 + 2e-4 * 512 / 16  # by the fake's formula
    other_macs, other_seconds = 56 * 56 * 128 * 128 * 9, 1e-4 + 2e-4 * 128 / 16
    expected = max(macs / seconds, other_macs / other_seconds)
    assert peak["value"] == pytest.approx(expected, rel=0.01)


def test_a_real_runtime_is_watched_and_shown():
    result = opscope_command("doctor", "-p", "onnxruntime-cpu", "--budget", "2s")
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[0].startswith("onnxruntime-cpu (onnxruntime 1.")
    assert " for measuring: " in result.stdout
    assert "peak fp32" in result.stdout
    assert "Not measured" not in result.stdout
    assert result.stderr == ""


def test_a_platform_that_only_reports_is_refused_with_a_remedy():
    result = opscope_command("doctor", "-p", "fake-compiler")
    assert result.returncode == 3
    assert result.stderr.startswith("opscope: fake-compiler: it reports without measuring")
    assert result.stdout == ""
