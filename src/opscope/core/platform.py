"""What a platform is called and what it can do, as data. Nothing here opens one."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal, Self

from opscope.core.configuration import Precision
from opscope.core.record import Record, digest
from opscope.core.text import Parameters, format_text, parse_text, refuse_repeats
from opscope.errors import ConfigurationError


class Origin(StrEnum):
    """How a figure came about; it stays with the figure all the way to the plot."""

    MEASURED = "measured"
    """Read off the real thing."""
    SIMULATED = "simulated"
    """The workload was executed in a model of the hardware."""
    ESTIMATED = "estimated"
    """Computed without executing the workload."""


class PlatformName(Record, frozen=True, kw_only=True):
    """Which platform with which options, as in ``openvino-cpu:threads=2``."""

    name: str
    options: Parameters = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the platform name that ``text`` spells, its options not yet checked.

        Raises:
            ConfigurationError: If the text is not of the form ``name:option=value,…``.
        """
        name, stray, options = parse_text(text)
        if stray:
            raise ConfigurationError(
                f"{stray!r} is not of the form option=value",
                where=text,
                remedy=f"Write {name}:option=value, as in {name}:threads=2.",
            )
        refuse_repeats(options, text)
        return cls(name=name, options=tuple(sorted(options)))

    def __str__(self) -> str:
        return format_text(self.name, "", self.options)


class PlatformListing(Record, frozen=True, kw_only=True):
    """One row of the list of platforms: what can be known without starting its runtime.

    Attributes:
        reason: Why it is not available, with the remedy; empty when it is.
        options: Options its text takes, each with its meaning.
        quantities: What its deployments report by themselves, without a meter.
        by_extra: Whether its packages come with an extra of opscope and not with opscope itself.
    """

    name: str
    family: str
    description: str
    available: bool
    reason: str = ""
    precisions: tuple[Precision, ...]
    origin: Origin
    options: tuple[tuple[str, str], ...] = ()
    quantities: tuple[str, ...] = ()
    by_extra: bool = False


class PlatformInfo(Record, frozen=True, kw_only=True):
    """What an opened platform is: device, runtime, and what it can report.

    Attributes:
        deployments: ``timed`` ones are sampled in rounds, ``reporting`` ones are read once.
        quantities: What a reporting deployment reports, or a meter can read off a timed one.
        threads: Threads that compute; 1 unless the platform's text says otherwise.
        instruction_set: The vector extensions of the device that kernels are chosen by.
        tells: Of which deployments it tells what they execute: ``all``, ``profiled`` ones, or
            ``none``.
        computes: Whether its outputs are those of its own kernels, and so worth comparing.
        weights: What weights that are not integers are rounded to before they are stored; outputs
            are no more exact than that.
    """

    name: str
    family: str
    device: str
    runtime: str
    runtime_version: str
    precisions: tuple[Precision, ...]
    quantities: tuple[str, ...]
    origin: Origin
    deployments: Literal["timed", "reporting"]
    threads: int = 1
    instruction_set: tuple[str, ...] = ()
    tells: Literal["all", "profiled", "none"] = "all"
    computes: bool = True
    weights: Precision = Precision.FP32

    @property
    def fingerprint(self) -> str:
        """Names what figures depend on: device, runtime, version, options and instruction set."""
        return digest(
            self.name,
            self.device,
            self.runtime,
            self.runtime_version,
            self.threads,
            self.instruction_set,
        )
