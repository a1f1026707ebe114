import threading
import time

import numpy as np
import pytest

from opscope.core.configuration import Workload
from opscope.core.readings import Samples, Visit
from opscope.core.study import MeterName
from opscope.errors import ParameterError
from opscope.meters import Readings, open_meter
from opscope.meters.streams import Streams
from opscope.platforms.base import TimedDeployment
from opscope.platforms.registry import open_platform

WORKLOAD = Workload.parse("conv:h=8,cin=4,cout=4,k=3@fp32,batch=4")


class Sleeping(TimedDeployment):
    """Takes a fixed time of nobody's processor, and knows how many ran at once."""

    running = most = 0
    lock = threading.Lock()

    def __init__(self, seconds):
        self.seconds, self.calls = seconds, 0

    def bind(self, inputs):
        self.inputs = inputs

    def call(self):
        with Sleeping.lock:
            Sleeping.running += 1
            Sleeping.most = max(Sleeping.most, Sleeping.running)
        time.sleep(self.seconds)
        with Sleeping.lock:
            Sleeping.running -= 1
        self.calls += 1

    def outputs(self):
        return {"y": np.zeros(1)}

    def close(self):
        pass


def test_streams_run_at_once_and_each_as_often():
    Sleeping.most = 0
    streams = [Sleeping(0.002) for _ in range(4)]
    samples = Streams(streams).sample(3)
    assert Sleeping.most == 4
    assert len({stream.calls for stream in streams}) == 1
    assert samples.preemptions is None
    assert "4 streams" in samples.clock
    assert min(samples.durations_s) >= 0.002 / 4


def test_a_stream_that_breaks_down_is_told():
    class Broken(Sleeping):
        def call(self):
            raise RuntimeError("out of order")

    with pytest.raises(RuntimeError, match="out of order"):
        Streams([Sleeping(0.001), Broken(0.001)]).call()


def readings(durations_s):
    visits = tuple(
        Visit(
            round=number,
            preparation=number % 2,
            rewarm=Samples(durations_s=(), clock="script"),
            samples=Samples(durations_s=(duration_s,), clock="script"),
        )
        for number, duration_s in enumerate(durations_s)
    )
    terms = open_meter(MeterName(name="throughput")).terms(WORKLOAD)
    return Readings(workload=WORKLOAD, terms=terms, visits=visits)


def test_throughput_is_images_over_time_with_its_interval():
    meter = open_meter(MeterName(name="throughput", settings=(("streams", 2),)))
    info = open_platform("fake").info()
    seconds = [0.010, 0.0101, 0.0102, 0.0101, 0.0103, 0.0104, 0.0102, 0.0101]
    (found,) = meter.conclude(readings(seconds), info, "precision")
    assert (found.quantity, found.unit) == ("throughput_fps", "1/s")
    low, high = found.interval
    assert low < found.value < high
    assert found.value == pytest.approx(4 / 0.0101, rel=0.01)
    assert found.derivation.startswith("2 streams at once")


def test_settings_are_checked():
    for settings in ((("streams", 0),), (("stream", 2),)):
        with pytest.raises(ParameterError):
            open_meter(MeterName(name="throughput", settings=settings))
    with pytest.raises(ParameterError, match="unknown parameter 'streams'"):
        open_meter(MeterName(name="call-latency", settings=(("streams", 2),)))
