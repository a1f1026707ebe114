"""Counts in the terminal: a model layer by layer, models side by side, where the peak is."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from opscope.cost.records import Cost, Shape

_ROWS = (
    ("MACs", "macs"),
    ("element-wise ops", "elementwise_ops"),
    ("parameters", "parameters"),
    ("memory access, elements", "memory_access_elements"),
    ("memory access, bytes", "memory_access_bytes"),
    ("weight bytes", "weight_bytes"),
    ("peak activation bytes", "peak_activation_bytes"),
    ("… in the given order", "peak_activation_bytes_given_order"),
    ("memory footprint bytes", "memory_footprint_bytes"),
    ("operations per byte", "operational_density"),
    ("MACs per output", "macs_per_output"),
)


_PREFIXES = ((10**9, "G"), (10**6, "M"), (10**3, "k"))


def layer_table(cost: Cost) -> Table:
    """Return a row for each node, totals last."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in ("layer", "operator", "output"):
        table.add_column(name, overflow="fold")
    for name in ("MACs", "ops", "params", "access B", "alive B"):
        table.add_column(name, justify="right", no_wrap=True)
    for layer in cost.layers:
        counts = (layer.macs, layer.elementwise_ops, layer.parameters)
        memory = (layer.memory_access_bytes, layer.live_bytes)
        outputs = ", ".join(map(_shape, layer.outputs))
        table.add_row(
            Text(layer.name), Text(layer.operator), outputs, *map(_short, (*counts, *memory))
        )
    counts = (cost.macs, cost.elementwise_ops, cost.parameters)
    memory = (cost.memory_access_bytes, cost.peak_activation_bytes_given_order)
    totals = map(_short, (*counts, *memory))
    table.add_row("total", "", "", *totals, style="bold")
    return table


def comparison_table(models: Sequence[tuple[str, Cost]]) -> Table:
    """Return a column for each model: its totals."""
    table = Table("", box=None, padding=(0, 2, 0, 0))
    for name, _ in models:
        table.add_column(Text(name), justify="right")
    for label, field in _ROWS:
        table.add_row(label, *(_number(getattr(cost, field)) for _, cost in models))
    return table


def peak_lines(name: str, cost: Cost, *, fits: bool | None) -> Text:
    """Return where a model's peak is, what is alive there, and whether the model fits."""
    peak = cost.peak
    alive = ", ".join(f"{t.name} {_shape(t.shape)}" for t in peak.tensors)
    order = "no order needs less" if cost.peak_is_minimum else "the best order found"
    lines = [f"{name}: peak at {peak.node or 'the input'} ({order}); alive there: {alive}"]
    if fits is not None:
        lines.append(f"{name}: {'fits' if fits else 'does not fit'} the given flash and SRAM")
    lines += [f"not counted: {reason}" for reason in cost.uncounted]
    return Text("\n".join(lines))


def _number(value: float | None) -> str:
    if value is None:
        return "not counted"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"


def _short(value: int | None) -> str:
    """Return four digits and a prefix: ``144.5 M``."""
    if value is None:
        return "?"
    scale, prefix = next((pair for pair in _PREFIXES if value >= pair[0]), (1, ""))
    return f"{value / scale:.4g} {prefix}".rstrip()


def _shape(shape: Shape) -> str:
    return "×".join(map(str, shape))
