"""Which files an import can read, and which it refuses, by row and with nothing left behind."""

import datetime as dt
import math

import polars as pl
import pytest

from opscope import api
from opscope.errors import TableError
from opscope.store import Store
from tests.store.test_import import BOARD, PLAIN, kept, rows_kept


@pytest.fixture
def database(tmp_path):
    return tmp_path / "trials.db"


@pytest.fixture
def table(tmp_path):
    return tmp_path / "board.csv"


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfchannels,ms\n8,1\n16,2\n",
        b"channels,ms\r\n8,1\r\n16,2\r\n",
        b"channels,ms\r8,1\r16,2\r",
        b'"channels","ms"\n"8","1"\n\n"16.0"," 2"',
        b'channels,note,ms\n8,"two\nlines, ""quoted""",1\n16,\xc3\xa9,2e0\n',
    ],
)
def test_what_writes_csv_otherwise_is_read_all_the_same(database, table, content):
    table.write_bytes(content)
    api.import_table(table, PLAIN, BOARD, database=database)
    trials = [(str(t.job.workload), t.measurement("latency_s").value) for t in kept(database)]
    assert trials == [
        ("conv:h=28,cin=320,cout=8,k=3@fp32", 0.001),
        ("conv:h=28,cin=320,cout=16,k=3@fp32", 0.002),
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n\r\n", "is empty"),
        (b"channels,ms\n", "no row is left"),
        (b"channels,ms\n8,1\n16,nan\n", "line 3: 'nan' in column ms is not a finite number"),
        (b"channels,ms\n8,1\n16,-inf\n", "line 3: '-inf' in column ms is not a finite number"),
        (b"channels,ms\n8,1\n16,1e999\n", "line 3: '1e999' in column ms is not a finite number"),
        (b"channels,ms\n8,1\n16,1e16\n", "line 3: 1e16 in column ms is larger than"),
        (b'channels,ms\n8,1\n16,"1,5"\n', "line 3: '1,5' in column ms is not a finite number"),
        (b"channels,ms\n8,1\n65537,1\n", "line 3: conv:.*cout=65537 does not fit"),
        (b"channels,ms\n8,1\n8.0,2\n", "line 3: conv:.* stands in line 2 already"),
        (b"channels,ms\n8,1\n16\n", "line 3: has 1 values"),
        (b"channels,ms\n8,1\n16,1,\n", "line 3: has 3 values"),
        (b"channels,ms,channels\n8,1,8\n", "line 1: the column 'channels' is there twice"),
        (b"channels;ms\n8;1\n", "no column 'channels'. Separate values by commas."),
        (b"channels\tms\n8\t1\n", "no column 'channels'. Separate values by commas."),
        (b'channels,ms\n8,1\n16,"2\n', "line 3: cannot be read: unexpected end of data"),
        (b"channels,ms\n" + b"8,1\n" * 9999 + b"16,\xe9\n", "it is not text in UTF-8"),
        ("channels,ms\n8,1\n".encode("utf-16"), "it is not text in UTF-8"),
    ],
)
def test_what_is_no_table_of_figures_leaves_nothing(database, table, content, message):
    table.write_bytes(content)
    with pytest.raises(TableError, match=message):
        api.import_table(table, PLAIN, BOARD, database=database)
    with Store(database, write=True) as store:
        assert store.studies() == []


DAY = dt.date(2026, 1, 1)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"channels": [8, 16], "ms": [1.0, None]}, "row 2: '' in column ms is not a finite"),
        ({"channels": [8, 16], "ms": [1.0, math.nan]}, "row 2: 'NaN' in column ms is not a finite"),
        ({"channels": [8, 16], "ms": [1.0, math.inf]}, "row 2: 'inf' in column ms is not a finite"),
        ({"channels": [8, 16], "ms": [1, -1]}, "row 2: -1 in column ms is negative"),
        ({"channels": [8, None], "ms": [1, 1]}, "row 2: column channels is empty"),
        ({"channels": [8, 8], "ms": [1, 1]}, "row 2: conv:.* stands in row 1 already"),
        ({"channels": [8], "ms": [[1.0]]}, r"row 1: '\[1.0\]' in column ms is not a finite"),
        ({"channels": [8], "ms": [DAY]}, "row 1: '2026-01-01' in column ms is not a finite"),
        ({"channels": [8], "ms": [True]}, "row 1: 'True' in column ms is not a finite"),
        ({"channels": [], "ms": []}, "no row is left"),
        ({"other": [8]}, "there is no column 'channels'"),
    ],
)
def test_what_parquet_can_hold_and_figures_cannot_be_is_refused_by_row(
    database, tmp_path, columns, message
):
    path = tmp_path / "board.parquet"
    pl.DataFrame(columns).write_parquet(path)
    with pytest.raises(TableError, match=message):
        api.import_table(path, PLAIN, BOARD, database=database)
    with Store(database, write=True) as store:
        assert store.studies() == []


def test_whatever_else_a_parquet_file_holds_is_kept_as_text(database, tmp_path):
    path = tmp_path / "board.parquet"
    columns = {
        "channels": pl.Series([8], dtype=pl.UInt8),
        "ms": pl.Series(["1.25"]).cast(pl.Decimal(10, 2)),
        "day": [DAY],
        "list": [[1, 2]],
        "table": [{"a": 1}],
        "bytes": [b"\xff"],
        "none": [None],
        "tiny": [0.1 + 2**-55],
        "single": pl.Series([0.1], dtype=pl.Float32),
        "class": pl.Series(["é"], dtype=pl.Categorical),
    }
    pl.DataFrame(columns).write_parquet(path)
    api.import_table(path, PLAIN, BOARD, database=database)
    (trial,) = kept(database)
    assert trial.measurement("latency_s").value == 0.00125
    assert rows_kept(database) == [
        {
            "channels": "8",
            "ms": "1.25",
            "day": "2026-01-01",
            "list": "[1, 2]",
            "table": "{'a': 1}",
            "bytes": "b'\\xff'",
            "tiny": "0.10000000000000003",
            "single": "0.10000000149011612",
            "class": "é",
            "none": "",
        }
    ]


@pytest.mark.parametrize("name", ["board.csv", "board.parquet"])
def test_what_is_no_file_or_no_such_file_is_refused(database, tmp_path, name):
    with pytest.raises(TableError, match="No such file or directory"):
        api.import_table(tmp_path / name, PLAIN, BOARD, database=database)
    (tmp_path / name).mkdir()
    with pytest.raises(TableError, match="Is a directory"):
        api.import_table(tmp_path / name, PLAIN, BOARD, database=database)
    assert not database.exists()


@pytest.mark.parametrize("content", [b"", b"channels,ms\n8,1\n", b"PAR1" + bytes(99) + b"PAR1"])
def test_what_is_no_parquet_file_is_refused(database, tmp_path, content):
    path = tmp_path / "board.parquet"
    path.write_bytes(content)
    with pytest.raises(TableError, match=r"cannot be read: .* Name a Parquet or a CSV file"):
        api.import_table(path, PLAIN, BOARD, database=database)
