"""The throughput meter: images a second with several streams at once, which is no latency."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from opscope.core.measurement import Measurement, Stop
from opscope.core.parameters import read_parameters
from opscope.core.platform import PlatformInfo
from opscope.core.record import Record
from opscope.core.text import Parameters
from opscope.meters.base import Readings
from opscope.meters.latency import CallLatencyMeter


class Settings(Record, frozen=True, kw_only=True):
    """What ``throughput`` may be told.

    Attributes:
        streams: Deployments that are called at the same time, each by a thread of its own.
    """

    streams: Annotated[int, Meta(ge=1, le=256)] = 1


class ThroughputMeter(CallLatencyMeter):
    """Images a second that several concurrent streams get through.

    Measured as time for each call, in rounds, by the estimator of latencies, and turned over at the
    end. With one thread a stream it is not how latency would scale: caches and memory are shared.
    """

    quantities: ClassVar[tuple[str, ...]] = ("throughput_fps",)

    def __init__(self, settings: Parameters = ()) -> None:
        self.streams = read_parameters(settings, Settings, where="throughput").streams

    def conclude(
        self, readings: Readings, info: PlatformInfo, stopped: Stop
    ) -> tuple[Measurement, ...]:
        """Return ``throughput_fps`` with its interval and every raw reading."""
        (time,) = super().conclude(readings, info, stopped)
        images = readings.workload.batch
        interval = None
        if time.interval and time.interval[0] > 0:
            interval = images / time.interval[1], images / time.interval[0]
        return (
            msgspec.structs.replace(
                time,
                quantity="throughput_fps",
                value=images / time.value,
                unit="1/s",
                interval=interval,
                derivation=f"{self.streams} streams at once, images over time; {time.derivation}",
                spread=None,
            ),
        )
