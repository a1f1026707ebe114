"""``opscope report``, and ``opscope compare --html``."""

import os

import msgspec
import pytest

from opscope import api
from tests.builders import small_study
from tests.cli.running import opscope_command, opscope_process


def test_a_run_becomes_a_page_named_after_its_study(tmp_path):
    api.run_study(small_study(), ["fake"], database=tmp_path / "x.db")
    done = opscope_process("report", "small", "--db", "x.db", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("small.html: ")
    assert "all 24 jobs ended" in (tmp_path / "small.html").read_text(encoding="utf-8")
    sides = ("run:1/fake", "run:1/fake", "--db", "x.db", "--html", "c.html")
    compared = opscope_process("compare", *sides, cwd=tmp_path)
    assert compared.returncode == 0, compared.stderr
    assert "All verdicts" in (tmp_path / "c.html").read_text(encoding="utf-8")


def test_a_study_is_no_way_out_of_the_folder(tmp_path):
    inside = tmp_path / "inside"
    inside.mkdir()
    study = msgspec.structs.replace(small_study(3), name="../out")
    api.run_study(study, ["fake"], database=inside / "x.db")
    done = opscope_command("report", "../out", "--db", "x.db", cwd=inside)
    assert done.returncode == 2
    assert "names no file of this folder. Name the file: -o FILE.html." in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["inside"]
    named = opscope_command("report", "../out", "--db", "x.db", "-o", "in.html", cwd=inside)
    assert named.returncode == 0, named.stderr
    assert (inside / "in.html").is_file()


COMMANDS = {
    "report": ("report", "small", "--db", "x.db", "-o"),
    "figure": ("figure", "small", "latency-macs", "--db", "x.db", "-o"),
    "compare": ("compare", "run:1/fake", "run:1/fake:period=8", "--db", "x.db", "--html"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("places")
    api.run_study(small_study(3), ["fake", "fake:period=8"], database=folder / "x.db")
    (folder / "folder.svg").mkdir()
    os.mkfifo(folder / "pipe.svg")
    return folder


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("path", "complaint"),
    [
        ("none/such/x.svg", "none/such: there is no such folder. Make it, or name another."),
        ("folder.svg", "folder.svg: it is a folder. Name a file in it."),
        ("pipe.svg", "pipe.svg: it is no regular file. {elsewhere}"),
        ("x.db/x.svg", "x.db: there is no such folder. Make it, or name another."),
        ("/proc/x.svg", "/proc/x.svg: cannot be written: No such file or directory. {elsewhere}"),
    ],
)
def test_where_nothing_can_be_written_is_told_in_a_line(folder, command, path, complaint):
    done = opscope_command(*COMMANDS[command], path, cwd=folder)
    assert done.returncode == 2
    elsewhere = "Name a file in a folder that can be written."
    assert done.stderr.splitlines()[-1] == f"opscope: {complaint.format(elsewhere=elsewhere)}"
    assert "Traceback" not in done.stderr
    left = [path.name for path in folder.rglob("*") if not path.name.startswith("x.db")]
    assert sorted(left) == ["folder.svg", "pipe.svg"]
