"""Writing a table as a file, Parquet or CSV."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opscope.errors import InputError
from opscope.store.files import written_whole

if TYPE_CHECKING:
    import polars as pl

ENDINGS = (".parquet", ".csv")
"""How the names of files that can be written end."""

_FORMULA = r"^[=+\-@\t\r]"
"""Begins a text that a spreadsheet would take for a formula."""


_NUMBERS = ("_s", "_j", "_bytes", "_samples", "_row", "as_asked", "output_error")
"""How the names of columns of numbers end, should a column have none."""


def check_target(path: Path) -> None:
    """Refuse a name that does not say which format is meant.

    Raises:
        InputError: Naming those there are.
    """
    if path.suffix.lower() not in ENDINGS:
        remedy = f"Use a name that ends in {' or '.join(ENDINGS)}."
        raise InputError("its ending names no format", where=str(path), remedy=remedy)


def write_table(columns: Mapping[str, Sequence[Any]], path: Path) -> None:
    """Write ``columns`` to ``path``, in place of what was there only when all is written.

    Raises:
        InputError: If the ending is unknown or the file cannot be written.
    """
    check_target(path)
    as_text = path.suffix.lower() == ".csv"
    frame = _frame(columns, formulas=not as_text)
    with written_whole(path) as file:
        (frame.write_csv if as_text else frame.write_parquet)(file)


def _frame(columns: Mapping[str, Sequence[Any]], *, formulas: bool) -> pl.DataFrame:
    import polars as pl

    series = (pl.Series(name, *_typed(name, cells)) for name, cells in columns.items())
    frame = pl.DataFrame(list(series))
    if formulas:
        return frame
    texts = [pl.col(name) for name, type_ in frame.schema.items() if type_ == pl.String]
    spelled = [pl.concat_str(pl.lit("'"), text) for text in texts]
    return frame.with_columns(
        pl.when(text.str.contains(_FORMULA)).then(inert).otherwise(text).name.keep()
        for text, inert in zip(texts, spelled, strict=True)
    )


def _typed(name: str, cells: Sequence[Any]) -> tuple[Sequence[Any], Any]:
    """Return the cells, all of one type, and the type; of a column without any, by its name."""
    import polars as pl

    kinds = {type(cell) for cell in cells} - {type(None)}
    if not kinds:
        return cells, pl.Float64 if name.endswith(_NUMBERS) else pl.String
    if kinds == {int}:
        return cells, pl.Int64
    if kinds <= {int, float}:
        return cells, pl.Float64
    texts = kinds == {str}
    return cells if texts else [None if c is None else str(c) for c in cells], pl.String
