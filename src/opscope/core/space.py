"""Space: named axes, their values and constraints, and how it expands to parameter sets.

Whether a set of parameters makes a possible configuration is for `opscope.graph` to say.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec

from opscope.core.expression import evaluate
from opscope.core.record import Record
from opscope.core.text import Value
from opscope.errors import StudyError

LARGEST = 1_000_000
"""Most points a grid may have before its constraints; a larger one is surely a mistake."""


class Range(Record, frozen=True, kw_only=True):
    """Values from ``start`` to ``stop``, both included, ``step`` apart."""

    start: int
    stop: int
    step: Annotated[int, msgspec.Meta(ge=1)] = 1

    def values(self) -> tuple[int, ...]:
        """Return the values in rising order."""
        return tuple(range(self.start, self.stop + 1, self.step))


Axis = tuple[Value, ...] | Range
"""The values of one dimension: a list, or a range."""


class Space(Record, frozen=True, kw_only=True):
    """A set of configurations of one kind (behaviour study, Sec. 3.1).

    Attributes:
        kind: Kind of configuration, as in ``conv``.
        name: Which one of that kind, where a kind has several.
        expand: ``one-factor`` varies each axis by itself around ``base``, as the behaviour study
            does; ``grid`` takes every combination; ``sample`` draws ``count`` of the grid's points.
        base: Values of parameters that stay as they are while another one varies.
        axes: Values of the parameters that vary.
        derived: Parameters that follow from others: ``cout = "2 * cin"``.
        constraints: Expressions that a point must satisfy to belong to the space.
        count: Points to draw for ``sample``.
        seed: Seed of the draw.
    """

    kind: str
    name: str = ""
    expand: Literal["one-factor", "grid", "sample"] = "one-factor"
    base: dict[str, Value] = {}
    axes: dict[str, Axis] = {}
    derived: dict[str, str] = {}
    constraints: tuple[str, ...] = ()
    count: int | None = None
    seed: int = 0

    def points(self) -> list[dict[str, Value]]:
        """Return the parameters of every point once, in a fixed order.

        Raises:
            StudyError: If an axis is empty, the grid is too large, a constraint or derivation
                cannot be evaluated, ``count`` does not fit ``expand``, or no point is left.
        """
        self._check()
        candidates = self._one_factor() if self.expand == "one-factor" else self._grid()
        derived = (self._derive(point) for point in candidates)
        unique = {tuple(sorted(p.items())): p for p in derived if self._allowed(p)}
        points = list(unique.values())
        if not points:
            raise StudyError("no point satisfies the constraints", where="constraints")
        if self.expand == "sample":
            points = self._draw(points)
        return points

    def _check(self) -> None:
        for name, axis in self.axes.items():
            if not _values(axis):
                raise StudyError("has no values", where=f"axes.{name}", remedy="List at least one.")
            if name in self.derived:
                raise StudyError(
                    "is an axis too", where=f"derived.{name}", remedy="Keep one of them."
                )
        if (self.count is not None) != (self.expand == "sample"):
            raise StudyError(
                'belongs to expand = "sample", and to it alone',
                where="count",
                remedy='Write both expand = "sample" and count = N, or neither.',
            )

    def _one_factor(self) -> Iterator[dict[str, Value]]:
        for name, axis in self.axes.items() or [("", ())]:
            for value in _values(axis) or ("",):
                yield {**self.base, **({name: value} if name else {})}

    def _grid(self) -> Iterator[dict[str, Value]]:
        size = 1
        for axis in self.axes.values():
            size *= len(_values(axis))
        if size > LARGEST:
            raise StudyError(
                f"the grid has {size:,} points, more than {LARGEST:,}",
                where="axes",
                remedy='Take fewer values, or expand = "one-factor".',
            )
        names = list(self.axes)
        for values in itertools.product(*(_values(axis) for axis in self.axes.values())):
            yield {**self.base, **dict(zip(names, values, strict=True))}

    def _derive(self, point: dict[str, Value]) -> dict[str, Value]:
        full = dict(point)
        for name, text in self.derived.items():
            full[name] = evaluate(text, full)
        return full

    def _allowed(self, point: dict[str, Value]) -> bool:
        return all(evaluate(text, point) for text in self.constraints)

    def _draw(self, points: list[dict[str, Value]]) -> list[dict[str, Value]]:
        if self.count is None or not 1 <= self.count <= len(points):
            raise StudyError(
                f"cannot draw {self.count} of {len(points)} points",
                where="count",
                remedy=f"Use 1 to {len(points)}.",
            )
        chosen = random.Random(self.seed).sample(range(len(points)), self.count)  # noqa: S311
        return [points[index] for index in sorted(chosen)]


def _values(axis: Axis) -> tuple[Value, ...]:
    return axis.values() if isinstance(axis, Range) else axis
