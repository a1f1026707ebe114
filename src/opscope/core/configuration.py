"""Configuration: one point of a design space, and Workload: that point at a precision and batch.

Both are texts with structure. Which kinds of configuration exist, and which parameters each takes,
is the business of `opscope.graph`, whose `resolve` turns what a user wrote into the canonical form.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from opscope.core.record import Record, digest
from opscope.core.text import Parameters, Value, format_text, parse_text, refuse_repeats
from opscope.errors import ConfigurationError

LARGEST_BATCH = 65_536
"""Most images in a call; a larger count is surely a mistake."""


class Precision(StrEnum):
    """Number formats a workload can be asked to run in (behaviour study, Table 1)."""

    FP32 = "fp32"
    BF16 = "bf16"
    FP16 = "fp16"
    INT8 = "int8"
    UINT8 = "uint8"
    DFP16 = "dfp16"
    DFP8 = "dfp8"


class Configuration(Record, frozen=True, kw_only=True, omit_defaults=True):
    """One point of a design space, as in ``conv:h=28,cin=320,cout=64,k=3``.

    Attributes:
        kind: What is built: ``conv``, ``block``, ``zoo``.
        name: Which one of that kind, where a kind has several: ``mobilenet_v2``; a file's path.
        parameters: Hyper-parameters by name, in canonical order once resolved.
        content: Digest of what a file holds once resolved, empty for every other kind. It stands
            for the path, which says where the network came from and not which one it is.
    """

    kind: str
    name: str = ""
    parameters: Parameters = ()
    content: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the configuration that ``text`` spells, its parameters not yet checked.

        Raises:
            ConfigurationError: If the text is not of the form ``kind:name,key=value,…``.
        """
        kind, name, parameters = parse_text(text)
        refuse_repeats(parameters, text)
        return cls(kind=kind, name=name, parameters=parameters)

    def __str__(self) -> str:
        return format_text(self.kind, self.name, self.parameters)

    def get(self, key: str) -> Value | None:
        """Return the value of a parameter, or nothing where it is left at its default."""
        return dict(self.parameters).get(key)

    @property
    def digest(self) -> str:
        """Sixteen hexadecimal digits that name the content."""
        return digest(format_text(self.kind, self.content or self.name, self.parameters))


class Workload(Record, frozen=True, kw_only=True, omit_defaults=True):
    """What is deployed: a configuration at a precision and batch, ``conv:…@int8,batch=4``.

    Attributes:
        copies: 0 for the network as it is; n for a stack of n copies of an operator or block, from
            which layer latencies are derived: ``conv:…@fp32,copies=4``.
    """

    configuration: Configuration
    precision: Precision = Precision.FP32
    batch: int = 1
    copies: int = 0

    def __post_init__(self) -> None:
        """Refuse an impossible batch or number of copies."""
        if not 1 <= self.batch <= LARGEST_BATCH:
            raise ConfigurationError(
                f"batch={self.batch} is not a batch",
                where=str(self),
                remedy=f"Use 1 to {LARGEST_BATCH:,}.",
            )
        if self.copies < 0:
            raise ConfigurationError(
                f"copies={self.copies} is not a number of copies",
                where=str(self),
                remedy="Use 1 or more, or leave it out.",
            )

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the workload that ``text`` spells; precision and options may be left out.

        Raises:
            ConfigurationError: If a part of the text cannot be read.
        """
        body, at, deployed = text.partition("@")
        configuration = Configuration.parse(body)
        if not at:
            return cls(configuration=configuration)
        if not deployed:
            raise ConfigurationError("nothing stands behind the @", where=text, remedy="Use @fp32.")
        precision, _, options = parse_text(deployed.replace(",", ":", 1))
        refuse_repeats(options, text)
        unknown = [key for key, _ in options if key not in _OPTIONS]
        if unknown:
            raise ConfigurationError(
                f"{unknown[0]} is not an option of a workload",
                where=text,
                remedy="Use batch=N or copies=N.",
            )
        return cls(
            configuration=configuration,
            precision=parse_precision(precision),
            **{key: _parse_count(key, value, text) for key, value in options},
        )

    def __str__(self) -> str:
        batch = f",batch={self.batch}" if self.batch != 1 else ""
        copies = f",copies={self.copies}" if self.copies else ""
        return f"{self.configuration}@{self.precision.value}{batch}{copies}"


_OPTIONS = ("batch", "copies")
"""What may follow a workload's precision."""


def parse_precision(text: str) -> Precision:
    """Return the precision named ``text``.

    Raises:
        ConfigurationError: If there is none of that name; it lists those there are.
    """
    try:
        return Precision(text)
    except ValueError as exc:
        names = ", ".join(Precision)
        raise ConfigurationError(
            f"{text!r} is not a precision", remedy=f"Use one of {names}."
        ) from exc


def _parse_count(key: str, value: Value, text: str) -> int:
    if not isinstance(value, int):
        raise ConfigurationError(f"{key}={value} is not a whole number", where=text)
    return value
