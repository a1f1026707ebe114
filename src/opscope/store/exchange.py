"""Exchange: tables of measurements from files that opscope did not write."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from opscope.core.decoding import suggest
from opscope.errors import TableError


def read_columns(
    table: Path, x: str, y: str, *, where: Mapping[str, str]
) -> tuple[list[float], list[float]]:
    """Return counts and their costs, two columns of a CSV file whose first row names the columns.

    Args:
        table: The file, UTF-8.
        x: Name of the column of counts, which are positive.
        y: Name of the column of costs, which are not negative.
        where: Columns and the value, as text or number, that a row must have to take part.

    Raises:
        TableError: If the file, a column or a value cannot be used; it names the line.
    """
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, strict=True)
            _require(table, (x, y, *where), reader.fieldnames or [])
            rows = [
                (reader.line_num, row)
                for row in reader
                if all(_same(row[name], value) for name, value in where.items())
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as exc:
        raise TableError(f"cannot be read: {exc}", where=str(table)) from exc
    if not rows:
        raise TableError("no row is left", where=str(table), remedy="Check --where.")
    xs = [_number(row[x], x, table, line) for line, row in rows]
    ys = [_number(row[y], y, table, line) for line, row in rows]
    for (line, _), count, cost in zip(rows, xs, ys, strict=True):
        if count <= 0 or cost < 0:
            bad, what = (
                (f"{x} is {count:g}", "positive")
                if count <= 0
                else (f"{y} is {cost:g}", "at least 0")
            )
            raise TableError(
                f"{bad}, but must be {what}",
                where=f"{table}, line {line}",
                remedy="Correct or remove the row.",
            )
    return xs, ys


def _require(table: Path, wanted: Iterable[str], names: Sequence[str]) -> None:
    for name in wanted:
        if name not in names:
            remedy = suggest(name, names)
            raise TableError(f"there is no column {name!r}", where=str(table), remedy=remedy)


def _number(text: str | None, column: str, table: Path, line: int) -> float:
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise TableError(
            f"{text!r} in column {column} is not a finite number",
            where=f"{table}, line {line}",
            remedy="Correct or remove the row.",
        )
    return value


def _same(text: str | None, value: str) -> bool:
    try:
        return float(text or "") == float(value)
    except ValueError:
        return text == value
