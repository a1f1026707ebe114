"""Operators: the table of what each step of a network took."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Column, Table
from rich.text import Text

from opscope.core.measurement import Measurement
from opscope.report.units import quantity

HEADS = ("time", "share", "kernel", "runs in", "does the work of")

_LISTED = 24


def operator_rows(steps: Sequence[Measurement]) -> list[tuple[str, ...]]:
    """Return what each step took, the longest first, and its share of all of them together."""
    together = sum(step.value for step in steps)
    return [
        (
            quantity(step.value, step.unit, 3),
            _share(step.value, together),
            step.scope.kernel,
            " ".join(filter(None, (step.scope.format, step.scope.device))),
            " + ".join(step.scope.sources) or f"none: {step.scope.node}",
        )
        for step in sorted(steps, key=lambda step: -step.value)
    ]


def operator_table(steps: Sequence[Measurement]) -> Table:
    """Return the longest steps, and the others together."""
    time, share, kernel, runs_in, work = HEADS
    columns = (
        Column(time, justify="right", no_wrap=True),
        Column(share, justify="right", no_wrap=True),
        Column(kernel, overflow="fold"),
        runs_in,
        Column(work, overflow="fold"),
    )
    table = Table(*columns, box=None, padding=(0, 2, 0, 0))
    for row in operator_rows(steps)[:_LISTED]:
        table.add_row(*map(Text, row))
    if rest := sorted(step.value for step in steps)[: max(0, len(steps) - _LISTED)]:
        share = _share(sum(rest), sum(step.value for step in steps))
        more = Text(f"… {len(rest)} more; --json lists them")
        table.add_row(quantity(sum(rest), "s", 3), share, "", "", more)
    return table


def _share(value: float, together: float) -> str:
    return f"{value / together:.1%}" if together else "–"
