"""Charts drawn with characters, for terminals. No colour is needed to read one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from opscope.report.chart import Chart, Mark
from opscope.report.units import quantity

_LEVELS = " ▁▂▃▄▅▆▇█"
_MARK = "▲"
_WIDEST = 3


def draw(chart: Chart, *, width: int = 72, height: int = 12) -> str:
    """Return the chart as lines of text: a column per x, the recommended ones marked below.

    Args:
        chart: What to draw; of its series the first, whose marks are along numbers.
        width: Columns the drawing may take.
        height: Rows for the y axis.
    """
    marks = chart.series[0].marks
    labels = [
        quantity(max(mark.y for mark in marks) * part, chart.y.unit, 3) for part in (1.0, 0.5)
    ]
    margin = max(map(len, labels)) + 1
    columns = _columns(marks, max(1, width - margin - 1))
    rows = []
    for row in range(height, 0, -1):
        label = {height: labels[0], height // 2: labels[1]}.get(row, "")
        cells = "".join(_cell(column.height * height, row) for column in columns)
        rows.append(f"{label:>{margin}}│{cells}".rstrip())
    rows.append(" " * margin + "└" + "─" * len(columns))
    below = "".join(_MARK if column.marked else " " for column in columns)
    if below.strip():
        rows.append(" " * (margin + 1) + below.rstrip())
    rows.append(" " * (margin + 1) + _ticks(columns))
    rows.append(" " * (margin + 1) + f"{chart.x.label} ({_MARK} recommended)")
    return "\n".join(rows)


class _Column(NamedTuple):
    """One column of characters: its height from 0 to 1, whether it is marked, its x."""

    height: float
    marked: bool
    x: float


def _columns(marks: Sequence[Mark], width: int) -> list[_Column]:
    """Return the columns that fit; x that lie close share one, few x are drawn wider."""
    share = -(-len(marks) // width)
    repeat = min(_WIDEST, width // len(marks)) if share == 1 else 1
    top = max(mark.y for mark in marks) or 1.0
    columns: list[_Column] = []
    for start in range(0, len(marks), share):
        group = marks[start : start + share]
        recommended = [mark for mark in group if mark.recommended]
        height = sum(mark.y for mark in group) / len(group) / top
        x = float((recommended or group)[-1].x)
        columns += [_Column(height, False, x)] * (repeat - 1)
        columns.append(_Column(height, bool(recommended), x))
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
