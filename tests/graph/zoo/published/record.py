"""The record of one published figure, which the tables are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from tests.graph.zoo.networks import cost_of, graph_of
from tests.graph.zoo.published.conventions import Convention, plain_macs, trainable

UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9}
PLAIN = {"MACs": plain_macs, "parameters": trainable}
TOLERANCE = {"MACs": 0.01, "parameters": 0.005}


@dataclass(frozen=True, kw_only=True)
class Published:
    """One published figure of one network, and why ours differs where it does.

    Attributes:
        network: Configuration without its kind.
        quantity: What the figure is of; operations are held against MACs.
        figure: As printed, with its unit: ``569 M``. Empty where none is published.
        source: Where it is printed.
        convention: What the source counts.
        explanation: Why ``convention`` or ``counted`` is needed, or there is no figure; else any
            remark.
        counted: What we count by ``convention``, exactly, where that is not within the tolerance.
        explained: False where the cause of the difference is not known.
    """

    network: str
    quantity: Literal["MACs", "parameters"]
    figure: str
    source: str
    convention: Convention
    explanation: str = ""
    counted: int | None = None
    explained: bool = True

    @property
    def value(self) -> float:
        """The figure as a number."""
        digits, _, unit = self.figure.replace(",", "").partition(" ")
        return float(digits) * UNITS[unit]

    @property
    def converted(self) -> bool:
        """Whether the source counts something else than plain MACs or parameters."""
        return self.convention is not PLAIN[self.quantity]

    @property
    def plain(self) -> int:
        """What we count as MACs or parameters."""
        return PLAIN[self.quantity](graph_of(self.network), cost_of(self.network))

    @property
    def count(self) -> int:
        """What we count by the source's convention."""
        return self.convention(graph_of(self.network), cost_of(self.network))

    def agrees(self, count: int) -> bool:
        """Whether a count is within the tolerance of the figure."""
        return abs(count - self.value) <= TOLERANCE[self.quantity] * self.value


def macs(
    network: str,
    figure: str,
    source: str,
    explanation: str = "",
    *,
    convention: Convention = plain_macs,
    **rest: Any,
) -> Published:
    """Return a figure of MACs, or of operations by another ``convention``."""
    return Published(
        network=network,
        quantity="MACs",
        figure=figure,
        source=source,
        explanation=explanation,
        convention=convention,
        **rest,
    )


def parameters(
    network: str,
    figure: str,
    source: str,
    explanation: str = "",
    *,
    convention: Convention = trainable,
) -> Published:
    """Return a figure of parameters."""
    return Published(
        network=network,
        quantity="parameters",
        figure=figure,
        source=source,
        explanation=explanation,
        convention=convention,
    )
