"""``opscope report``, and ``opscope compare --html``."""

from opscope import api
from tests.builders import small_study
from tests.cli.running import opscope_process


def test_a_run_becomes_a_page_named_after_its_study(tmp_path):
    api.run_study(small_study(), ["fake"], database=tmp_path / "x.db")
    done = opscope_process("report", "small", "--db", "x.db", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("small.html: ")
    assert "all 24 jobs ended" in (tmp_path / "small.html").read_text(encoding="utf-8")
    sides = ("run:1/fake", "run:1/fake", "--db", "x.db", "--html", "c.html")
    compared = opscope_process("compare", *sides, cwd=tmp_path)
    assert compared.returncode == 1, compared.stderr  # so few rounds give no interval
    assert "All verdicts" in (tmp_path / "c.html").read_text(encoding="utf-8")


def test_a_folder_is_refused_in_a_line(tmp_path):
    done = opscope_process("report", "conv-channels", "-o", str(tmp_path))
    assert done.returncode == 2
    assert done.stderr == f"opscope: {tmp_path}: it is a folder. Name a file in it.\n"
