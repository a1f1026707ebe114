"""Charts of one record by itself: the samples of a measurement, the ratios of a comparison."""

from __future__ import annotations

from opscope.core.comparison import Comparison, Outcome
from opscope.core.measurement import Measurement
from opscope.report.chart import Axis, Chart, Mark, Series
from opscope.report.naming import labelled
from opscope.report.units import interval, quantity


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
    """Return B over A for each configuration; nothing where no ratio is known."""
    known = [item for item in comparison.configurations if item.ratio is not None]
    if not known:
        return None
    labels, shared = labelled([item.workload for item in known])
    origins = {figure.origin for item in known for figure in (item.a, item.b) if figure.origin}
    return Chart(
        name="ratios",
        title=f"{comparison.quantity} of {comparison.b.text} over that of {comparison.a.text}"
        + (f": {shared}" if shared else ""),
        says=comparison.overall.statement,
        x=Axis(label="configuration", names=labels),
        y=Axis(label=f"{comparison.quantity}, B over A"),
        series=(
            Series(
                name=f"{comparison.b.text} over {comparison.a.text}",
                style="bars",
                origin=" or ".join(sorted(origin.value for origin in origins)) or "measured",
                marks=tuple(
                    Mark(
                        x=label,
                        y=item.ratio or 0.0,
                        interval=item.interval,
                        about=(item.workload, item.statement),
                        untrusted=item.outcome is Outcome.UNKNOWN,
                    )
                    for label, item in zip(labels, known, strict=True)
                ),
            ),
        ),
    )
