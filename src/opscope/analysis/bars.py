"""Bars: blocks and networks side by side, by kind, precision, batch and meter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from opscope.analysis.overview import Bars, Sweep
from opscope.analysis.responses import Evidence
from opscope.core.configuration import Configuration

KINDS = ("block", "backbone", "zoo", "file")
"""What is looked at side by side; operators mean little beside others of other shapes."""

MOST = 40
"""Labels that a chart can show."""


def bars(
    evidence: Sequence[Evidence],
    sweeps: Iterable[Sweep],
    macs: Mapping[int, int | None],
    quantity: str,
) -> tuple[Bars, ...]:
    """Return blocks and networks side by side; of one that is swept, the largest of its points.

    The largest of those, that is, that most sweeps run through: the one that others were varied
    around.

    Args:
        evidence: The trials.
        sweeps: What is shown as curves already.
        macs: Multiply-accumulates by number of the trial.
        quantity: What the bars are of.
    """
    swept = Counter(
        point.trial for sweep in sweeps for curve in sweep.curves for point in curve.points
    )
    groups: dict[tuple[str, str, int, str], list[Evidence]] = {}
    for item in evidence:
        job, kind = item.trial.job, item.trial.job.workload.configuration.kind
        if kind in KINDS and item.trial.measurement(quantity):
            key = kind, job.workload.precision.value, job.workload.batch, job.meter.name
            groups.setdefault(key, []).append(item)
    meters = Counter(key[:3] for key in groups)
    return tuple(
        [
            _bars(groups[key], swept, macs, quantity, key[3] if meters[key[:3]] > 1 else "")
            for key in sorted(groups, key=lambda key: (KINDS.index(key[0]), *key[1:]))
        ]
    )


def _bars(
    items: Sequence[Evidence],
    swept: Mapping[int, int],
    macs: Mapping[int, int | None],
    quantity: str,
    meter: str,
) -> Bars:
    shown = set(_standing(items, swept, macs))
    platforms = list(dict.fromkeys(item.platform.name for item in items))
    figures: dict[str, dict[str, Evidence]] = {}
    for item in items:
        if item.trial.job.workload.configuration in shown:
            label = str(item.trial.job.workload.configuration)
            figures.setdefault(label, {})[item.platform.name] = item
    labels = sorted(figures, key=lambda label: (_first(figures[label], platforms, quantity), label))
    workload = items[0].trial.job.workload
    return Bars(
        kind=workload.configuration.kind,
        precision=workload.precision,
        batch=workload.batch,
        meter=meter,
        labels=tuple(labels[:MOST]),
        figures={
            platform: tuple([_number(figures[label].get(platform)) for label in labels[:MOST]])
            for platform in platforms
        },
        left_out=max(0, len(labels) - MOST),
    )


def _standing(
    items: Iterable[Evidence], swept: Mapping[int, int], macs: Mapping[int, int | None]
) -> Iterator[Configuration]:
    """Yield what stands for each block or network: all that is not swept, else one."""
    points: dict[tuple[str, str], list[Evidence]] = {}
    for item in items:
        configuration = item.trial.job.workload.configuration
        points.setdefault((configuration.name, configuration.content), []).append(item)
    for group in points.values():
        unswept = [item for item in group if not swept.get(item.number)]
        if unswept:
            yield from (item.trial.job.workload.configuration for item in unswept)
            continue
        largest = max(
            group,
            key=lambda item: (
                swept[item.number],
                macs.get(item.number) or 0,
                str(item.trial.job.workload),
            ),
        )
        yield largest.trial.job.workload.configuration


def _first(by_platform: Mapping[str, Evidence], platforms: Iterable[str], quantity: str) -> float:
    """Return the figure on the first platform that has one."""
    item = next(by_platform[name] for name in platforms if name in by_platform)
    measurement = item.trial.measurement(quantity)
    return measurement.value if measurement else 0.0


def _number(item: Evidence | None) -> int | None:
    return item.number if item else None
