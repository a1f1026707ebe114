"""Charts: what analysis found, as the figures that show it. Nothing is computed or drawn here."""

from __future__ import annotations

from opscope.core.finding import Finding, Point
from opscope.report.chart import Axis, Chart, Mark, Series
from opscope.report.units import interval, quantity, unit_of


def staircase(finding: Finding) -> Chart:
    """Return the chart of a finding about steps."""
    kept = frozenset(finding.guideline.allowed if finding.guideline else ())
    unit = unit_of(finding.quantity)
    return Chart(
        name=f"{finding.platform}-{finding.precision}-{finding.x}",
        title=f"{finding.platform}, {finding.precision}: {finding.fixed}",
        says=finding.characteristic,
        x=Axis(label=finding.x),
        y=Axis(label=finding.quantity, unit=unit),
        series=(
            Series(
                name=finding.platform,
                style="points",
                origin=finding.origin.value,
                marks=tuple(
                    Mark(
                        x=point.x,
                        y=point.y,
                        interval=point.interval,
                        about=_about(finding, point, unit),
                        recommended=point.x in kept,
                        untrusted=bool(point.untrusted),
                        trial=point.trial,
                    )
                    for point in finding.points
                ),
            ),
        ),
    )


def _about(finding: Finding, point: Point, unit: str) -> tuple[str, ...]:
    lines = [f"{finding.x} = {point.x:g}", quantity(point.y, unit)]
    if point.interval:
        lines.append(f"95 %: {interval(point.interval, unit)}")
    return (*lines, *([point.untrusted] if point.untrusted else []))
