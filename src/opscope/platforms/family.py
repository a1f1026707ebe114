"""A family of platforms that time a runtime, made from data: listed, opened, asked, prepared.

What is its own it adds: how it is loaded, and how a graph is deployed in it. A family of another
nature, a compiler or a simulator, has the methods of `opscope.platforms.base` itself.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Generic, NamedTuple, TypeVar

from opscope.core.configuration import Precision, Workload
from opscope.core.platform import PlatformInfo, PlatformListing, PlatformName
from opscope.core.record import Record
from opscope.core.study import Instrumentation
from opscope.graph import Graph, build
from opscope.platforms.base import TimedDeployment, read_options
from opscope.platforms.runtimes import TimedRuntime

O = TypeVar("O", bound=Record)  # noqa: E741 - O for options


class RuntimePlatform(ABC, Generic[O]):
    """A runtime with the options of a platform's text. Subclasses load it and deploy graphs in it.

    Attributes:
        name: Its text, options left at default not in it.
        runtime: What it is, as data.
        options: What its text says.
    """

    def __init__(self, name: PlatformName, runtime: TimedRuntime, options: O) -> None:
        self.name = name
        self.runtime = runtime
        self.options = options

    @property
    def threads(self) -> int:
        """Threads that compute; 1 where a device's text has no such option."""
        return getattr(self.options, "threads", 1)

    def info(self) -> PlatformInfo:
        """Return device, version and precisions."""
        return self.runtime.info(self.name, self.threads)

    def supports(self, workload: Workload) -> str:
        """Return why there is no form of a workload in its precision, or nothing if there is."""
        return self.runtime.refusal(workload)

    def prepare(
        self, workload: Workload, *, seed: int, instrumentation: Instrumentation
    ) -> TimedDeployment:
        """Return the workload's graph deployed; a runtime that does not load is told first."""
        self.load()
        deployment = self.deploy(build(workload), workload.precision, seed, instrumentation)
        deployment.counter = self.runtime.counter(self.threads)
        return deployment

    @abstractmethod
    def load(self) -> None:
        """Load the runtime; a second time is free.

        Raises:
            PlatformUnavailable: If it does not load, with what mends it.
        """

    @abstractmethod
    def deploy(
        self, graph: Graph, precision: Precision, seed: int, instrumentation: Instrumentation
    ) -> TimedDeployment:
        """Return the graph in the runtime, in one of its precisions, weights drawn from ``seed``.

        Raises:
            UnsupportedWorkload: If there is no form of it for the runtime.
            PlatformError: If the runtime refuses it.
        """


class Member(NamedTuple):
    """One platform of a family: what opens it, what it is, and what its text may say."""

    platform: type[RuntimePlatform[Any]]
    runtime: TimedRuntime
    options: type[Record]


class RuntimeFamily:
    """A family whose platforms are `RuntimePlatform`s."""

    def __init__(self, *members: Member) -> None:
        self._members = {member.runtime.platform: member for member in members}

    def listings(self) -> list[PlatformListing]:
        """Return its platforms; no runtime is imported."""
        return [member.runtime.listing() for member in self._members.values()]

    def open(self, name: PlatformName) -> RuntimePlatform[Any]:
        """Return the platform with the options of ``name``."""
        member = self._members[name.name]
        name, options = read_options(name, member.options)
        return member.platform(name, member.runtime, options)
