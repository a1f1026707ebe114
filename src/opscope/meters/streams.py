"""Streams: one network deployed several times, all called at once, each by a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from opscope.core.readings import DeviceState, Samples
from opscope.platforms.base import Arrays, ExecutedNode, TimedDeployment

_BURST_S = 0.05
"""Streams call in bursts at least this long, so that beginning and end together hardly count."""

_MOST_CALLS = 10_000


class Streams(TimedDeployment):
    """Deployments of the same network, as one whose duration is the time of a burst for each call.

    A sample is a burst: every stream makes so many calls, one after another, beside the others;
    its duration is the burst's over all calls of all streams. Whoever prepared the deployments
    closes them.
    """

    def __init__(self, streams: Sequence[TimedDeployment]) -> None:
        self._streams = streams
        self._calls = 1
        self.load_s = sum(stream.load_s for stream in streams)
        self.builds_s = streams[0].builds_s

    def bind(self, inputs: Arrays) -> None:
        """Bind the same inputs to each; none writes them."""
        for stream in self._streams:
            stream.bind(inputs)

    def call(self) -> None:
        """Run each once, all at once."""
        self._burst(1)

    def sample(self, count: int) -> Samples:
        """Return the time for each call in ``count`` bursts; who was disturbed cannot be told."""
        while count and self._burst(self._calls) < _BURST_S and self._calls < _MOST_CALLS:
            self._calls *= 2
        each = len(self._streams) * self._calls
        return Samples(
            durations_s=tuple(self._burst(self._calls) / each for _ in range(count)),
            clock=f"perf_counter, {len(self._streams)} streams",
        )

    def outputs(self) -> dict[str, np.ndarray]:
        """Return the outputs of the first."""
        return self._streams[0].outputs()

    def executed(self) -> tuple[ExecutedNode, ...]:
        """Return what the first executes."""
        return self._streams[0].executed()

    def device_state(self) -> DeviceState | None:
        """Return what the device says of itself, which all of them share."""
        return self._streams[0].device_state()

    def close(self) -> None:
        """Hold nothing."""

    def _burst(self, calls: int) -> float:
        """Return the time from when all streams begin to when the last has made its calls.

        Threads are new each time, so that they have the priority of the one that begins them now.
        """
        together = threading.Barrier(len(self._streams) + 1)

        def run(stream: TimedDeployment) -> None:
            together.wait()
            for _ in range(calls):
                stream.call()

        with ThreadPoolExecutor(len(self._streams)) as threads:
            running = [threads.submit(run, stream) for stream in self._streams]
            together.wait()
            start = time.perf_counter()
            for future in running:
                future.result()
            return time.perf_counter() - start
