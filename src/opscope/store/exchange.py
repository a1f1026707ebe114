"""Exchange: tables of measurements from files that opscope did not write."""

from __future__ import annotations

import csv
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from opscope.core.decoding import suggest
from opscope.core.record import Record
from opscope.errors import TableError, unreadable

_LARGEST = 1e15
"""Beyond it a double does not hold every whole number, and squares soon exceed every number."""

_SHOWN = 3

Row = Mapping[str, str]


class _Line(Record, frozen=True, kw_only=True):
    """One row of a table, and the line of the file it ends at."""

    number: int
    row: dict[str, str]


def read_columns(
    table: Path, x: str, y: str, *, where: Mapping[str, str]
) -> tuple[list[float], list[float]]:
    """Return counts and their costs, two columns of a CSV file whose first row names the columns.

    A value of ``x`` may repeat where the same point was measured again, but not where rows are of
    different series.

    Args:
        table: The file, UTF-8.
        x: Name of the column of counts, which are positive.
        y: Name of the column of costs, which are not negative.
        where: Columns and the value, as text or number, that a row must have to take part.

    Raises:
        TableError: If the file, a column or a value cannot be used; it names the line.
    """
    names, lines = _read(table)
    _require(table, (x, y, *where), names)
    taken = [
        line for line in lines if all(_same(line.row[name], value) for name, value in where.items())
    ]
    if not taken:
        remedy = "Check --where." if lines else "Name a table with rows below its header."
        raise TableError("no row is left", where=str(table), remedy=remedy)
    xs = [_number(line, x, table) for line in taken]
    ys = [_number(line, y, table) for line in taken]
    for line, count, cost in zip(taken, xs, ys, strict=True):
        _require_sign(line, table, f"{x} is {count:g}", "positive", holds=count > 0)
        _require_sign(line, table, f"{y} is {cost:g}", "at least 0", holds=cost >= 0)
    _refuse_mixture(table, xs, [line.row for line in taken], x, y)
    return xs, ys


def _read(table: Path) -> tuple[list[str], list[_Line]]:
    """Return the names of the columns and every row that is not blank."""
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, strict=True)
            rows = [(reader.line_num, row) for row in reader if row]
    except (OSError, UnicodeDecodeError) as exc:
        raise unreadable(TableError, exc, where=str(table), wanted="a CSV file") from exc
    except csv.Error as exc:
        raise TableError(
            f"cannot be read: {exc}",
            where=f"{table}, line {reader.line_num}",
            remedy="Correct the line; a quote inside a quoted value is written twice.",
        ) from exc
    if not rows:
        raise TableError("is empty", where=str(table), remedy="Let its first row name the columns.")
    (header, names), *body = rows
    if repeated := [name for name, count in Counter(names).items() if count > 1]:
        raise TableError(
            f"the column {repeated[0]!r} is there twice",
            where=f"{table}, line {header}",
            remedy="Rename one of them.",
        )
    return names, [_line(number, row, names, table) for number, row in body]


def _line(number: int, row: Sequence[str], names: Sequence[str], table: Path) -> _Line:
    if len(row) != len(names):
        raise TableError(
            f"has {len(row)} values, and the header names {len(names)} columns",
            where=f"{table}, line {number}",
            remedy="Separate values by commas, one for each column, and quote those with a comma.",
        )
    return _Line(number=number, row=dict(zip(names, row, strict=True)))


def _require(table: Path, wanted: Iterable[str], names: Sequence[str]) -> None:
    for name in wanted:
        if name not in names:
            remedy = suggest(name, names)
            raise TableError(f"there is no column {name!r}", where=str(table), remedy=remedy)


def _number(line: _Line, column: str, table: Path) -> float:
    text = line.row[column]
    value = _parsed(text)
    where = f"{table}, line {line.number}"
    remedy = "Correct or remove the row."
    if value is None or not math.isfinite(value):
        what = f"{text!r} in column {column} is not a finite number"
        raise TableError(what, where=where, remedy=remedy)
    if abs(value) > _LARGEST:
        what = f"{text} in column {column} is larger than {_LARGEST:g}"
        raise TableError(what, where=where, remedy=f"{remedy[:-1]}, or use a larger unit.")
    return value


def _require_sign(line: _Line, table: Path, what: str, wanted: str, *, holds: bool) -> None:
    if not holds:
        raise TableError(
            f"{what}, but must be {wanted}",
            where=f"{table}, line {line.number}",
            remedy="Correct or remove the row.",
        )


def _parsed(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _same(text: str, value: str) -> bool:
    number, wanted = _parsed(text), _parsed(value)
    return text == value or (number is not None and number == wanted)


def _refuse_mixture(table: Path, xs: Sequence[float], rows: Sequence[Row], x: str, y: str) -> None:
    """Refuse rows of several series, whose costs at the same x are no repetitions."""
    at: defaultdict[float, list[Row]] = defaultdict(list)
    for value, row in zip(xs, rows, strict=True):
        at[value].append(row)
    mixed = [
        column
        for column in rows[0]
        if column not in {x, y}
        and any(len({row[column] for row in group}) > 1 for group in at.values())
        and not _is_measured([row[column] for row in rows])
    ]
    if mixed:
        values = list(dict.fromkeys(row[mixed[0]] for row in rows))
        shown = ", ".join(values[:_SHOWN]) + (", …" if len(values) > _SHOWN else "")
        raise TableError(
            f"rows of the same {x} differ in {', '.join(mixed)}",
            where=str(table),
            remedy=f"Choose a series, as by --where {mixed[0]}={values[0]} ({mixed[0]} is {shown}),"
            " or remove a column that only numbers repetitions.",
        )


def _is_measured(values: Sequence[str]) -> bool:
    """Whether a column looks like a reading, which no two rows share, and not like a setting."""
    numbers = [_parsed(value) for value in values]
    fractions = any(number is not None and number % 1 for number in numbers)
    return None not in numbers and fractions and 2 * len(set(numbers)) > len(numbers)
