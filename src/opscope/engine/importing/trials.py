"""A trial for each row of a table: which workload it is of, and that none stands there twice."""

from __future__ import annotations

from typing import NamedTuple

from opscope.core.configuration import Configuration, Precision, Workload, parse_precision
from opscope.core.platform import PlatformInfo
from opscope.core.record import digest
from opscope.core.study import Job, MeterName
from opscope.core.table import Reading
from opscope.core.text import Value, parse_value
from opscope.core.trial import Source, Trial
from opscope.engine.importing.figures import Converter
from opscope.errors import ConfigurationError, InputError, TableError
from opscope.graph import resolve
from opscope.graph.stacks import stackable
from opscope.meters import meter_for
from opscope.store.exchange import Line, Lines


class _Asked(NamedTuple):
    """A row's workload, the digest of its configuration, and the meter its figures stand for."""

    workload: Workload
    digest: str
    meter: MeterName


def imported_trials(
    table: Lines, reading: Reading, info: PlatformInfo, meter: MeterName
) -> dict[str, Trial]:
    """Return a trial for each row that takes part, by the key it is stored under.

    Args:
        table: The table.
        reading: Which column says what.
        info: The platform that the figures are of.
        meter: What they stand for.

    Raises:
        InputError: If a column is not there or means nothing; a cell is missing, no number,
            negative, or no configuration; or a workload stands there twice. It names the row.
    """
    lines = table.where(reading.where)
    table.require(reading.columns)
    _check(table, reading)
    asked_of = _Workloads(table, reading, meter)
    fingerprint, file = info.fingerprint, str(table.file)
    figures = [Converter(table, info, name, said) for name, said in reading.figures.items()]
    trials: dict[str, Trial] = {}
    places: dict[str, Line] = {}
    for line in lines:
        asked = asked_of(line)
        workload = asked.workload
        options = workload.precision, workload.batch, asked.meter
        key = digest("imported", asked.digest, fingerprint, *options)
        if key in places:
            raise TableError(
                f"{workload} stands in {table.noun} {places[key].number} already",
                where=table.place(line),
                remedy="Keep one of them, or choose rows by --where.",
            )
        places[key] = line
        trials[key] = Trial(
            job=Job(workload=workload, platform=info.name, meter=asked.meter),
            status="ok",
            measurements=tuple([convert(line) for convert in figures]),
            source=Source(file=file, sha256=table.sha256, number=line.number, row=line.row),
        )
    return trials


def _check(table: Lines, reading: Reading) -> None:
    if bool(reading.configuration) == bool(reading.kind):
        raise InputError(
            "it is not said what was measured",
            where=str(table.file),
            remedy="Use either --configuration COLUMN or --kind KIND with --parameter and --set.",
        )
    if not reading.figures:
        raise InputError(
            "no column of figures is named",
            where=str(table.file),
            remedy="Use --value latency_s=COLUMN, with --unit if it is not in seconds.",
        )
    if both := sorted(reading.parameters.keys() & reading.fixed.keys()):
        raise InputError(
            f"{both[0]} has a column and a fixed value",
            where=str(table.file),
            remedy="Keep either --parameter or --set.",
        )


class _Workloads:
    """Finds the workload of a row; each configuration is resolved once."""

    def __init__(self, table: Lines, reading: Reading, meter: MeterName) -> None:
        self._table = table
        self._reading = reading
        self._meter = meter
        self._known: dict[tuple[str, ...], _Asked] = {}
        self._meters: dict[tuple[str, str], MeterName] = {}
        columns = (
            [reading.configuration] if reading.configuration else [*reading.parameters.values()]
        )
        self._columns = [*columns, reading.precision_column, reading.batch_column]

    def __call__(self, line: Line) -> _Asked:
        """Return what a row is a figure of.

        Raises:
            TableError: If they cannot be meant.
        """
        cells = tuple([line.row[column] if column else "" for column in self._columns])
        if cells not in self._known:
            self._known[cells] = self._read(line)
        return self._known[cells]

    def _read(self, line: Line) -> _Asked:
        try:
            asked = self._asked(line)
            workload = Workload(
                configuration=resolve(asked.configuration),
                precision=self._precision(line, asked.precision),
                batch=self._batch(line, asked.batch),
            )
        except ConfigurationError as exc:
            place = self._table.place(line)
            where = f"{place}: {exc.where}" if exc.where else place
            raise TableError(exc.what, where=where, remedy=exc.remedy) from exc
        configuration = workload.configuration
        kind = configuration.kind, configuration.name
        if kind not in self._meters:
            self._meters[kind] = self._meter_for(line, workload)
        return _Asked(workload, configuration.digest, self._meters[kind])

    def _meter_for(self, line: Line, workload: Workload) -> MeterName:
        meter = meter_for(workload, self._meter)
        if meter.name == "layer-latency" and not stackable(workload.configuration):
            raise TableError(
                f"{workload} is a whole network, which has no layer latency",
                where=self._table.place(line),
                remedy="Use --meter call-latency, or leave such rows out by --where.",
            )
        return meter

    def _asked(self, line: Line) -> Workload:
        reading = self._reading
        if column := reading.configuration:
            text = self._filled(line, column)
            if "@" in text:
                return Workload.parse(text)
            configuration = Configuration.parse(text)
        else:
            kind = Configuration.parse(reading.kind)
            given = {
                p: _number_or_text(self._filled(line, c)) for p, c in reading.parameters.items()
            }
            parameters = dict(kind.parameters) | reading.fixed | given
            configuration = Configuration(
                kind=kind.kind, name=kind.name, parameters=tuple(parameters.items())
            )
        return Workload(
            configuration=configuration, precision=reading.precision, batch=reading.batch
        )

    def _precision(self, line: Line, asked: Precision) -> Precision:
        column = self._reading.precision_column
        return parse_precision(self._filled(line, column).lower()) if column else asked

    def _batch(self, line: Line, asked: int) -> int:
        column = self._reading.batch_column
        if not column:
            return asked
        batch = _number_or_text(self._filled(line, column))
        if not isinstance(batch, int):
            raise ConfigurationError(f"{batch!r} in column {column} is not a whole number")
        return batch

    def _filled(self, line: Line, column: str) -> str:
        if not line.row[column].strip():
            what = f"column {column} is empty"
            remedy = "Fill it, or leave such rows out by --where."
            raise TableError(what, where=self._table.place(line), remedy=remedy)
        return line.row[column].strip()


def _number_or_text(text: str) -> Value:
    """Return what a cell spells; a whole number may stand in a column of fractions, as ``64.0``."""
    value = parse_value(text)
    return int(value) if isinstance(value, float) and value.is_integer() else value
