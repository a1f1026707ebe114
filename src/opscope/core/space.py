"""Space: named axes, their values and constraints, and how it expands to parameter sets.

Whether a set of parameters makes a possible configuration is for `opscope.graph` to say.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Annotated, Literal

import msgspec

from opscope.core.decoding import Step, format_path
from opscope.core.expression import evaluate
from opscope.core.record import Record
from opscope.core.text import Value
from opscope.errors import StudyError

LARGEST = 1_000_000
"""Most points a space may have before its constraints; a larger one is surely a mistake."""


class Range(Record, frozen=True, kw_only=True):
    """Values from ``start`` to ``stop``, both included, ``step`` apart."""

    start: int
    stop: int
    step: Annotated[int, msgspec.Meta(ge=1)] = 1

    @property
    def size(self) -> int:
        """How many values it has, be they too many to list."""
        return max(0, (self.stop - self.start) // self.step + 1)

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
            StudyError: If an axis is empty, the space is too large, a value is not finite, a
                constraint or derivation cannot be evaluated, ``count`` does not fit ``expand``, or
                no point is left; it names the key.
        """
        self._check()
        candidates = self._one_factor() if self.expand == "one-factor" else self._grid()
        derived = (self._derive(point) for point in candidates)
        unique = {tuple(sorted(p.items())): p for p in derived if self._allowed(p)}
        points = list(unique.values())
        if not points:
            raise StudyError(
                "no point satisfies the constraints",
                where="constraints",
                remedy="Loosen them, or add values to the axes.",
            )
        if self.expand == "sample":
            points = self._draw(points)
        return points

    def varied(self) -> list[str]:
        """Return the parameters that vary and have numbers as values."""
        numbers = [
            name
            for name, axis in self.axes.items()
            if isinstance(axis, Range) or any(isinstance(value, int | float) for value in axis)
        ]
        return [*numbers, *self.derived]

    def key_of(self, parameter: str) -> str:
        """Return the key under which a parameter is declared here, or nothing if it is not."""
        tables: dict[str, Collection[str]] = {
            "derived": self.derived,
            "axes": self.axes,
            "base": self.base,
        }
        held = (format_path([table, parameter]) for table in tables if parameter in tables[table])
        return next(held, "")

    def _check(self) -> None:
        for name, axis in self.axes.items():
            where = format_path(["axes", name])
            if not _size(axis):
                raise StudyError("has no values", where=where, remedy="List at least one.")
            if name in self.derived:
                where = format_path(["derived", name])
                raise StudyError("is an axis too", where=where, remedy="Keep one of them.")
        self._check_size()
        self._check_finite()
        if (self.count is not None) != (self.expand == "sample"):
            raise StudyError(
                'belongs to expand = "sample", and to it alone',
                where="count",
                remedy='Write both expand = "sample" and count = N, or neither.',
            )

    def _check_size(self) -> None:
        sizes = [_size(axis) for axis in self.axes.values()]
        size = sum(sizes) if self.expand == "one-factor" else math.prod(sizes)
        if size > LARGEST:
            advice = "" if self.expand == "one-factor" else ', or expand = "one-factor"'
            raise StudyError(
                f"the space has {size:,} points, more than {LARGEST:,}",
                where="axes",
                remedy=f"Take fewer values{advice}.",
            )

    def _check_finite(self) -> None:
        listed = ((k, axis) for k, axis in self.axes.items() if not isinstance(axis, Range))
        held = [("base", name, value) for name, value in self.base.items()]
        held += [("axes", name, value) for name, axis in listed for value in axis]
        for table, name, value in held:
            if isinstance(value, float) and not math.isfinite(value):
                raise StudyError(
                    f"{value} is not a finite number",
                    where=format_path([table, name]),
                    remedy="Use a finite number or a text.",
                )

    def _one_factor(self) -> Iterator[dict[str, Value]]:
        for name, axis in self.axes.items() or [("", ())]:
            for value in _values(axis) or ("",):
                yield {**self.base, **({name: value} if name else {})}

    def _grid(self) -> Iterator[dict[str, Value]]:
        names = list(self.axes)
        for values in itertools.product(*(_values(axis) for axis in self.axes.values())):
            yield {**self.base, **dict(zip(names, values, strict=True))}

    def _derive(self, point: dict[str, Value]) -> dict[str, Value]:
        full = dict(point)
        for name, text in self.derived.items():
            full[name] = _evaluated(["derived", name], text, full)
        return full

    def _allowed(self, point: dict[str, Value]) -> bool:
        return all(
            _evaluated(["constraints", number], text, point)
            for number, text in enumerate(self.constraints)
        )

    def _draw(self, points: list[dict[str, Value]]) -> list[dict[str, Value]]:
        if self.count is None or not 1 <= self.count <= len(points):
            raise StudyError(
                f"cannot draw {self.count} of {len(points)} points",
                where="count",
                remedy=f"Use 1 to {len(points)}.",
            )
        chosen = random.Random(self.seed).sample(range(len(points)), self.count)  # noqa: S311 - a draw, not a secret
        return [points[index] for index in sorted(chosen)]


def _evaluated(path: Sequence[Step], text: str, point: Mapping[str, Value]) -> Value:
    try:
        return evaluate(text, point)
    except StudyError as exc:
        raise exc.at(format_path(path)) from exc


def _values(axis: Axis) -> tuple[Value, ...]:
    return axis.values() if isinstance(axis, Range) else axis


def _size(axis: Axis) -> int:
    return axis.size if isinstance(axis, Range) else len(axis)
