"""`scripts/setup` with a Python that only takes note of what it is asked to install."""

import shutil
import stat
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PYTHON = """#!/bin/sh
echo "$@" >> .venv/asked
mkdir -p .venv/lib/python3/site-packages/runtime .venv/lib/python3/site-packages/runtime-1.dist-info
"""


@pytest.fixture
def checkout(tmp_path):
    """Return a folder with the script, a project and an empty environment."""
    (tmp_path / "scripts").mkdir()
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    shutil.copy(ROOT / "scripts" / "setup", tmp_path / "scripts" / "setup")
    (tmp_path / "pyproject.toml").write_text("[project]")
    for name in ("python", "pip"):
        program = tmp_path / ".venv" / "bin" / name
        program.write_text(PYTHON)
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return tmp_path


def asked(checkout, want="run"):
    """Set up and return what pip was asked for this time."""
    note = checkout / ".venv" / "asked"
    note.write_text("")
    subprocess.run([checkout / "scripts" / "setup", want], check=True, capture_output=True)
    return [line for line in note.read_text().splitlines() if "--editable" in line]


def test_it_is_set_up_once_and_again_when_the_project_changes(checkout):
    assert len(asked(checkout)) == 1
    assert asked(checkout) == []
    assert len(asked(checkout, "dev")) == 1
    (checkout / "pyproject.toml").write_text("[project] # changed")
    assert len(asked(checkout)) == 1


def test_what_was_uninstalled_is_installed_again(checkout):
    asked(checkout)
    for name in ("runtime", "runtime-1.dist-info"):
        (checkout / ".venv/lib/python3/site-packages" / name).rmdir()
    (again,) = asked(checkout)
    assert "--force-reinstall" not in again
    assert asked(checkout) == []


def test_what_was_deleted_behind_pips_back_is_forced_back(checkout):
    asked(checkout)
    (checkout / ".venv/lib/python3/site-packages/runtime").rmdir()
    (again,) = asked(checkout)
    assert "--force-reinstall" in again
    assert asked(checkout) == []


def test_what_a_user_adds_is_no_reason_to_set_up(checkout):
    asked(checkout)
    own = checkout / ".venv/lib/python3/site-packages/own"
    own.mkdir()
    assert asked(checkout) == []
    own.rmdir()
    assert asked(checkout) == []
