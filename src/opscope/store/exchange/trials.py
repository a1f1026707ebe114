"""A run's trials as the columns of one table, a row for each; what a column says is documented.

`docs/exchange.md` lists them. Trials are read without their raw samples, most of their size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, partial
from typing import Any

import msgspec

from opscope.core.configuration import Configuration
from opscope.core.measurement import Scope, Spread, Trust
from opscope.core.platform import PlatformInfo
from opscope.core.record import from_json
from opscope.core.study import Job
from opscope.core.text import Value, format_text
from opscope.core.trial import SourceTable, Timings
from opscope.store.kept import StoredRecord
from opscope.store.writing import Run

Cell = str | int | float | None
Columns = dict[str, list[Any]]

_SUFFIXES = ("s", "j", "bytes", "fps", "hz")
"""What the name of a quantity ends in where it has a unit; its interval's name ends in it too."""

_NONE = (None,) * 12


class _Figure(msgspec.Struct, gc=False):
    """Of a measurement, all but raw readings."""

    quantity: str
    value: float
    origin: str
    derivation: str
    interval: tuple[float, float] | None = None
    trust: Trust = Trust()
    scope: Scope = Scope()
    spread: Spread | None = None
    stopped: str = ""


class _Execution(msgspec.Struct, gc=False):
    """Of an execution, how true it was."""

    as_asked: float | None = None
    output_error: float | None = None


class _Source(msgspec.Struct, gc=False):
    """Of the row that a trial was imported from, which one it was."""

    number: int


class _Trial(msgspec.Struct, gc=False):
    """Of a trial, what becomes a row; what is not named here is skipped, which is fast."""

    job: Job
    status: str
    reason: str = ""
    measurements: tuple[_Figure, ...] = ()
    execution: _Execution | None = None
    timings: Timings = Timings()
    source: _Source | None = None


def trial_columns(
    run: Run,
    records: Iterable[StoredRecord],
    platforms: Mapping[str, PlatformInfo],
    parameters: Callable[[Configuration], Mapping[str, Value]],
) -> Columns:
    """Return the columns of the table, each as long as there are records.

    Args:
        run: The run.
        records: Its trials as they are kept.
        platforms: What is known of each platform, by fingerprint.
        parameters: Returns every parameter of a configuration.
    """
    decode = msgspec.json.Decoder(_Trial).decode
    named: list[tuple[Cell, ...]] = []
    ended: list[tuple[Cell, ...]] = []
    given: list[Mapping[str, Value]] = []
    figures: dict[str, list[tuple[Cell, ...]]] = {}
    sites = {print_: _site(info) for print_, info in platforms.items()}
    table = cache(partial(from_json, type_=SourceTable))
    for record in records:
        trial = decode(record.record)
        configuration = trial.job.workload.configuration
        named.append(
            (
                record.id,
                run.id,
                run.study.name,
                *_asked(record, trial.job),
                *sites[record.fingerprint],
            )
        )
        ended.append(_ending(record, trial, table(record.source) if record.source else None))
        given.append(parameters(configuration))
        for figure in trial.measurements:
            if figure.scope.kind == "network":
                cells = figures.setdefault(figure.quantity, [])
                cells += [_NONE] * (len(named) - 1 - len(cells))
                cells.append(_cells(figure))
    return {
        **_transposed(_NAMED, named),
        **_parameter_columns(given),
        **_figure_columns(figures, len(named)),
        **_transposed(_ENDED, ended),
    }


_NAMED = (
    *("trial", "run", "study", "workload", "configuration", "kind", "name"),
    *("precision", "batch", "copies", "meter", "attempt"),
    *("platform", "fingerprint", "device", "runtime", "runtime_version", "threads"),
)


def _asked(record: StoredRecord, job: Job) -> tuple[Cell, ...]:
    workload, meter = job.workload, job.meter
    configuration = workload.configuration
    return (
        record.workload,
        record.configuration,
        configuration.kind,
        configuration.name or None,
        workload.precision.value,
        workload.batch,
        workload.copies,
        format_text(meter.name, "", meter.settings) if meter.settings else meter.name,
        record.attempt,
    )


def _site(info: PlatformInfo) -> tuple[Cell, ...]:
    return (
        info.name,
        info.fingerprint,
        info.device,
        info.runtime,
        info.runtime_version,
        info.threads,
    )


_ENDED = (
    *("status", "reason", "as_asked", "output_error", "load_s", "run_s", "overhead_s"),
    *("ended_at", "opscope", "source_file", "source_sha256", "source_row"),
)


def _ending(record: StoredRecord, trial: _Trial, table: SourceTable | None) -> tuple[Cell, ...]:
    execution, timings = trial.execution or _Execution(), trial.timings
    row = trial.source.number if trial.source else None
    return (
        trial.status,
        trial.reason or None,
        execution.as_asked,
        execution.output_error,
        *((timings.load_s, timings.run_s, timings.overhead_s) if not table else (None,) * 3),
        record.ended_at,
        record.opscope,
        *((table.file, table.sha256, row) if table else (None,) * 3),
    )


def _parameter_columns(given: Sequence[Mapping[str, Value]]) -> Columns:
    names = dict.fromkeys(name for parameters in given for name in parameters)
    return {f"p_{name}": [parameters.get(name) for parameters in given] for name in names}


def _figure_columns(figures: Mapping[str, list[tuple[Cell, ...]]], count: int) -> Columns:
    columns: Columns = {}
    for quantity, cells in figures.items():
        rest = [_NONE] * (count - len(cells))
        columns |= _transposed(_figure_names(quantity), [*cells, *rest])
    return columns


def _figure_names(quantity: str) -> tuple[str, ...]:
    """Return the names of a quantity's columns: of ``latency_s`` also ``latency_low_s``."""
    base, _, suffix = quantity.rpartition("_")
    if not base or suffix not in _SUFFIXES:
        base, suffix = quantity, ""
    spread = (f"{base}_{what}{suffix and '_'}{suffix}" for what in _SPREAD)
    return (quantity, *spread, *(f"{base}_{what}" for what in _SAID))


_SPREAD = ("low", "high", "median", "p95", "p99")
_SAID = ("samples", "origin", "trust", "trust_reason", "derivation", "stopped")


def _cells(figure: _Figure) -> tuple[Cell, ...]:
    low, high = figure.interval or (None, None)
    spread = figure.spread
    return (
        figure.value,
        low,
        high,
        *((spread.median, spread.p95, spread.p99, spread.samples) if spread else (None,) * 4),
        figure.origin,
        figure.trust.verdict.value,
        figure.trust.reason or None,
        figure.derivation,
        figure.stopped or None,
    )


def _transposed(names: Sequence[str], rows: Sequence[tuple[Cell, ...]]) -> Columns:
    columns = zip(*rows, strict=True) if rows else ([] for _ in names)
    return {name: list(column) for name, column in zip(names, columns, strict=True)}
