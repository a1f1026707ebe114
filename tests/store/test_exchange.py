import pytest

from opscope.errors import TableError
from opscope.store.exchange import read_columns

TABLE = "cin,cout,latency_ms,note\n512,1,0.5,a\n512,2,0.6,b\n256,1,0.1,c\n512.0,3,0.7,a\n"


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text(TABLE)
    return path


def test_two_columns_of_the_rows_that_fit(table):
    assert read_columns(table, "cout", "latency_ms", where={"cin": "512"}) == (
        [1.0, 2.0, 3.0],
        [0.5, 0.6, 0.7],
    )
    assert read_columns(table, "cout", "latency_ms", where={"note": "a", "cin": "512"}) == (
        [1.0, 3.0],
        [0.5, 0.7],
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (TABLE.replace("0.6", "fast"), "line 3: 'fast' in column latency_ms is not a finite"),
        (TABLE.replace("0.6", ""), "line 3: '' in column latency_ms is not a finite"),
        (TABLE.replace("0.6", "nan"), "line 3: 'nan' in column latency_ms is not a finite"),
        (TABLE.replace("cout,", "c,"), "there is no column 'cout'"),
        ("", "there is no column 'cout'"),
        ("cin,cout,latency_ms\n1,2,3\n", "no row is left"),
        ("cin,cout,latency_ms\n512,2\n", "line 2: None in column latency_ms"),
    ],
)
def test_a_fault_is_named_by_line_and_column(table, content, message):
    table.write_text(content)
    with pytest.raises(TableError) as caught:
        read_columns(table, "cout", "latency_ms", where={"cin": "512"})
    assert message in str(caught.value)


def test_what_spreadsheets_write_before_the_first_name_is_no_part_of_it(table):
    table.write_text(TABLE, encoding="utf-8-sig")
    assert read_columns(table, "cin", "cout", where={"note": "b"}) == ([512.0], [2.0])


def test_a_quote_that_never_ends_is_an_error_and_not_a_long_value(table):
    table.write_text(TABLE + '512,4,"0.8,a\n')
    with pytest.raises(TableError, match="cannot be read: unexpected end of data"):
        read_columns(table, "cout", "latency_ms", where={})


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(TableError, match="cannot be read"):
        read_columns(tmp_path / "none.csv", "x", "y", where={})
    binary = tmp_path / "binary.csv"
    binary.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(TableError, match="cannot be read"):
        read_columns(binary, "x", "y", where={})


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("512,2,", "512,0,", "line 3: cout is 0, but must be positive"),
        ("0.6", "-0.6", "line 3: latency_ms is -0.6, but must be at least 0"),
    ],
)
def test_a_value_that_no_count_or_cost_has_is_named_by_line_and_column(table, old, new, message):
    table.write_text(TABLE.replace(old, new))
    with pytest.raises(TableError, match=message):
        read_columns(table, "cout", "latency_ms", where={})
