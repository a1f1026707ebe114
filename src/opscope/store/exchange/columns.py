"""Two columns of a table, counts and their costs, as step detection takes them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from opscope.errors import TableError
from opscope.store.exchange.reading import (
    Line,
    Lines,
    number,
    read_table,
    require_sign,
    to_number,
)

_SHOWN = 3


def read_columns(
    table: Path, x: str, y: str, *, where: Mapping[str, str]
) -> tuple[list[float], list[float]]:
    """Return counts and their costs, two columns of a CSV or Parquet file.

    A value of ``x`` may repeat where the same point was measured again, but not where rows are of
    different series.

    Args:
        table: The file; a CSV file is UTF-8, and its first row names the columns.
        x: Name of the column of counts, which are positive.
        y: Name of the column of costs, which are not negative.
        where: Columns and the value, as text or number, that a row must have to take part.

    Raises:
        TableError: If the file, a column or a value cannot be used; it names the line.
    """
    read = read_table(table)
    read.require((x, y))
    taken = read.where(where)
    xs = [number(read, line, x) for line in taken]
    ys = [number(read, line, y) for line in taken]
    for line, count, cost in zip(taken, xs, ys, strict=True):
        require_sign(read, line, f"{x} is {count:g}", "positive", holds=count > 0)
        require_sign(read, line, f"{y} is {cost:g}", "at least 0", holds=cost >= 0)
    _refuse_mixture(read, taken, xs, x, y)
    return xs, ys


def _refuse_mixture(
    table: Lines, lines: Sequence[Line], xs: Sequence[float], x: str, y: str
) -> None:
    """Refuse rows of several series, whose costs at the same x are no repetitions."""
    at: defaultdict[float, list[Line]] = defaultdict(list)
    for value, line in zip(xs, lines, strict=True):
        at[value].append(line)
    mixed = [
        column
        for column in table.columns
        if column not in {x, y}
        and any(len({table.cell(line, column) for line in group}) > 1 for group in at.values())
        and not _is_measured([table.cell(line, column) for line in lines])
    ]
    if mixed:
        values = list(dict.fromkeys(table.cell(line, mixed[0]) for line in lines))
        shown = ", ".join(values[:_SHOWN]) + (", …" if len(values) > _SHOWN else "")
        raise TableError(
            f"rows of the same {x} differ in {', '.join(mixed)}",
            where=str(table.file),
            remedy=f"Choose a series, as by --where {mixed[0]}={values[0]} ({mixed[0]} is {shown}),"
            " or remove a column that only numbers repetitions.",
        )


def _is_measured(values: Sequence[str]) -> bool:
    """Whether a column looks like a reading, which no two rows share, and not like a setting."""
    numbers = [to_number(value) for value in values]
    fractions = any(number is not None and number % 1 for number in numbers)
    return None not in numbers and fractions and 2 * len(set(numbers)) > len(numbers)
