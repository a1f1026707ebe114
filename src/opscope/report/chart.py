"""Chart: what a figure shows, as a record that every backend draws. Nothing is drawn here."""

from __future__ import annotations

from typing import Literal

from opscope.core.record import Record

Style = Literal["points", "bars", "line"]
"""How a series is drawn: measured points with their intervals, bars with theirs, or a line that
says what was to be expected."""


class Axis(Record, frozen=True, kw_only=True):
    """What an axis measures.

    Attributes:
        unit: The unit of the values on it, as in ``s``; backends choose the SI prefix. Empty for
            counts and names.
        log: Whether equal distances are equal ratios.
        names: The values in order where the axis holds names and not numbers.
    """

    label: str
    unit: str = ""
    log: bool = False
    names: tuple[str, ...] = ()


class Mark(Record, frozen=True, kw_only=True):
    """One point or bar.

    Attributes:
        x: A number, or one of the axis' names.
        interval: 95 % interval of ``y``, where there is one.
        about: What is said of it on request, line by line: configuration, interval, samples.
        recommended: Whether ``x`` is worth using.
        untrusted: Whether the figure may not be relied on; it is drawn hollow.
        trial: The number of the trial it is from; 0 for none.
    """

    x: float | str
    y: float
    interval: tuple[float, float] | None = None
    about: tuple[str, ...] = ()
    recommended: bool = False
    untrusted: bool = False
    trial: int = 0


class Series(Record, frozen=True, kw_only=True):
    """Marks that belong together, by rising ``x`` where it is a number.

    Attributes:
        name: What the legend says; it includes the origin where origins differ.
        origin: ``measured``, ``simulated`` or ``estimated``; ``counted`` for what MACs predict.
        color: Position in the palette: series of one platform share it within a report.
    """

    name: str
    style: Style
    origin: str
    color: int = 0
    marks: tuple[Mark, ...]


class Chart(Record, frozen=True, kw_only=True):
    """A figure.

    Attributes:
        name: What ``opscope figure`` calls it, as in ``conv-cout-fp32``; unique within a report.
        title: What it shows, in a line.
        says: The same for those who cannot see it, in a sentence or two with the main figures.
    """

    name: str
    title: str
    says: str
    x: Axis
    y: Axis
    series: tuple[Series, ...]


def stair(series: Series, chart: Chart) -> tuple[Mark, ...]:
    """Return the marks that a line of steps is drawn through: those trusted, if each has its x."""
    if series.style != "points" or series.origin == "counted":
        return ()
    if chart.x.log or chart.y.log or chart.x.names:
        return ()
    if len({mark.x for mark in series.marks}) < len(series.marks):
        return ()
    return tuple([mark for mark in series.marks if not mark.untrusted])


def guide(chart: Chart) -> str:
    """Return what the chart's lines say, without the platform, which differs; empty without any."""
    lines = [series.name for series in chart.series if series.style == "line"]
    return lines[0].rpartition(": ")[2] if lines else ""


def figures_of(chart: Chart) -> list[float]:
    """Return every figure of a chart, and both ends of its interval."""
    marks = [mark for series in chart.series for mark in series.marks]
    return [y for mark in marks for y in (mark.y, *(mark.interval or ()))]
