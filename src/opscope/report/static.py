"""Charts as SVG and PNG, by matplotlib. What is in a chart is decided elsewhere."""

from __future__ import annotations

import io
import math
import textwrap
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from opscope.report.chart import Axis, Chart, Mark, Series, figures_of, guide, stair
from opscope.report.palette import LIGHT
from opscope.report.ruler import scaled, ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDTH, _HEIGHT = 9.0, 5.0
"""Inches of a chart; bars take the height that their labels need."""

_DPI = 200
_INK, _FAINT = LIGHT.text, "#666666"
_MARKERS = "osD^vP"
"""Shapes of series that share a colour, in turn."""

_MANY = 2_000
"""Marks above which they go into an SVG as one picture."""

_LINE = 115
"""Characters that a legend's line has room for; a sign and its gaps take eight."""

_SETTINGS: Any = {
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "opscope",  # the same chart is the same file
    "text.parse_math": False,  # a dollar sign in a name is a dollar sign
    "font.size": 11,
    "axes.edgecolor": _FAINT,
    "axes.labelcolor": _INK,
    "text.color": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def render(chart: Chart, form: Literal["svg", "png"]) -> bytes:
    """Return the chart as a file of that form: text as text in SVG, 200 dots per inch in PNG."""
    with _matplotlib():
        figure = _figure(chart)
        page = io.BytesIO()
        about = {"Title": _plain(chart.title), "Description": _plain(chart.says, 2_000)}
        metadata = {**about, "Date": None} if form == "svg" else about
        figure.savefig(page, format=form, dpi=_DPI, metadata=metadata)
    return page.getvalue()


@contextmanager
def _matplotlib() -> Iterator[None]:
    """Draw by opscope's own settings, whatever the user's are; a missing glyph is no matter."""
    import matplotlib as mpl

    with mpl.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*[Gg]lyph.*")
        mpl.rcdefaults()
        mpl.rcParams.update(_SETTINGS)
        yield


def _figure(chart: Chart) -> Figure:
    from matplotlib.figure import Figure

    named = bool(chart.x.names)
    rows = len(chart.x.names) * max(1, len(chart.series))
    height = _HEIGHT + 0.22 * max(0, len(chart.series) - 4)
    if named:
        height = max(height, 2.0 + 0.16 * rows + 0.12 * len(chart.x.names))
    figure = Figure(figsize=(_WIDTH, height), layout="constrained")
    axes = figure.subplots()
    if named:
        _draw_named(axes, chart)
    else:
        _draw_points(axes, chart)
    axes.set_title(_wrapped(chart.title, 78), loc="left", fontsize=13, fontweight="bold", pad=12)
    axes.grid(visible=True, axis="x" if named else "both", color=LIGHT.grid, linewidth=0.8)
    axes.set_axisbelow(True)
    _explain(figure, chart)
    return figure


def _draw_points(axes: Axes, chart: Chart) -> None:
    taken: dict[int, int] = {}
    for series in chart.series:
        if series.style == "line":
            axes.plot(*_places(series.marks), "--", color=_color(series.color), linewidth=1.3)
            continue
        turn = taken.get(series.color, 0)
        taken[series.color] = turn + 1
        _draw_series(axes, series, _MARKERS[turn % len(_MARKERS)], stair(series, chart))
    _scale(axes, "x", chart.x, [_number(mark.x) for mark in _marks(chart)])
    _scale(axes, "y", chart.y, figures_of(chart))
    if kept := sorted({_number(mark.x) for mark in _marks(chart) if mark.recommended}):
        shown = _apart(kept, span=(axes.get_xlim()[1] - axes.get_xlim()[0]))
        axes.set_xticks(shown, [f"{x:g}" for x in shown])


def _draw_series(axes: Axes, series: Series, marker: str, steps: Sequence[Mark]) -> None:
    """Draw steps through the marks for them, every point, its interval, and what is recommended."""
    color, many = _color(series.color), len(series.marks) > _MANY
    size = 5.0 if len(series.marks) <= 60 else 3.2  # noqa: PLR2004 - as many as stand apart
    if steps:
        axes.plot(*_places(steps), drawstyle="steps-mid", color=color, linewidth=1, alpha=0.5)
    ends = [(mark.x, mark.interval) for mark in series.marks if mark.interval]
    axes.plot(  # all of them as one path, which is a tenth of the size
        [x for at, _ in ends for x in (_number(at), _number(at), math.nan)],
        [y for _, (low, high) in ends for y in (low, high, math.nan)],
        color=color,
        linewidth=1,
        rasterized=many,
    )
    for hollow in (False, True):
        marks = [mark for mark in series.marks if mark.untrusted is hollow]
        axes.plot(
            *_places(marks),
            marker,
            color=color,
            markersize=size,
            markerfacecolor="white" if hollow else color,
            rasterized=many,
        )
        axes.plot(
            *_places([mark for mark in marks if mark.recommended]),
            "D",
            markersize=6.5,
            markerfacecolor="white" if hollow else color,
            markeredgecolor=_INK,
        )


def _draw_named(axes: Axes, chart: Chart) -> None:
    """Draw bars, points and lines from left to right, a row for each name."""
    names, count = chart.x.names, sum(series.style != "line" for series in chart.series)
    rows = {name: place for place, name in enumerate(names)}
    thick = 0.8 / max(1, count)
    for number, series in enumerate(chart.series):
        color, marks = _color(series.color), series.marks
        if series.style == "line":
            places = [float(rows[str(mark.x)]) for mark in marks]
            axes.plot([mark.y for mark in marks], places, "--", color=color, linewidth=1.3)
            continue
        places = [rows[str(mark.x)] + (number - (count - 1) / 2) * thick for mark in marks]
        looks: dict[str, Any] = {
            "color": ["white" if mark.untrusted else color for mark in marks],
            "edgecolor": color,
            "zorder": 2,
        }
        if series.style == "bars":
            axes.barh(places, [mark.y for mark in marks], thick * 0.92, **looks)
        else:
            axes.scatter([mark.y for mark in marks], places, 24, **looks)
        told = [mark for mark in marks if mark.interval]
        axes.errorbar(
            [mark.y for mark in told],
            [place for place, mark in zip(places, marks, strict=True) if mark.interval],
            xerr=_reach(told),
            fmt="none",
            ecolor=_INK if series.style == "bars" else color,
            elinewidth=1,
            capsize=2,
        )
    axes.set_yticks(range(len(names)), [_plain(name, 44) for name in names], fontsize=9)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    _scale(axes, "x", chart.y, figures_of(chart))


def _scale(axes: Axes, side: Literal["x", "y"], axis: Axis, values: Sequence[float]) -> None:
    """Label one side: prefixed ticks where it is logarithmic, else one prefix for all of it."""
    from matplotlib.ticker import FuncFormatter

    ruler = axes.xaxis if side == "x" else axes.yaxis
    scale, label = scaled(axis, values)
    ruler.set_label_text(_plain(label, 48))
    if axis.log:
        marked = ticks(axis, values)
        (axes.set_xscale if side == "x" else axes.set_yscale)("log")
        ruler.set_ticks(list(marked), list(marked.values()))
        ruler.set_ticks([], minor=True)
        return
    ruler.set_major_formatter(FuncFormatter(lambda value, _: f"{value / scale:g}"))
    if axis.unit and min(values, default=0.0) >= 0:
        top = max(map(abs, values), default=1.0)
        (axes.set_xlim if side == "x" else axes.set_ylim)(0, 1.05 * top or 1.0)


def _explain(figure: Figure, chart: Chart) -> None:
    """Add the legend and the caption below, which says what the signs mean and the origin."""
    from matplotlib.lines import Line2D

    handles, names, taken = [], [], dict[int, int]()
    for series in chart.series:
        if series.style == "line":
            continue
        turn = taken.get(series.color, 0)
        taken[series.color] = turn + 1
        marker = "s" if series.style == "bars" else _MARKERS[turn % len(_MARKERS)]
        color = _color(series.color)
        handles.append(Line2D([], [], linestyle="none", marker=marker, color=color))
        names.append(_plain(series.name, 48))
    if said := guide(chart):
        handles.append(Line2D([], [], linestyle="--", color=_FAINT))
        names.append(_plain(said, 48))
    if any(mark.recommended for mark in _marks(chart)):
        handles.append(
            Line2D([], [], linestyle="none", marker="D", color="#bbbbbb", markeredgecolor=_INK)
        )
        names.append("recommended")
    if any(mark.untrusted for mark in _marks(chart)):
        handles.append(
            Line2D([], [], linestyle="none", marker="o", color=_FAINT, markerfacecolor="white")
        )
        names.append("untrusted")
    figure.legend(
        handles,
        names,
        loc="outside lower left",
        ncols=_columns(names),
        frameon=False,
        fontsize=10,
        title=_wrapped(_caption(chart), 118),
        title_fontsize=8.5,
        alignment="left",
    )


def _columns(names: Sequence[str]) -> int:
    """Return how many columns of a legend fit, which is filled column by column."""
    for count in range(len(names), 1, -1):
        rows = -(-len(names) // count)
        columns = [names[start : start + rows] for start in range(0, len(names), rows)]
        if sum(8 + max(map(len, column)) for column in columns) <= _LINE:
            return count
    return 1


def _caption(chart: Chart) -> str:
    origins = dict.fromkeys(s.origin for s in chart.series if s.style != "line")
    text = f"Figures are {' or '.join(origins) or 'none'}"
    if any(mark.interval for mark in _marks(chart)):
        text += "; whiskers are 95 % intervals"
    return f"{text}."


def _marks(chart: Chart) -> list[Mark]:
    return [mark for series in chart.series for mark in series.marks]


def _color(position: int) -> str:
    return LIGHT.series[position % len(LIGHT.series)]


def _places(marks: Iterable[Mark]) -> tuple[list[float], list[float]]:
    listed = list(marks)
    return [_number(mark.x) for mark in listed], [mark.y for mark in listed]


def _number(x: float | str) -> float:
    return 0.0 if isinstance(x, str) else float(x)


def _reach(marks: Iterable[Mark]) -> list[list[float]]:
    """Return how far the intervals reach below and above; an interval may lie beside its value."""
    pairs = [(mark.y, mark.interval) for mark in marks if mark.interval]
    return [
        [max(0.0, y - low) for y, (low, _) in pairs],
        [max(0.0, high - y) for y, (_, high) in pairs],
    ]


def _apart(values: Sequence[float], span: float, most: int = 24) -> list[float]:
    """Return those of rising values that can be written side by side, the last one always."""
    room = span / most
    shown: list[float] = []
    for value in reversed(values):
        if not shown or shown[-1] - value >= room:
            shown.append(value)
    return shown[::-1]


def _wrapped(text: str, width: int) -> str:
    """Return text in two lines at most."""
    return "\n".join(textwrap.wrap(_plain(text, 2 * width - 8), width)[:2])


def _plain(text: str, most: int = 160) -> str:
    """Return text that any backend writes as it is: printable, and cut where it is too long."""
    seen = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text[: most + 1])
    return seen if len(text) <= most else f"{seen[: most - 1]}…"
