"""Operators: the table of what each step of a network took."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Column, Table
from rich.text import Text

from opscope.core.measurement import Measurement
from opscope.report.units import quantity

_LISTED = 24


def operator_table(steps: Sequence[Measurement]) -> Table:
    """Return what each step took, the longest first, and its share of all of them together."""
    together = sum(step.value for step in steps)
    columns = (
        Column("time", justify="right", no_wrap=True),
        Column("share", justify="right", no_wrap=True),
        Column("kernel", overflow="fold"),
        Column("runs in"),
        Column("does the work of", overflow="fold"),
    )
    table = Table(*columns, box=None, padding=(0, 2, 0, 0))
    for step in sorted(steps, key=lambda step: -step.value)[:_LISTED]:
        scope = step.scope
        table.add_row(
            quantity(step.value, step.unit, 3),
            _share(step.value, together),
            Text(scope.kernel),
            Text(" ".join(filter(None, (scope.format, scope.device)))),
            Text(" + ".join(scope.sources) or f"none: {scope.node}"),
        )
    if rest := sorted(step.value for step in steps)[: max(0, len(steps) - _LISTED)]:
        more = Text(f"… {len(rest)} more; --json lists them")
        table.add_row(quantity(sum(rest), "s", 3), _share(sum(rest), together), "", "", more)
    return table


def _share(value: float, together: float) -> str:
    return f"{value / together:.1%}" if together else "–"
