"""A trial for each row of a table: which workload it is of, and that none stands there twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from opscope.core.configuration import Configuration, Precision, Workload, parse_precision
from opscope.core.platform import PlatformInfo
from opscope.core.record import digest
from opscope.core.study import Job, MeterName
from opscope.core.table import Reading
from opscope.core.text import Value, parse_value
from opscope.core.trial import Source, SourceTable, Trial
from opscope.engine.importing.figures import Converter
from opscope.errors import ConfigurationError, InputError, TableError
from opscope.graph import resolve
from opscope.graph.stacks import stackable
from opscope.meters import meter_for
from opscope.store.exchange import Line, Lines


class ImportedTrials(Mapping[str, Trial]):
    """The trials of a table's rows by the keys they are stored under, each made when asked for.

    Attributes:
        jobs: What each is of.
        table: The table.
    """

    def __init__(
        self, table: Lines, reading: Reading, info: PlatformInfo, meter: MeterName
    ) -> None:
        """See which workload each row that takes part is of.

        Args:
            table: The table.
            reading: Which column says what.
            info: The platform that the figures are of.
            meter: What they stand for.

        Raises:
            InputError: If a column is not there or means nothing; a cell is missing or no
                configuration; or a workload stands there twice. It names the row.
        """
        lines = table.where(reading.where)
        table.require(reading.columns)
        _check(table, reading)
        self.table = SourceTable(
            file=str(table.file), sha256=table.sha256, columns=tuple(table.columns)
        )
        self._figures = [
            Converter(table, info, name, said) for name, said in reading.figures.items()
        ]
        self.jobs: dict[str, Job] = {}
        self._lines: dict[str, Line] = {}
        fingerprint, job_of = info.fingerprint, _Jobs(table, reading, info.name, meter)
        for line in lines:
            job = job_of(line)
            workload = job.workload
            options = workload.precision, workload.batch, job.meter
            key = digest("imported", workload.configuration.digest, fingerprint, *options)
            if key in self._lines:
                raise TableError(
                    f"{workload} stands in {table.noun} {self._lines[key].number} already",
                    where=table.place(line),
                    remedy="Keep one of them, or choose rows by --where.",
                )
            self._lines[key] = line
            self.jobs[key] = job

    def __getitem__(self, key: str) -> Trial:
        """Return the trial of a key.

        Raises:
            TableError: If a figure is missing, no number, negative, or outside its interval.
        """
        line = self._lines[key]
        return Trial(
            job=self.jobs[key],
            status="ok",
            measurements=tuple([convert(line) for convert in self._figures]),
            source=Source(number=line.number, cells=line.cells),
        )

    def __iter__(self) -> Iterator[str]:
        return iter(self._lines)

    def __len__(self) -> int:
        return len(self._lines)


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


class _Jobs:
    """Finds what a row is of."""

    def __init__(self, table: Lines, reading: Reading, platform: str, meter: MeterName) -> None:
        self._table = table
        self._reading = reading
        self._platform = platform
        self._meter = meter
        self._meters: dict[tuple[str, str], MeterName] = {}

    def __call__(self, line: Line) -> Job:
        """Return the job that a row is a figure of.

        Raises:
            TableError: If there can be no such job.
        """
        try:
            workload = self._workload(line)
        except ConfigurationError as exc:
            place = self._table.place(line)
            where = f"{place}: {exc.where}" if exc.where else place
            raise TableError(exc.what, where=where, remedy=exc.remedy) from exc
        kind = workload.configuration.kind, workload.configuration.name
        if kind not in self._meters:
            self._meters[kind] = self._meter_for(line, workload)
        return Job(workload=workload, platform=self._platform, meter=self._meters[kind])

    def _meter_for(self, line: Line, workload: Workload) -> MeterName:
        meter = meter_for(workload, self._meter)
        if meter.name == "layer-latency" and not stackable(workload.configuration):
            raise TableError(
                f"{workload} is a whole network, which has no layer latency",
                where=self._table.place(line),
                remedy="Use --meter call-latency, or leave such rows out by --where.",
            )
        return meter

    def _workload(self, line: Line) -> Workload:
        reading = self._reading
        precision, batch = reading.precision, reading.batch
        if not reading.configuration:
            configuration = self._of_kind(line)
        elif "@" in (text := self._filled(line, reading.configuration)):
            asked = Workload.parse(text)
            configuration, precision, batch = asked.configuration, asked.precision, asked.batch
        else:
            configuration = Configuration.parse(text)
        return Workload(
            configuration=resolve(configuration),
            precision=self._precision(line, precision),
            batch=self._batch(line, batch),
        )

    def _of_kind(self, line: Line) -> Configuration:
        reading = self._reading
        kind = Configuration.parse(reading.kind)
        columns = reading.parameters.items()
        given = {name: _number_or_text(self._filled(line, column)) for name, column in columns}
        parameters = dict(kind.parameters) | reading.fixed | given
        return Configuration(kind=kind.kind, name=kind.name, parameters=tuple(parameters.items()))

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
        text = self._table.cell(line, column).strip()
        if not text:
            what = f"column {column} is empty"
            remedy = "Fill it, or leave such rows out by --where."
            raise TableError(what, where=self._table.place(line), remedy=remedy)
        return text


def _number_or_text(text: str) -> Value:
    """Return what a cell spells; a whole number may stand in a column of fractions, as ``64.0``."""
    value = parse_value(text)
    return int(value) if isinstance(value, float) and value.is_integer() else value
