"""What the terminal shows of support and fusion: a table for each platform, reasons below it."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from opscope.core.fusion import Fusion
from opscope.core.support import Support

_MARKS = {"unsupported": "no", "failed": "fails"}


def support_view(found: Sequence[Support]) -> RenderableType:
    """Return a table for each platform: a row for each configuration, a column for a precision."""
    platforms = dict.fromkeys(item.platform for item in found)
    return Group(
        *(_platform(name, [item for item in found if item.platform == name]) for name in platforms)
    )


def fusion_view(found: Sequence[Fusion]) -> RenderableType:
    """Return a table for each platform: what the second operator of each pair costs."""
    tables = []
    for name in dict.fromkeys(item.platform for item in found):
        table = Table(
            *("pair", "measured", "of its own cost", "one node"),
            title=Text(name),
            title_justify="left",
        )
        for item in found:
            if item.platform == name:
                told = {True: "yes", False: "no", None: "not told"}[item.told]
                table.add_row(item.pair, item.verdict, _share(item), told)
        tables.append(table)
    return Group(*tables)


def _share(item: Fusion) -> Text:
    if item.share is None or item.interval is None:
        return Text(item.reason)
    low, high = item.interval
    return Text(f"{item.share:.0%}  [{low:.0%} – {high:.0%}]")


def _platform(name: str, found: Sequence[Support]) -> RenderableType:
    precisions = list(dict.fromkeys(item.workload.precision for item in found))
    table = Table("configuration", *precisions, title=Text(name), title_justify="left")
    cells = {(item.workload.configuration, item.workload.precision): item for item in found}
    reasons: dict[str, int] = {}
    for configuration in dict.fromkeys(item.workload.configuration for item in found):
        row = [cells[configuration, precision] for precision in precisions]
        table.add_row(Text(str(configuration)), *(_cell(item, reasons) for item in row))
    notes = [Text(f"{number}  {reason}") for reason, number in reasons.items()]
    return Group(table, *notes, Text(""))


def _cell(item: Support, reasons: dict[str, int]) -> Text:
    if item.status != "ok":
        number = reasons.setdefault(item.reason, len(reasons) + 1)
        return Text(f"{_MARKS[item.status]} {number}")
    share = item.execution.as_asked if item.execution else None
    return Text("yes" if share in (None, 1) else f"{share:.0%}")
