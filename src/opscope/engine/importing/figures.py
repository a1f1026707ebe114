"""The figures of a row: from the unit of its column, refused where they cannot be meant."""

from __future__ import annotations

from collections.abc import Mapping

from opscope.core.decoding import suggest
from opscope.core.measurement import Measurement, Trust, Verdict
from opscope.core.platform import PlatformInfo
from opscope.core.table import Figures
from opscope.errors import InputError, TableError
from opscope.store.exchange import Line, Lines, number

_UNITS: Mapping[str, tuple[str, Mapping[str, float]]] = {
    "s": ("s", {"s": 1, "ms": 1e3, "us": 1e6, "µs": 1e6, "ns": 1e9}),
    "j": ("J", {"J": 1, "mJ": 1e3, "uJ": 1e6, "µJ": 1e6, "nJ": 1e9}),
    "bytes": ("bytes", {"bytes": 1, "KiB": 1 / 2**10, "MiB": 1 / 2**20}),
    "fps": ("1/s", {"fps": 1}),
}
"""Units of a quantity by how its name ends: its own, and how many of each make one of it."""

_UNASSESSED = Trust(
    verdict=Verdict.NOT_ASSESSED, reason="it was imported, and how it was taken is not known"
)


class Converter:
    """Makes a measurement of a row's cells."""

    def __init__(self, table: Lines, info: PlatformInfo, quantity: str, said: Figures) -> None:
        self._table = table
        self._info = info
        self._quantity = quantity
        self._said = said
        self._unit, self._scale = _scale(quantity, said.unit)
        self._derivation = f"as {table.file.name} says, column {said.value}"
        bounds = [name for name in (said.low, said.high) if name]
        if len(bounds) == 1:
            raise InputError(
                f"{quantity} has one bound of an interval, {bounds[0]}",
                where=str(table.file),
                remedy="Use both --low and --high, or neither.",
            )

    def __call__(self, line: Line) -> Measurement:
        """Return the row's measurement.

        Raises:
            TableError: If a cell is missing, no number, negative, or outside its interval.
        """
        said = self._said
        value = self._number(line, said.value)
        interval = None
        if said.low:
            low, high = self._number(line, said.low), self._number(line, said.high)
            if not low <= value <= high:
                cells = ", ".join(
                    self._table.cell(line, c) for c in (said.low, said.value, said.high)
                )
                raise TableError(
                    f"{said.value} lies outside its interval ({cells})",
                    where=self._table.place(line),
                    remedy="Correct or remove the row, or check --low and --high.",
                )
            interval = (low, high)
        return Measurement(
            quantity=self._quantity,
            value=value,
            unit=self._unit,
            origin=self._info.origin,
            derivation=self._derivation,
            interval=interval,
            interval_note="" if interval else "the table gives none",
            trust=_UNASSESSED,
        )

    def _number(self, line: Line, column: str) -> float:
        value = number(self._table, line, column)
        if value < 0:
            raise TableError(
                f"{self._table.cell(line, column)} in column {column} is negative",
                where=self._table.place(line),
                remedy="Correct or remove the row.",
            )
        return value / self._scale


def _scale(quantity: str, unit: str) -> tuple[str, float]:
    """Return a quantity's own unit, and how many of ``unit`` make one of it.

    Raises:
        InputError: If the quantity has no such unit.
    """
    own, units = _UNITS.get(quantity.rpartition("_")[2], (quantity, {}))
    if not unit:
        return own, 1.0
    if unit not in units:
        remedy = suggest(unit, units) if units else f"Leave --unit out for {quantity}."
        raise InputError(f"{quantity} is not in {unit}", where="--unit", remedy=remedy)
    return own, float(units[unit])
