"""Platforms that time a runtime, as data: their rows in lists, their facts, what they refuse."""

from __future__ import annotations

import functools
import importlib.metadata
import resource
from typing import Annotated, Literal

import msgspec

from opscope.core.configuration import Precision, Workload
from opscope.core.platform import Origin, PlatformInfo, PlatformListing, PlatformName
from opscope.core.record import Record
from opscope.platforms import cpu
from opscope.platforms.devices import Device
from opscope.platforms.packages import comes_by_extra, missing_package

Threads = Annotated[int, msgspec.Meta(ge=1, le=1024)]

THREADS = ("threads", "threads that compute one inference (1)")
"""The option of every platform whose threads can be told, and what it means."""


class NoOptions(Record, frozen=True, kw_only=True):
    """What a platform's text may say where there is nothing to choose."""


class CpuOptions(Record, frozen=True, kw_only=True):
    """What the text of a platform on the processor may say; others inherit it and say more."""

    threads: Threads = 1


_EMULATED = {Precision.DFP16, Precision.DFP8}


class Runtime(Record, frozen=True, kw_only=True):
    """One platform of a runtime, as data.

    Attributes:
        platform: Its name: ``openvino-cpu``.
        family: The family it belongs to.
        package: The distribution that brings the runtime.
        needs: Other distributions that it takes, such as a converter's.
        declared_by: The distribution that declares which versions of all these will do.
        description: A line for the list of platforms.
        precisions: Those it has forms of workloads for.
        makers: Precisions whose forms another distribution makes, offered where that is there.
        tells: Of which deployments it tells what they execute, as in `PlatformInfo`.
        options: What its text may say, each with its meaning and default.
    """

    platform: str
    family: str
    package: str
    needs: tuple[str, ...] = ()
    declared_by: str = "opscope"
    description: str
    precisions: tuple[Precision, ...]
    makers: tuple[tuple[Precision, str], ...] = ()
    tells: Literal["all", "profiled", "none"] = "all"
    options: tuple[tuple[str, str], ...] = ()

    def absence(self) -> str:
        """Return why it is not available, with the remedy; nothing is imported."""
        reasons = (missing_package(name, declared_by=self.declared_by) for name in self._packages)
        return next(filter(None, reasons), "")

    def listing(self) -> PlatformListing:
        """Return its row in the list of platforms; nothing is imported."""
        reason = self.absence()
        return PlatformListing(
            name=self.platform,
            family=self.family,
            description=self.description,
            available=not reason,
            reason=reason,
            precisions=self._offered(),
            origin=Origin.MEASURED,
            options=self.options,
            by_extra=any(
                comes_by_extra(name, declared_by=self.declared_by) for name in self._packages
            ),
        )

    def refusal(self, workload: Workload) -> str:
        """Return why a workload's precision cannot be run, or nothing if it can."""
        precision = workload.precision
        if precision in _EMULATED:
            return f"{precision} is emulated for accuracy only; no platform here runs it"
        if precision not in self.precisions:
            return f"{self.platform} runs {', '.join(self._offered())}, not {precision}"
        lacking = self._lacking(precision)
        return f"{precision} on {self.platform}: {lacking}" if lacking else ""

    @property
    def _packages(self) -> tuple[str, ...]:
        return (self.package, *self.needs)

    def _offered(self) -> tuple[Precision, ...]:
        return tuple(each for each in self.precisions if not self._lacking(each))

    def _lacking(self, precision: Precision) -> str:
        """Return why what makes a precision's forms is not available, or nothing if it is."""
        maker = dict(self.makers).get(precision)
        return missing_package(maker, declared_by=self.declared_by) if maker else ""

    def _info(
        self, name: PlatformName, device: str, extensions: tuple[str, ...], threads: int
    ) -> PlatformInfo:
        return PlatformInfo(
            name=str(name),
            family=self.family,
            device=device,
            runtime=self.package,
            runtime_version=self._version(),
            precisions=self._offered(),
            quantities=("latency_s",),
            origin=Origin.MEASURED,
            deployments="timed",
            threads=threads,
            instruction_set=extensions,
            tells=self.tells,
        )

    def _version(self) -> str:
        others = (f"{name} {_installed(name)}" for name in self.needs)
        return ", ".join((_installed(self.package), *others))


_installed = functools.cache(importlib.metadata.version)  # which reads a file every time


class CpuRuntime(Runtime, frozen=True, kw_only=True):
    """A platform on the processor."""

    options: tuple[tuple[str, str], ...] = (THREADS,)

    def info(self, name: PlatformName, threads: int) -> PlatformInfo:
        """Return what the platform is when opened as ``name``."""
        return self._info(name, *cpu.describe(), threads)

    def counter(self, threads: int) -> int:
        """Return whose context switches count: one thread is the calling one."""
        return resource.RUSAGE_THREAD if threads == 1 else resource.RUSAGE_SELF


class DeviceRuntime(Runtime, frozen=True, kw_only=True):
    """A platform on another device than the processor, which may not be there.

    Attributes:
        source: What brings the package, where pip does not find it.
    """

    device: Device
    source: str = ""

    def absence(self) -> str:
        """Return why it is not available, with the remedy; nothing is imported."""
        reason = super().absence()
        if reason and self.source:
            return f"the package {self.package} is missing; it comes with {self.source}"
        return reason or self.device.absence()

    def info(self, name: PlatformName, threads: int) -> PlatformInfo:
        """Return what the platform is when opened as ``name``; threads are those of the CPU."""
        return self._info(name, self.device.name(), (), threads)

    def counter(self, threads: int) -> int:  # noqa: ARG002 - a driver has threads of its own
        """Return whose context switches count: the whole process's."""
        return resource.RUSAGE_SELF


TimedRuntime = CpuRuntime | DeviceRuntime
"""A platform that times a runtime, wherever it computes."""
