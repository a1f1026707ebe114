"""What platforms that time a runtime have in common: their rows in lists and their facts."""

from __future__ import annotations

import functools
import importlib.metadata
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
"""The option that every such platform has, and what it means."""

_EMULATED = {Precision.DFP16, Precision.DFP8}


class Runtime(Record, frozen=True, kw_only=True):
    """One platform of a runtime, as data.

    Attributes:
        platform: Its name: ``openvino-cpu``.
        family: The family it belongs to.
        package: The distribution that brings the runtime.
        needs: Other distributions that it takes, such as a converter's.
        description: A line for the list of platforms.
        precisions: Those it has forms of workloads for.
        tells: Of which deployments it tells what they execute, as in `PlatformInfo`.
        options: What its text may say, each with its meaning and default.
    """

    platform: str
    family: str
    package: str
    needs: tuple[str, ...] = ()
    description: str
    precisions: tuple[Precision, ...]
    tells: Literal["all", "profiled", "none"] = "all"
    options: tuple[tuple[str, str], ...] = ()

    def absence(self) -> str:
        """Return why it is not available, with the remedy; nothing is imported."""
        return next(filter(None, map(missing_package, (self.package, *self.needs))), "")

    def listing(self) -> PlatformListing:
        """Return its row in the list of platforms; nothing is imported."""
        reason = self.absence()
        return PlatformListing(
            name=self.platform,
            family=self.family,
            description=self.description,
            available=not reason,
            reason=reason,
            precisions=self.precisions,
            origin=Origin.MEASURED,
            options=self.options,
            by_extra=any(map(comes_by_extra, (self.package, *self.needs))),
        )

    def refusal(self, workload: Workload) -> str:
        """Return why a workload's precision cannot be run, or nothing if it can."""
        if workload.precision in self.precisions:
            return ""
        if workload.precision in _EMULATED:
            return f"{workload.precision} is emulated for accuracy only; no platform here runs it"
        known = ", ".join(self.precisions)
        return f"{self.platform} runs {known}, not {workload.precision}"

    def _info(
        self, name: PlatformName, device: str, threads: int, extensions: tuple[str, ...]
    ) -> PlatformInfo:
        return PlatformInfo(
            name=str(name),
            family=self.family,
            device=device,
            runtime=self.package,
            runtime_version=self._version(),
            precisions=self.precisions,
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
    """A platform on the processor; its text may say ``threads``, too."""

    def listing(self) -> PlatformListing:
        """Return its row in the list of platforms; nothing is imported."""
        row = super().listing()
        return msgspec.structs.replace(row, options=(THREADS, *self.options))

    def info(self, name: PlatformName, threads: int) -> PlatformInfo:
        """Return what the platform is when opened as ``name``."""
        return self._info(name, cpu.describe()[0], threads, cpu.describe()[1])


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
        return self._info(name, self.device.name(), threads, ())
