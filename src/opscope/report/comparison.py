"""What the terminal shows of a comparison."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Column, Table
from rich.text import Text

from opscope.core.comparison import Comparison, Figure, Outcome, Side
from opscope.report.environments import differences
from opscope.report.singles import bounds
from opscope.report.units import quantity

_STYLES = {Outcome.LOWER: "green", Outcome.HIGHER: "red", Outcome.UNKNOWN: "dim"}
TAKEN = {
    "in turns": "taken in turns by round; ratios are paired by round",
    "apart": "paired by configuration; not taken together, so drift between them is not seen",
}
"""How the figures of both sides belong together, in words."""

DIFFER = ("they differ in", "A", "B")
"""Heads of what the machines and the software of both sides differ in."""


def comparison_view(found: Comparison) -> RenderableType:
    """Return both sides, a row for each configuration, and all of them together."""
    names = ("configuration", "figures are", "A", "B", "B over A", "95 % interval", "verdict")
    table = Table(*(Column(name, overflow="fold", min_width=7) for name in names))
    for item in found.configurations:
        table.add_row(
            Text(item.workload),
            origins(item.a, item.b),
            _figure(item.a),
            _figure(item.b),
            "–" if item.ratio is None else f"{item.ratio:.3f}",
            bounds(item.interval),
            Text(item.statement, style=_STYLES.get(item.outcome, "")),
        )
    return Group(
        _side("A", found.a),
        _side("B", found.b),
        *_differences(found),
        Text(f"{found.quantity}, {TAKEN[found.taken]}"),
        table,
        *_summary(found),
    )


def _side(name: str, side: Side) -> Text:
    info = side.platform
    text = Text(f"{name}  {info.name}", style="bold")
    facts = [f"{info.runtime} {info.runtime_version}", info.device]
    facts += [f"run {side.run} of {side.database}"] if side.run else ["measured now"]
    facts += [side.python] if side.python else []
    return text.append(f"  {'; '.join(facts)}", style="not bold")


def _differences(found: Comparison) -> list[RenderableType]:
    rows = apart(found)
    table = Table(*(Column(head, overflow="fold") for head in DIFFER), box=None)
    for row in rows:
        table.add_row(*map(Text, row))
    return [table] if rows else []


def apart(found: Comparison) -> list[tuple[str, str, str]]:
    """Return what the machines and the software of both sides differ in, as far as it is known."""
    if not found.a.environment or not found.b.environment:
        return []
    return differences(found.a.environment, found.b.environment)


def origins(a: Figure, b: Figure) -> str:
    """Return where both figures come from, or a dash where there is none."""
    found = dict.fromkeys(figure.origin.value for figure in (a, b) if figure.origin)
    return " / ".join(found) or "–"


def _figure(figure: Figure) -> str:
    return figure.status if figure.value is None else quantity(figure.value, figure.unit)


def _summary(found: Comparison) -> list[Text]:
    overall = found.overall
    counts = ", ".join(f"{count} {outcome}" for outcome, count in overall.counts.items())
    lines = [Text(overall.statement, style="bold"), Text(f"{counts}")]
    if overall.by_chance:
        lines.append(
            Text(
                f"if nothing differed, up to {overall.by_chance} of "
                f"{len(found.configurations)} would show a difference by chance"
            )
        )
    for name, other, count in (("A", "B", found.only_a), ("B", "A", found.only_b)):
        if count:
            lines.append(Text(f"{count} of {name}'s configurations left out: {other} lacks them"))
    return lines
