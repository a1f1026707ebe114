"""Charts: what analysis found, as the figures that show it. Nothing is computed or drawn here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import compress

import msgspec

from opscope.analysis.overview import Bars, Curve, Overview, Row, Sweep
from opscope.core.finding import Finding
from opscope.core.measurement import Verdict
from opscope.report.chart import Axis, Chart, Mark, Series
from opscope.report.naming import labelled, plainly, slug, unique
from opscope.report.units import interval, quantity, rate, spoken, unit_of

PREDICTED = "what MACs predict"
"""What the legend calls the latency that would follow if it grew with MACs alone."""


def charts(overview: Overview) -> list[Chart]:
    """Return every figure of an overview: its sweeps, its bars, and latency against MACs."""
    rows = {row.trial: row for row in overview.rows}
    colors = {site.platform.name: place for place, site in enumerate(overview.sites)}
    found = [_sweep(sweep, rows, colors) for sweep in overview.sweeps]
    found += [_bars(bars, overview.quantity, rows, colors) for bars in overview.bars]
    found += _scatter(overview, colors)
    names = unique([(chart.name, chart.title) for chart in found])
    return [
        msgspec.structs.replace(chart, name=name) for chart, name in zip(found, names, strict=True)
    ]


def staircase(finding: Finding, rows: Mapping[int, Row] | None = None) -> Chart:
    """Return the chart of a finding about steps by itself; with the trials, what is known of each.

    Args:
        finding: What was found.
        rows: The trials by their number.
    """
    kept = finding.guideline.allowed if finding.guideline else ()
    curve = Curve(
        platform=finding.platform, origin=finding.origin, points=finding.points, recommended=kept
    )
    return Chart(
        name=slug(finding.platform, finding.x, finding.precision),
        title=f"{finding.platform}, {finding.precision}: {finding.fixed}",
        says=plainly(finding),
        x=Axis(label=finding.x),
        y=_axis(finding.quantity),
        series=(_points(curve, finding.quantity, rows or {}, finding.x, 0),),
    )


def _sweep(sweep: Sweep, rows: Mapping[int, Row], colors: Mapping[str, int]) -> Chart:
    series: list[Series] = []
    for curve in sweep.curves:
        color = colors.get(curve.platform, 0)
        series.append(_points(curve, sweep.quantity, rows, sweep.x, color))
        if curve.expected:
            series.append(_prediction(curve, color))
    what = spoken(sweep.quantity)
    return Chart(
        name=slug(sweep.fixed.partition(":")[0], sweep.x, sweep.precision.value),
        title=f"{what.capitalize()} over {sweep.x}: {sweep.fixed}, {sweep.precision}",
        says=" ".join([_curve_says(curve, sweep) for curve in sweep.curves]),
        x=Axis(label=sweep.x),
        y=_axis(sweep.quantity),
        series=tuple(series),
    )


def _points(curve: Curve, name: str, rows: Mapping[int, Row], x: str, color: int) -> Series:
    kept, unit = frozenset(curve.recommended), unit_of(name)
    return Series(
        name=_legend(curve.platform, curve.origin.value),
        style="points",
        origin=curve.origin.value,
        color=color,
        marks=tuple(
            [
                Mark(
                    x=point.x,
                    y=point.y,
                    interval=point.interval,
                    about=_about(rows[point.trial])
                    if point.trial in rows
                    else _lines(
                        f"{x} = {point.x:g}", point.y, point.interval, unit, point.untrusted
                    ),
                    recommended=point.x in kept,
                    untrusted=bool(point.untrusted),
                    trial=point.trial,
                )
                for point in curve.points
            ]
        ),
    )


def _prediction(curve: Curve, color: int) -> Series:
    pairs = zip(curve.points, curve.expected or (), strict=True)
    return Series(
        name=f"{curve.platform}: {PREDICTED}",
        style="line",
        origin="counted",
        color=color,
        marks=tuple([Mark(x=point.x, y=y, trial=point.trial) for point, y in pairs]),
    )


def _curve_says(curve: Curve, sweep: Sweep) -> str:
    """Return where a curve begins and ends, where MACs would have it end, what is recommended."""
    first, last, unit = curve.points[0], curve.points[-1], unit_of(sweep.quantity)
    text = (
        f"{curve.platform}: {quantity(first.y, unit, 3)} at {sweep.x} = {first.x:g} and "
        f"{quantity(last.y, unit, 3)} at {last.x:g}"
    )
    if curve.expected:
        ends = [quantity(curve.expected[place], unit, 3) for place in (0, -1)]
        text += f", where MACs at its best rate predict {ends[0]} and {ends[1]}"
    if curve.recommended:
        text += f"; recommended are {_numbers(curve.recommended)}"
    doubted = sum(bool(point.untrusted) for point in curve.points)
    return text + (f"; {doubted} of {len(curve.points)} are untrusted." if doubted else ".")


def _numbers(values: Sequence[float], most: int = 12) -> str:
    listed = ", ".join(f"{value:g}" for value in values[:most])
    return f"{listed} and {len(values) - most} more" if len(values) > most else listed


def _bars(bars: Bars, name: str, rows: Mapping[int, Row], colors: Mapping[str, int]) -> Chart:
    labels, shared = labelled(bars.labels)
    batch = "" if bars.batch == 1 else f"batch {bars.batch}, "
    meter = f", {bars.meter}" if bars.meter else ""
    series = [
        Series(
            name=_legend(platform, _origin(figures, rows)),
            style="bars",
            origin=_origin(figures, rows),
            color=colors.get(platform, 0),
            marks=tuple(
                [
                    _mark(label, rows[number])
                    for label, number in zip(labels, figures, strict=True)
                    if number is not None
                ]
            ),
        )
        for platform, figures in bars.figures.items()
        if any(number is not None for number in figures)
    ]
    parts = [
        bars.kind,
        bars.precision.value,
        f"batch{bars.batch}" if bars.batch > 1 else "",
        bars.meter,
    ]
    title = f"{spoken(name).capitalize()} of {_PLURALS.get(bars.kind, bars.kind)}"
    return Chart(
        name=slug(*parts),
        title=f"{title}: {shared + ', ' if shared else ''}{batch}{bars.precision}{meter}",
        says=" ".join(
            [*(_bars_say(item, unit_of(name)) for item in series), *_left_out(bars.left_out)]
        ),
        x=Axis(label=bars.kind, names=labels),
        y=_axis(name),
        series=tuple(series),
    )


_PLURALS = {"block": "blocks", "zoo": "networks", "backbone": "backbones", "file": "model files"}


def _bars_say(series: Series, unit: str) -> str:
    low = min(series.marks, key=lambda mark: mark.y)
    high = max(series.marks, key=lambda mark: mark.y)
    return (
        f"{series.name}: from {quantity(low.y, unit, 3)} ({low.x}) "
        f"to {quantity(high.y, unit, 3)} ({high.x})."
    )


def _left_out(count: int) -> list[str]:
    return [f"{count} more are not shown."] if count else []


def _scatter(overview: Overview, colors: Mapping[str, int]) -> Iterator[Chart]:
    """Yield the chart of the quantity against MACs, if there are any of both."""
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for row in overview.rows:
        if row.macs and row.figure.value:
            key = row.platform, row.workload.precision.value, row.meter
            groups.setdefault(key, []).append(row)
    if not groups:
        return
    differ = [len(set(column)) > 1 for column in zip(*groups, strict=True)][1:]
    series = [
        Series(
            name=_legend(", ".join([platform, *compress(how, differ)]), _origin_of(rows)),
            style="points",
            origin=_origin_of(rows),
            color=colors.get(platform, 0),
            marks=tuple(
                [
                    _mark(float(row.macs or 0), row)
                    for row in sorted(rows, key=lambda row: (row.macs or 0, row.trial))
                ]
            ),
        )
        for (platform, *how), rows in groups.items()
    ]
    what, unit = spoken(overview.quantity), unit_of(overview.quantity)
    yield Chart(
        name=slug(what, "macs"),
        title=f"{what.capitalize()} against multiply-accumulates",
        says=" ".join([_scatter_says(item, unit) for item in series]),
        x=Axis(label="multiply-accumulates of a call", unit="MAC", log=True),
        y=Axis(label=spoken(overview.quantity), unit=unit, log=True),
        series=tuple(series),
    )


def _scatter_says(series: Series, unit: str) -> str:
    low, high = series.marks[0], series.marks[-1]
    few, most = (rate(float(mark.x), "MAC") for mark in (low, high))
    return (
        f"{series.name}: {quantity(low.y, unit, 3)} at {few}, the fewest, and "
        f"{quantity(high.y, unit, 3)} at {most}, the most, of {len(series.marks)} trials."
    )


def _mark(x: float | str, row: Row) -> Mark:
    return Mark(
        x=x,
        y=row.figure.value or 0.0,
        interval=row.figure.interval,
        about=_about(row),
        untrusted=row.figure.trust.verdict is Verdict.UNTRUSTED,
        trial=row.trial,
    )


def _about(row: Row) -> tuple[str, ...]:
    """Return what is said of a trial: configuration, figure, interval, samples, trust."""
    figure, trust = row.figure, row.figure.trust
    doubt = "" if trust.verdict is Verdict.TRUSTED else f"{trust.verdict.value}: {trust.reason}"
    lines = _lines(
        str(row.workload), figure.value or 0.0, figure.interval, figure.unit, doubt.rstrip(": ")
    )
    samples = (f"{row.samples} samples",) if row.samples else ()
    return (*lines[:-1], *samples, lines[-1])


def _lines(
    what: str, y: float, bounds: tuple[float, float] | None, unit: str, doubt: str
) -> tuple[str, ...]:
    within = (f"95 %: {interval(bounds, unit)}",) if bounds else ()
    return (what, quantity(y, unit), *within, doubt or Verdict.TRUSTED.value)


def _legend(name: str, origin: str) -> str:
    """Return a name, with the origin where that is not the real thing."""
    return name if origin == "measured" else f"{name} ({origin})"


def _origin(figures: Iterable[int | None], rows: Mapping[int, Row]) -> str:
    return _origin_of(rows[number] for number in figures if number is not None)


def _origin_of(rows: Iterable[Row]) -> str:
    """Return where the figures of these rows come from; they are of one platform."""
    return next((row.figure.origin.value for row in rows if row.figure.origin), "measured")


def _axis(name: str) -> Axis:
    return Axis(label=spoken(name), unit=unit_of(name))
