"""``opscope export`` and ``opscope import`` as a user calls them."""

import json

import polars as pl
import pytest

from tests.cli.running import opscope_command

FLAGS = (
    *("--platform", "board", "--origin", "measured", "--kind", "conv", "--db", "x.db"),
    *("--parameter", "cout=channels", "--set", "h=28", "--set", "cin=8", "--set", "k=3"),
    *("--value", "latency_s=ms", "--unit", "ms"),
)


@pytest.fixture
def folder(tmp_path):
    rows = "".join(f"{c},{1 + (c - 1) // 8}\n" for c in range(1, 33))
    (tmp_path / "board.csv").write_text(f"channels,ms\n{rows}")
    return tmp_path


def test_in_and_out(folder):
    done = opscope_command("import", "board.csv", *FLAGS, "--steps", "cout", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "board.csv: 32 rows in run 1 of board, trust not assessed\n"
    said = opscope_command("findings", "board", "--db", "x.db", cwd=folder).stdout
    assert "recommended  cout = 8, 16, 24, 32" in said
    assert "not assessed: 32 of 32 figures were imported" in " ".join(said.split())
    out = ("export", "board", "--db", "x.db", "-o", "out.parquet", "--json")
    done = opscope_command(*out, "--run", "1", "-p", "board", cwd=folder)
    assert json.loads(done.stdout) == {"file": "out.parquet", "rows": 32}
    table = pl.read_parquet(folder / "out.parquet")
    assert table["latency_s"].to_list() == [1e-3 * (1 + (c - 1) // 8) for c in range(1, 33)]
    assert set(table["source_file"]) == {"board.csv"}
    assert set(table["latency_trust"]) == {"not assessed"}


def test_more_can_be_asked_of_it_later(folder):
    opscope_command("import", "board.csv", *FLAGS, "--meter", "call-latency", cwd=folder)
    out = ("--db", "x.db", "--steps", "cout")
    done = opscope_command("findings", "board", *out, cwd=folder)
    assert "recommended  cout = 8, 16, 24, 32" in done.stdout
    assert "conv-cout-fp32" in opscope_command("figure", "board", *out, cwd=folder).stdout
    page = opscope_command("report", "board", *out, cwd=folder)
    assert (page.returncode, "8, 16, 24, 32" in (folder / "board.html").read_text()) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--meter", "latencies"), "--meter latencies: there is no such meter."),
        (("--steps", "cout", "--study", "x"), "--steps is for tables without --study"),
        (("--low", "energy_j=ms"), "--low energy_j: no --value energy_j=COLUMN."),
        (("--set", "k"), "--set k: write PARAMETER=VALUE."),
        (("--set", "k=5"), "--set k=5: k is given twice."),
        (("--precision", "fp3"), "'fp3' is not a precision"),
        (("--unit", "min"), "--unit latency_s=min: latency_s is given twice."),
    ],
)
def test_what_cannot_be_meant_is_said_in_a_line(folder, arguments, message):
    done = opscope_command("import", "board.csv", *FLAGS, *arguments, cwd=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_files_that_cannot_be_read_or_written(folder):
    done = opscope_command("import", "none.csv", *FLAGS, cwd=folder)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    opscope_command("import", "board.csv", *FLAGS, cwd=folder)
    for name in ("out.txt", "none/out.csv"):
        done = opscope_command("export", "board", "--db", "x.db", "-o", name, cwd=folder)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert not list(folder.glob("out*"))
