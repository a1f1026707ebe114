"""Charts of one record by itself: of a measurement, a comparison, a study before it is run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from opscope.analysis.designs import Designs
from opscope.core.comparison import Compared, Comparison, Outcome
from opscope.core.configuration import Configuration
from opscope.core.measurement import Measurement
from opscope.report.chart import Axis, Chart, Mark, Series
from opscope.report.naming import labelled
from opscope.report.units import interval, quantity, rate, spoken

_NAMED = 40
"""Configurations that are named on an axis at most."""


def samples(measurement: Measurement) -> Chart | None:
    """Return the raw calls of a measurement over its rounds; none of one that was not sampled."""
    groups: dict[int, list[Mark]] = {}
    for visit in measurement.visits:
        calls = zip(visit.samples.durations_s, visit.samples.disturbances, strict=True)
        groups.setdefault(visit.term, []).extend(
            Mark(
                x=visit.round + 1,
                y=duration,
                about=(f"preparation {visit.preparation + 1}", *filter(None, [disturbance])),
                untrusted=bool(disturbance),
            )
            for duration, disturbance in calls
        )
    if not groups:
        return None
    figure = quantity(measurement.value, measurement.unit)
    return Chart(
        name="samples",
        title=f"Calls behind {measurement.quantity} = {figure}",
        says=f"{measurement.quantity} is {figure}, 95 %: "
        f"{interval(measurement.interval, measurement.unit)}.",
        x=Axis(label="round"),
        y=Axis(label="duration of a call", unit="s", log=True),
        series=tuple(
            Series(
                name=f"network {term + 1}" if len(groups) > 1 else "the network",
                style="points",
                origin=measurement.origin.value,
                color=term,
                marks=tuple(marks),
            )
            for term, marks in sorted(groups.items())
        ),
    )


def ratios(comparison: Comparison) -> Chart | None:
    """Return B over A by rising ratio, beside no difference; nothing where no ratio is known.

    Few configurations are named on the axis, many stand in order and say their name on request.
    """
    known = [(item.ratio, item) for item in comparison.configurations if item.ratio]
    known.sort(key=lambda pair: pair[0])
    if not known:
        return None
    labels, shared = labelled([item.workload for _, item in known])
    named = len(known) <= _NAMED
    places: Sequence[float | str] = labels if named else range(1, len(known) + 1)
    origins = {figure.origin for _, item in known for figure in (item.a, item.b) if figure.origin}
    ends = (places[0], places[-1])
    return Chart(
        name="ratios",
        title=f"{spoken(comparison.quantity).capitalize()} of B over that of A, by rising ratio"
        + (f": {shared}" if shared else ""),
        says=comparison.overall.statement,
        x=Axis(label="configurations by rising ratio", names=labels if named else ()),
        y=Axis(label="B over A", log=True),
        series=(
            Series(
                name="B over A",
                style="points",
                origin=" or ".join(sorted(origin.value for origin in origins)) or "measured",
                marks=tuple(
                    Mark(
                        x=place,
                        y=ratio,
                        interval=item.interval,
                        about=_compared(ratio, item),
                        untrusted=item.outcome is Outcome.UNKNOWN,
                    )
                    for place, (ratio, item) in zip(places, known, strict=True)
                ),
            ),
            Series(
                name="no difference",
                style="line",
                origin="counted",
                color=1,
                marks=tuple(Mark(x=place, y=1.0) for place in ends),
            ),
        ),
    )


def counts(designs: Designs, macs: Mapping[Configuration, int | None]) -> Chart | None:
    """Return the MACs of a study's configurations; nothing where none can be set side by side.

    Args:
        designs: How they differ.
        macs: Multiply-accumulates of a call of each, one input; None where they cannot be counted.
    """
    series = tuple(
        Series(
            name=line.fixed,
            style="points",
            origin="counted",
            color=place,
            marks=tuple(
                [
                    Mark(x=x, y=count, about=(str(item), rate(count, "MAC")))
                    for x, item in line.points
                    if (count := macs.get(item))
                ]
            ),
        )
        for place, line in enumerate(designs.lines)
    )
    drawn = tuple(item for item in series if item.marks)
    if not drawn:
        return None
    ends = (rate(drawn[0].marks[place].y, "MAC") for place in (0, -1))
    more = f"; {designs.left_out} more lines are not shown" if designs.left_out else ""
    return Chart(
        name="counts",
        title=f"MACs over {designs.x}, before anything is measured{more}",
        says=f"{drawn[0].name}: from {next(ends)} to {next(ends)}{more}.",
        x=Axis(label=designs.x),
        y=Axis(label="multiply-accumulates of a call", unit="MAC"),
        series=drawn,
    )


def _compared(ratio: float, item: Compared) -> tuple[str, ...]:
    within = (f"95 %: {bounds(item.interval)}",) if item.interval else ()
    turns = (f"{item.rounds} rounds in turns",) if item.rounds else ()
    return (item.workload, f"B over A: {ratio:.3f}", *within, *turns, item.statement)


def bounds(interval: tuple[float, float] | None) -> str:
    """Return the interval of a ratio, or a dash where there is none."""
    return "–" if interval is None else "{:.3f} – {:.3f}".format(*interval)
