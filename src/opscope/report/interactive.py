"""Charts as plotly draws them in a page: plain JSON, without colours, which the page adds."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from opscope.report.chart import Axis, Chart, Mark, Series
from opscope.report.units import shortened

_TICK = 36
_LINE = 120
_PER_BAR, _PER_NAME, _FRAME, _LEAST = 14, 12, 150, 380
_SI = frozenset({"s", "J", "B", "W", "Hz"})
_SHORT = {"bytes": "B"}


def figure(chart: Chart) -> dict[str, Any]:
    """Return the traces and layout of a chart, and the place in the palette of each trace.

    A chart over names lies on its side: names stay readable on a narrow screen. Every text is
    escaped, since plotly reads some HTML in texts.
    """
    sideways = bool(chart.x.names)
    across, up = _axis(chart.x), _axis(chart.y)
    height = _LEAST
    if sideways:
        bars = max(1, sum(series.style == "bars" for series in chart.series))
        height = max(_LEAST, _FRAME + len(chart.x.names) * (_PER_NAME + _PER_BAR * bars))
    return {
        "traces": [_trace(series, chart.x, sideways=sideways) for series in chart.series],
        "colors": [series.color for series in chart.series],
        "layout": {
            "height": height,
            "xaxis": up if sideways else across,
            "yaxis": across | {"range": [len(chart.x.names) - 0.5, -0.5]} if sideways else up,
            "showlegend": len(chart.series) > 1,
        },
    }


def _axis(axis: Axis) -> dict[str, Any]:
    found: dict[str, Any] = {"title": {"text": _text(axis.label)}}
    if axis.names:
        positions = list(range(len(axis.names)))
        ticks = [_text(shortened(name, _TICK)) for name in axis.names]
        return {"tickvals": positions, "ticktext": ticks, "automargin": True}
    if axis.log:
        found |= {"type": "log", "dtick": "D2", "showticksuffix": "all"}
    unit = _SHORT.get(axis.unit, axis.unit)
    if unit in _SI:
        found |= {"tickformat": "~s", "ticksuffix": unit}
    elif axis.log:
        found |= {"tickformat": "~s"}
    return found | {"rangemode": "tozero"} if not axis.log and unit else found


def _trace(series: Series, axis: Axis, *, sideways: bool) -> dict[str, Any]:
    place = {name: number for number, name in enumerate(axis.names)}
    along = [place[str(mark.x)] if place else _number(float(mark.x)) for mark in series.marks]
    values = [_number(mark.y) for mark in series.marks]
    x, y = (values, along) if sideways else (along, values)
    trace: dict[str, Any] = {"name": _text(series.name), "x": x, "y": y, "hoverinfo": "text"}
    trace["hovertext"] = [_hover(series, mark) for mark in series.marks]
    if series.style == "line":
        return trace | {"type": "scatter", "mode": "lines", "line": {"dash": "dash", "width": 1.5}}
    if any(mark.interval for mark in series.marks):
        trace["error_x" if sideways else "error_y"] = _bounds(series.marks)
    if series.style == "bars":
        return trace | _bar(series.marks, sideways=sideways)
    return trace | {"type": "scatter", "mode": "markers", "marker": _marker(series.marks)}


def _bar(marks: Sequence[Mark], *, sideways: bool) -> dict[str, Any]:
    shapes = ["/" if mark.untrusted else "" for mark in marks]
    marker = {"pattern": {"shape": shapes}} if any(shapes) else {}
    return {"type": "bar", "orientation": "h" if sideways else "v", "marker": marker}


def _marker(marks: Sequence[Mark]) -> dict[str, Any]:
    """Return diamonds for what is recommended, circles for the rest, hollow where untrusted."""
    if not any(mark.recommended or mark.untrusted for mark in marks):
        return {"symbol": "circle", "size": 6}
    shapes = ["diamond" if mark.recommended else "circle" for mark in marks]
    hollow = ["-open" if mark.untrusted else "" for mark in marks]
    return {
        "symbol": [shape + ending for shape, ending in zip(shapes, hollow, strict=True)],
        "size": [11 if mark.recommended else 6 for mark in marks],
    }


def _bounds(marks: Sequence[Mark]) -> dict[str, Any]:
    ends = [mark.interval or (mark.y, mark.y) for mark in marks]
    return {
        "type": "data",
        "symmetric": False,
        "array": [_number(end[1] - mark.y) for mark, end in zip(marks, ends, strict=True)],
        "arrayminus": [_number(mark.y - end[0]) for mark, end in zip(marks, ends, strict=True)],
        "thickness": 1,
        "width": 2,
    }


def _hover(series: Series, mark: Mark) -> str:
    lines = mark.about or (series.name,)
    return "<br>".join(_text(shortened(line, _LINE)) for line in lines)


def _text(text: str) -> str:
    """Return the text as plotly shows it as it is: its pseudo-HTML and its entities escaped."""
    return escape(text, quote=False)


def _number(value: float) -> float:
    """Return a value to six digits: finer than any screen, and half as long."""
    return float(f"{value:.6g}")
