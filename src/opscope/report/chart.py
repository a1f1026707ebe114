"""Chart: what a figure shows, as a record that every backend draws."""

from __future__ import annotations

from opscope.core.finding import Finding
from opscope.core.record import Record
from opscope.report.units import unit_of


class Chart(Record, frozen=True, kw_only=True):
    """Points of one response, some of them marked.

    Attributes:
        x: Values on the horizontal axis, rising.
        y: Values on the vertical axis, in ``y_unit``.
        marked: The x that are recommended.
    """

    title: str
    x_label: str
    y_label: str
    y_unit: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    marked: frozenset[float]
    origin: str


def staircase(finding: Finding) -> Chart:
    """Return the chart of a finding about steps."""
    return Chart(
        title=f"{finding.platform}, {finding.precision}: {finding.fixed}",
        x_label=finding.x,
        y_label=finding.quantity,
        y_unit=unit_of(finding.quantity),
        x=tuple(point.x for point in finding.points),
        y=tuple(point.y for point in finding.points),
        marked=frozenset(finding.guideline.allowed if finding.guideline else ()),
        origin=finding.origin.value,
    )
