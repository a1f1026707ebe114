"""A package outside opscope adds a platform by its entry point alone."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

EXAMPLE = Path(__file__).parent.parent / "examples" / "opscope-toy"


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """Install the example into a folder of its own and return an environment that sees it."""
    folder = tmp_path_factory.mktemp("site")
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"),
            *("--no-build-isolation", "--disable-pip-version-check"),
            *("--target", str(folder), str(EXAMPLE)),
        ],
        check=True,
    )
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    return {**os.environ, "PYTHONPATH": path}


def run(environment, *arguments, cwd=None):
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        env=environment,
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_is_listed(environment):
    listed = run(environment, "opscope.cli", "platforms", "--json")
    rows = {row["name"]: row for row in json.loads(listed.stdout)}
    assert rows["toy"]["available"]
    assert "onnxruntime-cpu" in rows


def test_it_measures(environment):
    arguments = ("measure", "conv:h=8,cin=8,cout=8,k=3", "-p", "toy", "--json")
    measured = run(environment, "opscope.cli", *arguments)
    (row,) = json.loads(measured.stdout)
    assert (row["platform"], row["status"], row["origin"]) == ("toy", "ok", "measured")
    assert row["latency_s"] > 0


def test_it_passes_the_conformance_suite(environment, tmp_path):
    tests = str(EXAMPLE / "tests")
    arguments = ("-q", "-p", "no:cacheprovider", "-W", "error", "--import-mode=importlib", tests)
    result = run(environment, "pytest", *arguments, cwd=tmp_path)
    assert result.returncode == 0, result.stdout
    assert " passed" in result.stdout
