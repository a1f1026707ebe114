"""Charts drawn with characters, for terminals. No colour is needed to read one."""

from __future__ import annotations

from typing import NamedTuple

from opscope.report.chart import Chart
from opscope.report.units import quantity

_LEVELS = " ▁▂▃▄▅▆▇█"
_MARK = "▲"
_WIDEST = 3


def draw(chart: Chart, *, width: int = 72, height: int = 12) -> str:
    """Return the chart as lines of text: a column per x, the recommended ones marked below.

    Args:
        chart: What to draw.
        width: Columns the drawing may take.
        height: Rows for the y axis.
    """
    labels = [quantity(max(chart.y) * part, chart.y_unit, 3) for part in (1.0, 0.5)]
    margin = max(map(len, labels)) + 1
    columns = _columns(chart, max(1, width - margin - 1))
    rows = []
    for row in range(height, 0, -1):
        label = {height: labels[0], height // 2: labels[1]}.get(row, "")
        cells = "".join(_cell(column.height * height, row) for column in columns)
        rows.append(f"{label:>{margin}}│{cells}".rstrip())
    rows.append(" " * margin + "└" + "─" * len(columns))
    marks = "".join(_MARK if column.marked else " " for column in columns)
    if marks.strip():
        rows.append(" " * (margin + 1) + marks.rstrip())
    rows.append(" " * (margin + 1) + _ticks(columns))
    rows.append(" " * (margin + 1) + f"{chart.x_label} ({_MARK} recommended)")
    return "\n".join(rows)


class _Column(NamedTuple):
    """One column of characters: its height from 0 to 1, whether it is marked, its x."""

    height: float
    marked: bool
    x: float


def _columns(chart: Chart, width: int) -> list[_Column]:
    """Return the columns that fit; x that lie close share one, few x are drawn wider."""
    share = -(-len(chart.x) // width)
    repeat = min(_WIDEST, width // len(chart.x)) if share == 1 else 1
    top = max(chart.y) or 1.0
    columns: list[_Column] = []
    for start in range(0, len(chart.x), share):
        xs, ys = chart.x[start : start + share], chart.y[start : start + share]
        marked = [x for x in xs if x in chart.marked]
        height = sum(ys) / len(ys) / top
        x = marked[-1] if marked else xs[-1]
        columns += [_Column(height, False, x)] * (repeat - 1)
        columns.append(_Column(height, bool(marked), x))
    return columns


def _cell(level: float, row: int) -> str:
    filled = min(1.0, max(0.0, level - (row - 1)))
    return _LEVELS[round(filled * (len(_LEVELS) - 1))]


def _ticks(columns: list[_Column]) -> str:
    """Return the x of the marked columns, else of every column, as far as there is room."""
    wanted = [column.marked for column in columns]
    if not any(wanted):
        following = [*(column.x for column in columns[1:]), None]
        wanted = [column.x != after for column, after in zip(columns, following, strict=True)]
    line = ""
    for position, column in enumerate(columns):
        text = f"{column.x:g}"
        start = position - len(text) + 1
        if wanted[position] and start >= len(line) + 2 * bool(line):
            line = line.ljust(start) + text
    return line
