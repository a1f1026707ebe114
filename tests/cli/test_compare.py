"""``opscope compare`` as a user has it."""

import json
import sys

import pytest

from opscope.cli import app
from opscope.engine import comparing
from tests.cli.running import opscope_command
from tests.cli.test_cli import QUICK, STUDY
from tests.engine.test_comparing import FAKE, OTHER, keep, sure

CONV = "conv:h=6,cin=3,cout=4,k=3"


@pytest.fixture
def folder(tmp_path):
    keep(
        tmp_path / "opscope.db",
        [(FAKE, sure(cout, 1.0)) for cout in (1, 2)],
        [(FAKE, sure(1, 0.9)), (FAKE, sure(2, 1.0)), (FAKE, sure(3, 1.0))],
        [(FAKE, sure(1, 1.0)), (OTHER, sure(1, 2.0))],
    )
    return tmp_path


@pytest.fixture
def few_sittings(monkeypatch):
    """Measure in fewer sittings than a user has."""
    monkeypatch.setattr(comparing, "SITTINGS", 3)


@pytest.mark.usefixtures("few_sittings")
def test_two_platforms_now():
    result = opscope_command("compare", "fake", "fake:factor=0.8", "-c", CONV, "--json")
    found = json.loads(result.stdout)
    assert result.returncode == 0
    assert (found["taken"], found["quantity"]) == ("in turns", "latency_s")
    (item,) = found["configurations"]
    assert item["outcome"] == "B lower"
    assert item["ratio"] == pytest.approx(0.8, abs=1e-3)
    assert {item["a"]["origin"], item["b"]["origin"]} == {"estimated"}
    assert found["overall"]["counts"] == {"B lower": 1}


@pytest.mark.usefixtures("few_sittings")
def test_a_study_on_two_platforms(folder):
    text = STUDY.replace("stop = 48", "stop = 2") + QUICK.replace("rounds = 6", "rounds = 7")
    (folder / "mine.toml").write_text(text)
    result = opscope_command("compare", "fake", "fake", "--study", "mine.toml", cwd=folder)
    assert result.returncode == 0
    assert "taken in turns by round" in result.stdout
    assert "2 no difference shown" in result.stdout


def test_a_narrow_terminal_folds_what_it_has_no_room_for(folder, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    result = opscope_command("compare", "run:1", "run:2", cwd=folder)
    assert result.returncode == 0
    cells = [line.split("│")[1].strip() for line in result.stdout.splitlines() if "│" in line]
    assert [f"cout={cout}" in "".join(cells) for cout in (1, 2)] == [True, True]


def test_kept_runs_side_by_side(folder):
    result = opscope_command("compare", "run:1", "run:2", cwd=folder)
    assert result.returncode == 0, result.stderr
    page = " ".join(result.stdout.split())
    for part in (
        "A fake fake 1; no device; run 1 of opscope.db",
        "paired by configuration; not taken together",
        "1 of B's configurations left out: A lacks them",
        "1 B lower, 1 no difference shown",
        "would show a difference by chance",
        "in the geometric mean of 2 configurations",
    ):
        assert part in page
    again = opscope_command("compare", "opscope.db#1", "run:3/fake", "--json", cwd=folder)
    (item,) = json.loads(again.stdout)["configurations"]
    assert item["outcome"] == "no difference shown"


@pytest.mark.usefixtures("few_sittings")
def test_what_cannot_be_told_exits_with_1():
    result = opscope_command("compare", "fake", "fake:fail_at=4", "-c", CONV)
    assert result.returncode == app.INCOMPLETE
    page = " ".join(result.stdout.replace("│", " ").split())
    assert "1 cannot be told" in page
    assert "no configuration can be compared" in page


@pytest.fixture
def older(tmp_path):
    """The interpreter of another environment, whose onnxruntime says that it is version 0.9."""
    packages = tmp_path / "older"
    (packages / "onnxruntime-0.9.dist-info").mkdir(parents=True)
    metadata = "Metadata-Version: 2.1\nName: onnxruntime\nVersion: 0.9\n"
    (packages / "onnxruntime-0.9.dist-info" / "METADATA").write_text(metadata, encoding="utf-8")
    python = tmp_path / "python"
    start = f'export PYTHONPATH="{packages}:$PYTHONPATH"\nexec "{sys.executable}" "$@"'
    python.write_text(f"#!/bin/sh\n{start}\n", encoding="utf-8")
    python.chmod(0o755)
    return str(python)


@pytest.mark.usefixtures("few_sittings")
def test_one_platform_in_two_environments(older):
    result = opscope_command("compare", "fake", "fake", "--python-b", older, "-c", CONV, "--json")
    found = json.loads(result.stdout)
    assert result.returncode == 0
    assert (found["a"]["python"], found["b"]["python"]) == ("", older)
    assert found["configurations"][0]["outcome"] == "no difference shown"


def test_what_is_wrong_in_another_environment_names_it(older):
    platform = "onnxruntime-cpu"
    result = opscope_command("compare", platform, platform, "--python-b", older, "-c", CONV)
    assert result.returncode == 3
    assert f"{older}: {platform}: onnxruntime 0.9 is installed, and" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("fake", "fake"), 2, "it is not said what to compare them by. Use -c CONFIGURATION or"),
        (("run:1", "run:x"), 2, "run:x: this names no run. Write a platform, run:N,"),
        (("run:1", "run:3"), 2, "run:3: this run has several platforms. Write run:3/fake or"),
        (("run:1", "run:7"), 4, "opscope.db: no run 7 is kept there. Runs 1, 2, 3 are."),
        (("run:1", "no.db#1"), 4, "no.db: there is no such database"),
        (("run:1", "run:2", "--quantity", "cycles"), 2, "neither side has 'cycles'"),
        (("fake", "fake", "-c", CONV, "--quantity", "x"), 2, "What is measured is latency_s."),
        (("fake", "nope", "-c", CONV), 2, "no platform 'nope'"),
        (("fake", "fake", "-c", CONV, "--python-b", "/no"), 2, "/no: this interpreter does not"),
        (("fake",), 2, "takes 2 values"),
    ],
)
def test_errors_are_one_line_with_their_code(folder, arguments, code, message):
    result = opscope_command("compare", *arguments, cwd=folder)
    assert (result.returncode, result.stdout) == (code, "")
    assert message in result.stderr
    assert "Traceback" not in result.stderr
