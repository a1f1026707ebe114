"""Meters: each reads one kind of quantity off the deployments of a job."""

from __future__ import annotations

from opscope.core.configuration import Workload
from opscope.core.study import MeterName
from opscope.graph.stacks import stackable
from opscope.meters.base import Meter, Readings
from opscope.meters.latency import CallLatencyMeter, LayerLatencyMeter

__all__ = ["METERS", "NAMES", "Meter", "Readings", "meter_for", "quantities"]

METERS: dict[str, type[Meter]] = {
    "call-latency": CallLatencyMeter,
    "layer-latency": LayerLatencyMeter,
}
"""Every meter by its name."""

LATENCY = "latency"
"""What a study asks for when it leaves open which latency: a layer's own, or else a call's."""

NAMES = (LATENCY, *METERS)
"""What a study may ask for."""


def meter_for(workload: Workload, asked: MeterName) -> MeterName:
    """Return the meter that reads what was ``asked`` for off a workload.

    Operators and blocks have a latency inside a network; whole networks have that of a call.
    """
    if asked.name != LATENCY:
        return asked
    name = "layer-latency" if stackable(workload.configuration) else "call-latency"
    return MeterName(name=name, settings=asked.settings)


def quantities(asked: str) -> tuple[str, ...]:
    """Return what is read by the meter of a name that a study may ask for."""
    return (CallLatencyMeter if asked == LATENCY else METERS[asked]).quantities
