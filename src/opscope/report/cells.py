"""What a notebook shows of a record: its charts and a table, as HTML in which names are text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from opscope.analysis.designs import Designs
from opscope.analysis.overview import Overview
from opscope.core.comparison import Comparison
from opscope.core.configuration import Configuration
from opscope.core.finding import Finding
from opscope.core.measurement import Measurement, Verdict
from opscope.core.study import Study
from opscope.report.chart import Chart
from opscope.report.charts import charts, staircase
from opscope.report.naming import plainly
from opscope.report.operators import HEADS, operator_rows
from opscope.report.singles import bounds, counts, ratios, samples
from opscope.report.static import render
from opscope.report.tabulated import EFFECTS, effect_rows
from opscope.report.units import interval, quantity

_MOST = 200
"""Rows that a cell shows of a table."""


def chart_cell(chart: Chart) -> str:
    """Return the figure itself, for those who cannot see it in words."""
    drawing = render(chart, "svg").decode()
    drawing = drawing[drawing.index("<svg") :]
    return f'<div role="img" aria-label="{escape(chart.says)}">{drawing}</div>'


def study_cell(study: Study, designs: Designs, macs: Mapping[Configuration, int | None]) -> str:
    """Return how the MACs of a study's configurations grow, and what it asks.

    What a run of it found is in its overview.
    """
    chart = counts(designs, macs)
    spaces = ", ".join(f"{space.kind}:{space.name}".rstrip(":") for space in study.spaces)
    rows = [
        ("study", study.name),
        ("question", study.question),
        ("source", study.source),
        ("spaces", spaces),
        ("configurations", f"{designs.count:,}" if designs.count else "cannot be told"),
        ("varied", ", ".join(dict.fromkeys(x for space in study.spaces for x in space.varied()))),
        ("platforms", ", ".join(study.platforms)),
        ("precisions", ", ".join(study.precisions)),
    ]
    drawn = chart_cell(chart) if chart else ""
    return f"<h4>{escape(study.title)}</h4>{drawn}" + _table((), rows)


def finding_cell(finding: Finding) -> str:
    """Return a finding's staircase, what it says, and its sizes."""
    rows = [
        *effect_rows(finding.effects),
        ("trust", finding.trust.verdict.value, finding.trust.reason),
        ("figures", finding.origin.value, finding.derivation),
    ]
    words = [plainly(finding), f"Cause: {finding.cause}", finding.implication]
    table = _table(EFFECTS, rows)
    return chart_cell(staircase(finding)) + _paragraphs(words) + table


def measurement_cell(measurement: Measurement) -> str:
    """Return the calls behind a measurement, its value, interval, origin and trust."""
    trust, chart = measurement.trust, samples(measurement)
    reason = f": {trust.reason}" if trust.verdict is not Verdict.TRUSTED else ""
    rows = [
        (measurement.quantity, quantity(measurement.value, measurement.unit)),
        ("95 % interval", interval(measurement.interval, measurement.unit)),
        ("origin", f"{measurement.origin.value}; {measurement.derivation}"),
        ("trust", f"{trust.verdict.value}{reason}"),
    ]
    return (chart_cell(chart) if chart else "") + _table((), rows)


def operator_cell(steps: Sequence[Measurement]) -> str:
    """Return what each step of a network took, the longest first."""
    return _table(HEADS, operator_rows(steps)) if steps else ""


def comparison_cell(comparison: Comparison) -> str:
    """Return the ratios of a comparison, and the verdict of each configuration."""
    chart = ratios(comparison)
    rows = [
        (
            item.workload,
            "–" if item.ratio is None else f"{item.ratio:.3f}",
            bounds(item.interval),
            item.statement,
        )
        for item in comparison.configurations
    ]
    table = _table(("configuration", "B over A", "95 % interval", "verdict"), rows)
    return (
        (chart_cell(chart) if chart else "") + _paragraphs([comparison.overall.statement]) + table
    )


def overview_cell(overview: Overview) -> str:
    """Return every figure of a run, and its trials."""
    rows = [
        (
            str(row.workload),
            row.platform,
            row.figure.status
            if row.figure.value is None
            else quantity(row.figure.value, row.figure.unit),
            interval(row.figure.interval, row.figure.unit),
            row.figure.reason or row.figure.trust.verdict.value,
        )
        for row in overview.rows
    ]
    heads = ("configuration", "platform", overview.quantity, "95 % interval", "trust or reason")
    drawn = "".join([chart_cell(chart) for chart in charts(overview)])
    said = f"Run {overview.run}: {len(overview.rows)} of {overview.jobs} jobs have ended."
    return (
        f"<h4>{escape(overview.study.title)}</h4>{drawn}"
        + _paragraphs([said])
        + _table(heads, rows)
    )


def _paragraphs(texts: Iterable[str]) -> str:
    return "".join(f"<p>{escape(text)}</p>" for text in texts if text)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in heads)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(text)}</td>" for text in row) + "</tr>"
        for row in rows[:_MOST]
    )
    more = len(rows) - _MOST
    rest = _paragraphs([f"… and {more:,} more rows"]) if more > 0 else ""
    top = f"<thead><tr>{head}</tr></thead>" if head else ""
    return f"<table>{top}<tbody>{body}</tbody></table>{rest}"
