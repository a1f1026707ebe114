"""The contracts of platforms and deployments, and the timing loop that timed deployments share.

A family lists its platforms and opens one from its name; a platform prepares a workload; the
deployment is sampled (timed) or read once (reporting). What a platform can do is data.
"""

from __future__ import annotations

import resource
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Protocol, TypeVar

import numpy as np

from opscope.core.configuration import Workload
from opscope.core.measurement import Measurement
from opscope.core.parameters import canonical, read_parameters
from opscope.core.platform import PlatformInfo, PlatformListing, PlatformName
from opscope.core.readings import DeviceState, Samples
from opscope.core.record import Record
from opscope.core.study import Instrumentation

Arrays = Mapping[str, np.ndarray]
"""Tensors by name."""


class Family(Protocol):
    """Platforms of one runtime: what an entry point of ``opscope.platforms`` names."""

    def listings(self) -> list[PlatformListing]:
        """Return every platform of the family, available or not, without loading the runtime."""
        ...

    def open(self, name: PlatformName) -> Platform:
        """Return the platform ``name`` spells.

        Raises:
            ConfigurationError: If an option is unknown or impossible.
            PlatformUnavailable: If the package or device is missing.
        """
        ...


class Platform(Protocol):
    """A device, a runtime and its options, ready to prepare workloads."""

    def info(self) -> PlatformInfo:
        """Return what it is and what it can report."""
        ...

    def supports(self, workload: Workload) -> str:
        """Return why it cannot run ``workload``, or an empty text when it can."""
        ...

    def load(self) -> None:
        """Load the runtime, so that a broken one is found before any job; a second time is free.

        Raises:
            PlatformUnavailable: If it does not load, with what mends it.
        """
        ...

    def prepare(
        self, workload: Workload, *, seed: int, instrumentation: Instrumentation
    ) -> TimedDeployment | ReportingDeployment:
        """Return ``workload`` prepared, weights drawn from ``seed``.

        Raises:
            UnsupportedWorkload: If there is no form of it for the runtime.
            PlatformError: If the runtime refuses it.
        """
        ...


class ExecutedNode(Record, frozen=True, kw_only=True):
    """One step of what a runtime really runs, after it fused, folded and added nodes.

    Attributes:
        name: What the runtime calls it.
        kind: Its kernel's type, as the runtime has it: ``Conv``, ``Eltwise``, ``Reorder``.
        sources: Names of the graph's nodes that it does the work of, in the graph's order; none
            for what the runtime added, such as a change of layout.
        format: Number format that its kernel computes in, as in `opscope.core.execution.FORMATS`;
            empty where the runtime does not tell, or nothing is computed.
        device: What ran it where the runtime has several to choose from, as it calls them; empty
            where there is one.
        time_s: Time of one execution where the runtime was asked to take it, undisturbed.
    """

    name: str
    kind: str
    sources: tuple[str, ...] = ()
    format: str = ""
    device: str = ""
    time_s: float | None = None


class ReportingDeployment(Protocol):
    """What a compiler or simulator says of a workload: read once, the same every time."""

    load_s: float

    def report(self) -> tuple[Measurement, ...]:
        """Return every quantity it reports."""
        ...

    def close(self) -> None:
        """Give back what it holds."""
        ...


class TimedDeployment(ABC):
    """A workload in a runtime, to be sampled. Subclasses bind, call and read their runtime.

    Attributes:
        load_s: Time the runtime took to load or compile the workload, in seconds.
        counter: Whose involuntary context switches count: the calling thread's where the runtime
            computes in it, else the whole process's.
        builds_s: Where several forms were built of the workload and the fastest deployed, the
            duration of a call of each, as in `opscope.core.execution.Execution`.
    """

    load_s: float = 0.0
    builds_s: tuple[float, ...] = ()
    counter: int = resource.RUSAGE_THREAD

    @abstractmethod
    def bind(self, inputs: Arrays) -> None:
        """Put the inputs where the runtime reads them, so that no call copies them."""

    @abstractmethod
    def call(self) -> None:
        """Run the network once on the bound inputs, and return when its output is there."""

    @abstractmethod
    def outputs(self) -> dict[str, np.ndarray]:
        """Return the outputs of the last call by name."""

    def executed(self) -> tuple[ExecutedNode, ...]:
        """Return what the runtime really runs, in its order, after at least one call.

        Times are there if the deployment was prepared with ``Instrumentation(profile=True)``. A
        runtime that does not tell returns nothing; some tell only if so prepared.
        """
        return ()

    def sample(self, count: int) -> Samples:
        """Return ``count`` timed calls, with preemptions and CPU time as the kernel counts them.

        A platform whose durations come from elsewhere (GPU events, a remote device) overrides this.
        """
        call, counter = self.call, self.counter
        clock, cpu_clock, usage = time.perf_counter_ns, time.thread_time_ns, resource.getrusage
        durations, preemptions, cpu = [], [], []
        before = usage(counter).ru_nivcsw
        for _ in range(count):
            cpu_start = cpu_clock()
            start = clock()
            call()
            end = clock()
            cpu.append((cpu_clock() - cpu_start) / 1e9)
            after = usage(counter).ru_nivcsw
            preemptions.append(after - before)
            durations.append((end - start) / 1e9)
            before = after
        return Samples(
            durations_s=tuple(durations),
            preemptions=tuple(preemptions),
            cpu_s=tuple(cpu) if counter == resource.RUSAGE_THREAD else None,
            clock="perf_counter_ns",
        )

    def device_state(self) -> DeviceState | None:
        """Return what the device says of itself now; None where the processor is the device."""
        return None

    @abstractmethod
    def close(self) -> None:
        """Give back what the runtime holds."""


O = TypeVar("O", bound=Record)  # noqa: E741 - O for options


def read_options(name: PlatformName, options: type[O]) -> tuple[PlatformName, O]:
    """Return the canonical name, without options left at default, and the checked options.

    Raises:
        ConfigurationError: If an option is unknown or of a wrong type.
    """
    values = read_parameters(name.options, options, where=str(name))
    return PlatformName(name=name.name, options=tuple(sorted(canonical(values)))), values
