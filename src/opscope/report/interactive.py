"""Charts as plotly draws them in a page: plain JSON, without colours, which the page adds."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any, NamedTuple

from opscope.report.chart import Axis, Chart, Mark, Series, figures_of, stair
from opscope.report.ruler import scaled, ticks
from opscope.report.units import shortened

_TICK = 36
_FEW = 8
"""The most of a count that every number up to it is marked."""

_LINE = 120
_PER_BAR, _PER_NAME, _FRAME, _LEAST = 14, 12, 150, 380


class _Frame(NamedTuple):
    """How marks become places: names by their order, figures in the unit of their axis.

    ``sideways`` is a chart over names: they stay readable on a narrow screen.
    """

    names: dict[str, int]
    scale: float
    sideways: bool

    def along(self, x: float | str) -> float:
        return self.names[str(x)] if self.sideways else _number(float(x))

    def up(self, y: float) -> float:
        return _number(y / self.scale)


def figure(chart: Chart) -> dict[str, Any]:
    """Return the traces and layout of a chart, and the place in the palette of each trace.

    A chart over names lies on its side. Every text is escaped, since plotly reads some HTML in
    texts.
    """
    figures = figures_of(chart)
    scale, label = scaled(chart.y, figures)
    names = {name: place for place, name in enumerate(chart.x.names)}
    frame = _Frame(names, scale, sideways=bool(names))
    stairs = [(series, stair(series, chart)) for series in chart.series]
    drawn = [(series, _trace(series, frame)) for series in chart.series]
    drawn += [(series, _stair(marks, frame)) for series, marks in stairs if len(marks) > 1]
    up = _axis(chart.y, figures, label)
    across = _across(chart)
    return {
        "traces": [trace for _, trace in drawn],
        "colors": [series.color for series, _ in drawn],
        "layout": {
            "height": _height(chart),
            "xaxis": up if frame.sideways else across,
            "yaxis": across if frame.sideways else up,
            "showlegend": not any(chart.y.label.endswith(series.name) for series in chart.series),
        },
    }


def _height(chart: Chart) -> int:
    bars = max(1, sum(series.style == "bars" for series in chart.series))
    return max(_LEAST, _FRAME + len(chart.x.names) * (_PER_NAME + _PER_BAR * bars))


def _across(chart: Chart) -> dict[str, Any]:
    axis = chart.x
    if not axis.names:
        values = [float(mark.x) for series in chart.series for mark in series.marks]
        return _axis(axis, values, axis.label)
    names = [_text(shortened(name, _TICK)) for name in axis.names]
    ends = [len(names) - 0.5, -0.5]
    return {"tickvals": list(range(len(names))), "ticktext": names, "range": ends}


def _axis(axis: Axis, values: Sequence[float], label: str) -> dict[str, Any]:
    titled = {"title": {"text": _text(label), "standoff": 10}}
    if not axis.log:
        counted = not axis.unit and all(float(value).is_integer() for value in values)
        few = {"dtick": 1} if counted and max(values, default=0) <= _FEW else {}
        return titled | ({"rangemode": "tozero"} if axis.unit else few)
    marked = ticks(axis, values)
    return titled | {"type": "log", "tickvals": list(marked), "ticktext": list(marked.values())}


def _trace(series: Series, frame: _Frame) -> dict[str, Any]:
    trace = _places(series.marks, frame) | {"name": _text(series.name), "hoverinfo": "text"}
    trace["hovertext"] = [_hover(series, mark) for mark in series.marks]
    if series.style == "line":
        line = {"dash": "dash", "width": 1.5}
        return trace | {"type": "scatter", "mode": "lines", "line": line, "showlegend": False}
    if any(mark.interval for mark in series.marks):
        trace["error_x" if frame.sideways else "error_y"] = _bounds(series.marks, frame)
    if series.style == "bars":
        return trace | _bar(series.marks, frame)
    return trace | {"type": "scatter", "mode": "markers", "marker": _marker(series.marks)}


def _stair(marks: Sequence[Mark], frame: _Frame) -> dict[str, Any]:
    look = {"line": {"shape": "hvh", "width": 1}, "opacity": 0.5, "showlegend": False}
    skipped = {"type": "scatter", "mode": "lines", "hoverinfo": "skip"}
    return _places(marks, frame) | skipped | look


def _places(marks: Sequence[Mark], frame: _Frame) -> dict[str, Any]:
    along, up = [frame.along(mark.x) for mark in marks], [frame.up(mark.y) for mark in marks]
    return {"x": up, "y": along} if frame.sideways else {"x": along, "y": up}


def _bar(marks: Sequence[Mark], frame: _Frame) -> dict[str, Any]:
    shapes = ["/" if mark.untrusted else "" for mark in marks]
    marker = {"pattern": {"shape": shapes}} if any(shapes) else {}
    return {"type": "bar", "orientation": "h" if frame.sideways else "v", "marker": marker}


def _marker(marks: Sequence[Mark]) -> dict[str, Any]:
    """Return diamonds for what is recommended, circles for the rest, hollow where untrusted."""
    plain = {"opacity": 1, "line": {"width": 0}}
    if not any(mark.recommended or mark.untrusted for mark in marks):
        return plain | {"symbol": "circle", "size": 6}
    shapes = ["diamond" if mark.recommended else "circle" for mark in marks]
    hollow = ["-open" if mark.untrusted else "" for mark in marks]
    return plain | {
        "symbol": [shape + ending for shape, ending in zip(shapes, hollow, strict=True)],
        "size": [11 if mark.recommended else 6 for mark in marks],
    }


def _bounds(marks: Sequence[Mark], frame: _Frame) -> dict[str, Any]:
    ends = [(mark.y, *(mark.interval or (mark.y, mark.y))) for mark in marks]
    return {
        "type": "data",
        "symmetric": False,
        "array": [frame.up(high - y) for y, _, high in ends],
        "arrayminus": [frame.up(y - low) for y, low, _ in ends],
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
