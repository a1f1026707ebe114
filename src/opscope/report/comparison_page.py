"""A comparison as one HTML page: each configuration with its interval, all together, outliers."""

from __future__ import annotations

from typing import Any

from opscope.analysis.distribution import Distribution
from opscope.core.comparison import Comparison, Side
from opscope.report.chart import Axis, Chart, Mark, Series
from opscope.report.comparison import DIFFER, TAKEN, apart, origins
from opscope.report.document import document
from opscope.report.page import Drawings
from opscope.report.singles import bounds, ratios
from opscope.report.tabulated import coded, listing, numbers, table, texts
from opscope.report.units import quantity, spoken


def comparison_page(found: Comparison, spread: Distribution) -> str:
    """Return the HTML page of a comparison and of how its ratios spread."""
    drawings = Drawings()
    histogram = drawings.place(_histogram(spread)) if spread.bins else None
    chart = ratios(found)
    effect = drawings.place(chart) if chart else None
    return document(
        "comparison.html",
        figures=drawings.figures,
        rows=_rows(found),
        title=f"{found.b.platform.name} (B) against {found.a.platform.name} (A)",
        taken=f"{spoken(found.quantity).capitalize()}, {TAKEN[found.taken]}.",
        overall=found.overall,
        counts="; ".join(f"{outcome}: {count}" for outcome, count in found.overall.counts.items()),
        compared=len(found.configurations),
        lacking=[("A", "B", found.only_a), ("B", "A", found.only_b)],
        sides=[("A", _side(found.a)), ("B", _side(found.b))],
        apart=table(DIFFER, apart(found)),
        ratios=effect,
        histogram=histogram,
        outliers=table(
            ("configuration", "B over A", "95 % interval", "verdict"),
            [
                (item.workload, f"{item.ratio:.3f}", bounds(item.interval), item.statement)
                for item in spread.outliers
            ],
        ),
        contents=[
            ("overall", "Overall"),
            ("effect", "Configuration by configuration"),
            ("outliers", "Outliers"),
            ("verdicts", "All verdicts"),
            ("sides", "What was compared"),
        ],
    )


def _histogram(spread: Distribution) -> Chart:
    names = tuple(f"{item.low:.3f} – {item.high:.3f}" for item in spread.bins)
    pairs = zip(names, spread.bins, strict=True)
    marks = tuple(
        Mark(x=name, y=item.count, about=(name, f"{item.count} configurations"))
        for name, item in pairs
    )
    most = max(spread.bins, key=lambda item: item.count)
    return Chart(
        name="distribution",
        title="How many configurations have which ratio",
        says=f"Most, {most.count}, lie between {most.low:.3f} and {most.high:.3f}.",
        x=Axis(label="B over A", names=tuple(dict.fromkeys(names))),
        y=Axis(label="configurations"),
        series=(Series(name="configurations", style="bars", origin="counted", marks=marks),),
    )


def _rows(found: Comparison) -> dict[str, Any]:
    items = found.configurations
    columns = [
        texts("configuration", items, lambda item: item.workload),
        numbers("A", items, lambda item: item.a.value, _shown(found, "a")),
        numbers("B", items, lambda item: item.b.value, _shown(found, "b")),
        numbers("B over A", items, lambda item: item.ratio, lambda value: f"{value:.3f}"),
        texts("95 % interval", items, lambda item: bounds(item.interval)),
        coded("verdict", items, lambda item: item.outcome.value),
        coded("figures are", items, lambda item: origins(item.a, item.b)),
        texts("remarks", items, lambda item: item.statement),
    ]
    return listing(columns, len(items), filtered=("verdict", "figures are"))


def _shown(found: Comparison, side: str) -> Any:
    units = (getattr(item, side).unit for item in found.configurations)
    unit = next((unit for unit in units if unit), "")
    return lambda value: quantity(value, unit)


def _side(side: Side) -> list[tuple[str, str]]:
    info = side.platform
    facts = [
        ("platform", info.name),
        ("runtime", f"{info.runtime} {info.runtime_version}"),
        ("device", info.device),
        ("from", f"run {side.run} of {side.database}" if side.run else "measured now"),
    ]
    return facts + ([("interpreter", side.python)] if side.python else [])
