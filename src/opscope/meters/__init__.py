"""Meters: each reads one kind of quantity off the deployments of a job."""

from __future__ import annotations

from collections.abc import Mapping

from opscope.core.configuration import Workload
from opscope.core.study import MeterName
from opscope.graph.stacks import stackable
from opscope.meters.base import Meter, Readings
from opscope.meters.latency import CallLatencyMeter, LayerLatencyMeter
from opscope.meters.operators import OperatorTimesMeter
from opscope.meters.throughput import ThroughputMeter

__all__ = ["METERS", "NAMES", "Meter", "Readings", "meter_for", "open_meter", "quantities"]

METERS: Mapping[str, type[CallLatencyMeter]] = {
    "call-latency": CallLatencyMeter,
    "layer-latency": LayerLatencyMeter,
    "throughput": ThroughputMeter,
    "operator-times": OperatorTimesMeter,
}
"""Every meter by its name."""

LATENCY = "latency"
"""What a study asks for when it leaves open which latency: a layer's own, or else a call's."""

NAMES = (LATENCY, *METERS)
"""What a study may ask for."""


def open_meter(asked: MeterName) -> Meter:
    """Return the meter of a name, told its settings.

    Raises:
        ParameterError: If a setting is unknown or impossible.
    """
    return (CallLatencyMeter if asked.name == LATENCY else METERS[asked.name])(asked.settings)


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
