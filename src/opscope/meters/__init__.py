"""Meters: each reads one kind of quantity off a deployment."""

from opscope.meters.base import Meter
from opscope.meters.latency import LatencyMeter

__all__ = ["METERS", "Meter"]

METERS: dict[str, type[Meter]] = {"latency": LatencyMeter}
"""Every meter by the name a study gives it."""
