"""Tabulated: records as tables of texts for pages: of a chart, of trials, of what failed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from opscope.analysis.overview import Row, Supported
from opscope.core.finding import Effect, Failure, Unanswered
from opscope.report.chart import Chart
from opscope.report.units import interval, quantity, rate, shortened, spoken, unit_of

MOST = 200
"""Rows that a table without pages shows at most."""

_SHORT = 24
"""Characters that a cell keeps in a line."""

LONGEST = 160
"""Characters of a name that a cell shows at most."""

Table = dict[str, Any]


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """Return a table of texts, cut to what a page can show."""
    found = [[shortened(cell, LONGEST) for cell in row] for row in rows]
    return {"heads": heads, "rows": found[:MOST], "left_out": max(0, len(found) - MOST)}


def chart_numbers(chart: Chart) -> Table:
    """Return every mark of a chart: what a reader gets who does not see it."""
    rows = [
        (
            series.name,
            _value(mark.x, chart.x.unit),
            _value(mark.y, chart.y.unit),
            interval(mark.interval, chart.y.unit),
            ", ".join(
                ["recommended"] * mark.recommended + ["not to be relied on"] * mark.untrusted
            ),
        )
        for series in chart.series
        for mark in series.marks
    ]
    return table(("series", chart.x.label, chart.y.label, "95 % interval", "remarks"), rows)


EFFECTS = ("size", "value", "95 % interval")
"""Heads of the table of effects."""


def effect_rows(effects: Iterable[Effect]) -> list[tuple[str, str, str]]:
    """Return the sizes that carry a finding."""
    rows = []
    for effect in effects:
        base, per, x = effect.unit.partition(" per ")
        unit = unit_of(base) or base
        value = f"{quantity(effect.value, unit)}{per}{x}"
        rows.append((effect.name, value, interval(effect.interval, unit)))
    return rows


def unanswered_table(found: Iterable[Unanswered]) -> Table:
    """Return the questions that too few points came out for."""
    heads = ("platform", "question", "precision", "of", "points", "needed", "left out")
    rows = [
        (
            item.platform,
            f"{item.kind} of {spoken(item.quantity)} over {item.x}",
            item.precision or "–",
            item.fixed or f"no two configurations differ in {item.x} alone",
            str(item.points),
            str(item.needed),
            counted(item.left_out),
        )
        for item in found
    ]
    return table(heads, rows)


def failures_table(found: Iterable[Failure]) -> Table:
    """Return why jobs gave no figure."""
    rows = [
        (str(item.count), item.status, item.platform, item.example, item.reason) for item in found
    ]
    return table(("jobs", "status", "platform", "such as", "reason"), rows)


def support_tables(found: Sequence[Supported]) -> tuple[Table, Table]:
    """Return what runs on which platform in which precision, and why the rest does not."""
    heads = list(dict.fromkeys((item.platform, item.precision.value) for item in found))
    cells = {(item.subject, item.platform, item.precision.value): item for item in found}
    subjects = list(dict.fromkeys(item.subject for item in found))
    matrix = [
        (subject, *(_outcomes(cells.get((subject, *head))) for head in heads))
        for subject in subjects
    ]
    reasons = [
        (item.subject, f"{item.platform}, {item.precision.value}", str(count), reason)
        for item in found
        for reason, count in item.reasons.items()
    ]
    return (
        table(("", *(", ".join(head) for head in heads)), matrix),
        table(("", "platform", "trials", "reason"), reasons),
    )


def _outcomes(cell: Supported | None) -> str:
    if cell is None:
        return "not tried"
    tried = sum(cell.outcomes.values())
    good = cell.outcomes.get("ok", 0)
    if good == tried:
        return f"yes ({tried})"
    rest = [f"{count} {status}" for status, count in cell.outcomes.items() if status != "ok"]
    return f"{good} of {tried} ({', '.join(rest)})" if good else f"no ({', '.join(rest)})"


def trials(rows: Sequence[Row], name: str) -> dict[str, Any]:
    """Return the table of all trials.

    Args:
        rows: The trials.
        name: The quantity that their figures are of.
    """
    columns = [
        numbers("trial", rows, lambda row: row.trial, str),
        texts("configuration", rows, lambda row: str(row.workload.configuration)),
        coded("platform", rows, lambda row: row.platform),
        coded("precision", rows, lambda row: row.workload.precision.value),
        numbers("batch", rows, lambda row: row.workload.batch, str),
        coded("meter", rows, lambda row: row.meter),
        coded("status", rows, lambda row: row.figure.status),
        numbers(spoken(name), rows, lambda row: row.figure.value, _shown(rows)),
        texts("95 % interval", rows, _interval),
        numbers("median", rows, lambda row: row.spread and row.spread.median, _shown(rows)),
        numbers("p99", rows, lambda row: row.spread and row.spread.p99, _shown(rows)),
        numbers("samples", rows, lambda row: row.samples or None, str),
        numbers("MACs", rows, lambda row: row.macs, lambda value: rate(value, "")),
        coded("origin", rows, lambda row: row.figure.origin.value if row.figure.origin else "–"),
        coded("trust", rows, _trust),
        texts("remarks", rows, lambda row: row.figure.reason or row.figure.trust.reason),
    ]
    return listing(
        columns, len(rows), filtered=("platform", "precision", "meter", "status", "trust")
    )


def listing(
    columns: Sequence[dict[str, Any]], count: int, filtered: Sequence[str]
) -> dict[str, Any]:
    """Return what the table of all rows takes: its columns, and a first page to read without JS.

    Args:
        columns: What `texts`, `coded` and `numbers` return; those that say nothing are left out.
        count: How many rows there are.
        filtered: Titles of coded columns that rows are chosen by, where they differ in them.
    """
    kept = [column for column in columns if _says(column)] if count else list(columns)
    for number, column in enumerate(kept):
        column["number"] = number
        column["filtered"] = column["title"] in filtered and len(column["names"]) > 1
    first = [[_cell(column, row) for column in kept] for row in range(min(count, 100))]
    return {"columns": kept, "count": count, "first": first}


def _says(column: dict[str, Any]) -> bool:
    return bool(set(column.get("names", column["texts"])) - {"", "–"})


def _cell(column: dict[str, Any], row: int) -> str:
    text = column["texts"][row]
    return str(column["names"][text] if "names" in column else text)


def texts(title: str, rows: Sequence[Any], of: Callable[[Any], str]) -> dict[str, Any]:
    """Return a column of texts."""
    look = "long" if title in {"configuration", "remarks"} else "number"
    shown = [shortened(of(row), LONGEST) for row in rows]
    return {"title": title, "look": look, "texts": shown}


def coded(title: str, rows: Sequence[Any], of: Callable[[Any], str]) -> dict[str, Any]:
    """Return a column of few different texts, each written once."""
    found = [shortened(of(row), LONGEST) for row in rows]
    names = {name: number for number, name in enumerate(sorted(set(found)))}
    return {
        "title": title,
        "look": "short" if max(map(len, names), default=0) <= _SHORT else "",
        "names": list(names),
        "texts": [names[name] for name in found],
    }


def numbers(
    title: str,
    rows: Sequence[Any],
    of: Callable[[Any], float | None],
    shown: Callable[[Any], str],
) -> dict[str, Any]:
    """Return a column of numbers, sorted by them and shown as text."""
    values = [of(row) for row in rows]
    return {
        "title": title,
        "look": "number",
        "values": [None if value is None else float(f"{value:.6g}") for value in values],
        "texts": ["–" if value is None else shown(value) for value in values],
    }


def _shown(rows: Sequence[Row]) -> Callable[[float], str]:
    unit = next((row.figure.unit for row in rows if row.figure.unit), "")
    return lambda value: quantity(value, unit)


def _interval(row: Row) -> str:
    return interval(row.figure.interval, row.figure.unit)


def _trust(row: Row) -> str:
    return row.figure.trust.verdict.value if row.figure.status == "ok" else "–"


def counted(reasons: dict[str, int]) -> str:
    """Return reasons with how often each holds."""
    return "; ".join(f"{count} ({reason})" for reason, count in reasons.items()) or "–"


def _value(value: float | str, unit: str) -> str:
    return value if isinstance(value, str) else quantity(value, unit, digits=6)
