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
        (TABLE.replace("0.6", "1e300"), "line 3: 1e300 in column latency_ms is larger than 1e+15"),
        ("", "table.csv: is empty. Let its first row name the columns."),
        ("\n\n", "table.csv: is empty. Let its first row name the columns."),
        ("cin,cout,latency_ms\n", "no row is left. Name a table with rows below its header."),
        (
            "cin,cout,cin,latency_ms\n1,2,3,4\n",
            "line 1: the column 'cin' is there twice. Rename one of them.",
        ),
        (
            "cin,cout,latency_ms\n512,1,2\n\n512,1,2,3\n",
            "line 4: has 4 values, and the header names 3 columns. Separate values by commas",
        ),
        ("cin,cout,latency_ms\n1,2,3\n", "no row is left"),
        ("cin,cout,latency_ms\n512,2\n", "line 2: has 2 values, and the header names 3"),
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
    with pytest.raises(TableError, match="line 6: cannot be read: unexpected end of data"):
        read_columns(table, "cout", "latency_ms", where={})


def test_a_file_that_cannot_be_read_is_named_with_the_remedy(tmp_path):
    binary = tmp_path / "binary.csv"
    binary.write_bytes(b"\xff\xfe\x00\x01")
    for path, message in (
        (tmp_path / "none.csv", "No such file or directory. Name a CSV file that exists."),
        (tmp_path, "Is a directory. Name a CSV file in it."),
        (binary, "it is not text in UTF-8. Name a CSV file, or save it as UTF-8."),
    ):
        with pytest.raises(TableError) as caught:
            read_columns(path, "x", "y", where={})
        assert str(caught.value) == f"{path}: cannot be read: {message}"


SERIES = """cin,k,cout,latency_ms,energy_mj
256,3,1,0.1,0.31
256,3,2,0.2,0.32
512,3,1,0.5,0.71
512,5,2,0.6,0.72
"""


def test_series_are_not_mixed(table):
    table.write_text(SERIES)
    with pytest.raises(TableError) as caught:
        read_columns(table, "cout", "latency_ms", where={})
    assert str(caught.value) == (
        f"{table}: rows of the same cout differ in cin, k. Choose a series, as by --where cin=256 "
        "(cin is 256, 512), or remove a column that only numbers repetitions."
    )
    columns = read_columns(table, "cout", "latency_ms", where={"cin": "512"})
    assert columns == ([1.0, 2.0], [0.5, 0.6])


def test_fractions_can_be_settings_too(table):
    rows = [f"{width},{x},{x}" for width in (0.5, 0.75) for x in range(1, 5)]
    table.write_text("width,cout,latency_ms\n" + "\n".join(rows))
    with pytest.raises(TableError, match="rows of the same cout differ in width"):
        read_columns(table, "cout", "latency_ms", where={})


def test_what_was_measured_again_is_no_other_series(table):
    table.write_text("cin,cout,latency_ms,energy_mj\n8,1,0.1,0.31\n8,1,0.11,0.33\n8,2,0.2,0.4\n")
    columns = read_columns(table, "cout", "latency_ms", where={})
    assert columns == ([1.0, 1.0, 2.0], [0.1, 0.11, 0.2])


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
