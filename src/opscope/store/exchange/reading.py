"""Reading a table of a user's: rows as texts, each with its place. What they mean is elsewhere."""

from __future__ import annotations

import csv
import hashlib
import io
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from opscope.core.decoding import suggest
from opscope.errors import TableError, unreadable

if TYPE_CHECKING:
    import polars as pl

_LARGEST = 1e15
"""Beyond it a double does not hold every whole number, and squares soon exceed every number."""

_OTHER_SEPARATORS = frozenset(";\t|")

_REMEDY = "Correct or remove the row."


class Line(NamedTuple):
    """One row of a table: the line of the file it ends at, or its number, and its cells."""

    number: int
    cells: tuple[str, ...]


class Lines(NamedTuple):
    """A table as it was read.

    Attributes:
        file: Its name, as the user wrote it.
        sha256: Of the whole file.
        noun: What a row is called by its number: ``line`` of a text, ``row`` of anything else.
        columns: The columns by name, each with its place.
        lines: Every row that is not blank.
    """

    file: Path
    sha256: str
    noun: str
    columns: Mapping[str, int]
    lines: Sequence[Line]

    def cell(self, line: Line, column: str) -> str:
        """Return what stands in a row's column."""
        return line.cells[self.columns[column]]

    def place(self, line: Line) -> str:
        """Return where a row is: ``table.csv, line 3``."""
        return f"{self.file}, {self.noun} {line.number}"

    def require(self, wanted: Iterable[str]) -> None:
        """Refuse columns that are not there.

        Raises:
            TableError: Naming the first, and those there are.
        """
        for name in wanted:
            if name not in self.columns:
                remedy = suggest(name, self.columns)
                if len(self.columns) == 1 and _OTHER_SEPARATORS.intersection(*self.columns):
                    remedy = "Separate values by commas."
                raise TableError(
                    f"there is no column {name!r}", where=str(self.file), remedy=remedy
                )

    def where(self, conditions: Mapping[str, str]) -> list[Line]:
        """Return the rows whose cells have these values, as text or number.

        Raises:
            TableError: If a column is not there, or no row is left.
        """
        self.require(conditions)
        taken = [
            line
            for line in self.lines
            if all(_same(self.cell(line, name), value) for name, value in conditions.items())
        ]
        if not taken:
            remedy = "Check --where." if self.lines else "Name a table with rows below its header."
            raise TableError("no row is left", where=str(self.file), remedy=remedy)
        return taken


def read_table(table: Path) -> Lines:
    """Return a Parquet file, if it is named so, or else a CSV file whose first row names columns.

    Raises:
        TableError: If it cannot be read; it names the line.
    """
    try:
        content = table.read_bytes()
    except OSError as exc:
        raise unreadable(TableError, exc, where=str(table), wanted="a CSV file") from exc
    sha256 = hashlib.sha256(content).hexdigest()
    if table.suffix.lower() == ".parquet":
        names, lines = _read_parquet(table, content)
        return Lines(table, sha256, "row", _places(names), lines)
    names, lines = _read_csv(table, content)
    return Lines(table, sha256, "line", _places(names), lines)


def _places(names: Iterable[str]) -> dict[str, int]:
    return {name: place for place, name in enumerate(names)}


def number(table: Lines, line: Line, column: str) -> float:
    """Return a cell's number.

    Raises:
        TableError: If it is none, not finite, or too large; it names the line.
    """
    text = table.cell(line, column)
    value = to_number(text)
    if value is None or not math.isfinite(value):
        what = f"{text!r} in column {column} is not a finite number"
        raise TableError(what, where=table.place(line), remedy=_REMEDY)
    if abs(value) > _LARGEST:
        what = f"{text} in column {column} is larger than {_LARGEST:g}"
        remedy = f"{_REMEDY[:-1]}, or use a larger unit."
        raise TableError(what, where=table.place(line), remedy=remedy)
    return value


def require_sign(table: Lines, line: Line, what: str, wanted: str, *, holds: bool) -> None:
    """Refuse a number of the wrong sign.

    Raises:
        TableError: Unless ``holds``; it names the line.
    """
    if not holds:
        what = f"{what}, but must be {wanted}"
        raise TableError(what, where=table.place(line), remedy=_REMEDY)


def to_number(text: str) -> float | None:
    """Return the number that a text spells, or None; Python's own ``1_000`` is none elsewhere."""
    try:
        return None if "_" in text else float(text)
    except ValueError:
        return None


def _same(text: str, value: str) -> bool:
    if text == value:
        return True
    parsed, wanted = to_number(text), to_number(value)
    return parsed is not None and parsed == wanted


def _read_csv(table: Path, content: bytes) -> tuple[list[str], list[Line]]:
    reader = csv.reader(
        io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig", newline=""), strict=True
    )
    rows = ((reader.line_num, row) for row in reader if row)
    try:
        header, names = next(rows, (0, []))
        _check_names(table, header, names)
        return names, [_line(number, row, names, table) for number, row in rows]
    except UnicodeDecodeError as exc:
        raise unreadable(TableError, exc, where=str(table), wanted="a CSV file") from exc
    except csv.Error as exc:
        raise TableError(
            f"cannot be read: {exc}",
            where=f"{table}, line {reader.line_num}",
            remedy="Correct the line; a quote inside a quoted value is written twice.",
        ) from exc


def _check_names(table: Path, header: int, names: Sequence[str]) -> None:
    if not names:
        raise TableError("is empty", where=str(table), remedy="Let its first row name the columns.")
    if repeated := [name for name, count in Counter(names).items() if count > 1]:
        raise TableError(
            f"the column {repeated[0]!r} is there twice",
            where=f"{table}, line {header}",
            remedy="Rename one of them.",
        )


def _line(number: int, row: Sequence[str], names: Sequence[str], table: Path) -> Line:
    if len(row) != len(names):
        raise TableError(
            f"has {len(row)} values, and the header names {len(names)} columns",
            where=f"{table}, line {number}",
            remedy="Separate values by commas, one for each column, and quote those with a comma.",
        )
    return Line(number, tuple(row))


def _read_parquet(table: Path, content: bytes) -> tuple[list[str], list[Line]]:
    import polars as pl

    try:
        frame = pl.read_parquet(io.BytesIO(content))
    except (pl.exceptions.PolarsError, OSError) as exc:
        reason = str(exc).partition("\n")[0]
        raise TableError(
            f"cannot be read: {reason}", where=str(table), remedy="Name a Parquet or a CSV file."
        ) from exc
    names = frame.columns
    rows = zip(*(_texts(column) for column in frame), strict=True)
    return names, [Line(number, row) for number, row in enumerate(rows, 1)]


def _texts(column: pl.Series) -> list[str]:
    """Return every cell as text, an absent one as nothing; equal ones are one text."""
    import polars as pl

    # Its texts of doubles are read back as the same doubles; those of singles would not be.
    if column.dtype in (pl.String, pl.Float64) or column.dtype.is_integer():
        texts = column.cast(pl.String).fill_null("").to_list()
    else:
        texts = ["" if cell is None else str(cell) for cell in column.to_list()]
    one: dict[str, str] = {}
    return list(map(one.setdefault, texts, texts))
