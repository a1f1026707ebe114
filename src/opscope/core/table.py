"""How a table of figures taken elsewhere is to be read: which column is what. Records only."""

from __future__ import annotations

from opscope.core.configuration import Precision
from opscope.core.platform import Origin
from opscope.core.record import Record
from opscope.core.text import Value


class Figures(Record, frozen=True, kw_only=True):
    """The columns of one quantity.

    Attributes:
        value: Column of its values.
        low: Column of the lower bound of its 95 % interval; both bounds or neither.
        high: Column of the upper bound.
        unit: Unit of these columns, as in ``ms``; the quantity's own unless given.
    """

    value: str
    low: str = ""
    high: str = ""
    unit: str = ""


class Reading(Record, frozen=True, kw_only=True):
    """Which column of a table says what.

    Attributes:
        figures: The columns of each quantity, which is named with its unit: ``latency_s``.
        configuration: Column of whole configurations or workloads as text; or else `kind`.
        kind: Kind of every configuration, with its name: ``conv``, ``zoo:mobilenet_v2``.
        parameters: Column of each parameter.
        fixed: Value of parameters that are the same in every row.
        precision: What ran, where no column and no workload's text says so.
        precision_column: Column of precisions.
        batch: Images in a call, where no column and no workload's text says so.
        batch_column: Column of batches.
        where: Columns and the value, as text or number, that a row must have to take part.
    """

    figures: dict[str, Figures]
    configuration: str = ""
    kind: str = ""
    parameters: dict[str, str] = {}
    fixed: dict[str, Value] = {}
    precision: Precision = Precision.FP32
    precision_column: str = ""
    batch: int = 1
    batch_column: str = ""
    where: dict[str, str] = {}

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that must be there."""
        figures = [name for f in self.figures.values() for name in (f.value, f.low, f.high)]
        others = (self.configuration, self.precision_column, self.batch_column)
        return tuple(filter(None, (*others, *self.parameters.values(), *figures)))


class Elsewhere(Record, frozen=True, kw_only=True):
    """Where figures were taken that opscope did not take; nothing is assumed where nothing is said.

    Attributes:
        platform: What to call it.
        origin: How the figures came about.
        device: What the networks ran on.
        runtime: What ran them.
        runtime_version: Of what version.
    """

    platform: str
    origin: Origin
    device: str = ""
    runtime: str = ""
    runtime_version: str = ""
