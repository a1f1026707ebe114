"""Designs: how the configurations of a study differ, before anything is known of a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from opscope.core.configuration import Configuration
from opscope.core.record import Record
from opscope.core.study import Study
from opscope.core.text import Value, format_text

MOST = 8
"""Lines that one chart can show."""

_POINTS = 64
"""Points that tell how a line runs."""


class Line(Record, frozen=True, kw_only=True):
    """Configurations that differ in one parameter alone, by its rising value; some of very many."""

    fixed: str
    points: tuple[tuple[float, Configuration], ...]


class Designs(Record, frozen=True, kw_only=True):
    """The configurations of a study along the parameter that it asks about first, or varies.

    Attributes:
        count: How many configurations there are.
        x: The parameter; empty where none varies with numbers while the others stay.
        lines: Those with most points.
        left_out: How many more lines there are.
    """

    count: int
    x: str = ""
    lines: tuple[Line, ...] = ()
    left_out: int = 0


def designs(study: Study, found: Sequence[tuple[Configuration, Mapping[str, Value]]]) -> Designs:
    """Return how the configurations of a study differ.

    Args:
        study: What is asked.
        found: Its configurations, each with every parameter, those at their default included.
    """
    asked = [question.x for question in study.findings]
    varied = [x for space in study.spaces for x in space.varied()]
    for x in dict.fromkeys((*asked, *varied)):
        lines = sorted(_lines(found, x), key=lambda line: -len(line.points))
        if lines:
            kept = tuple([_thinned(line) for line in lines[:MOST]])
            return Designs(count=len(found), x=x, lines=kept, left_out=len(lines) - len(kept))
    return Designs(count=len(found))


def _lines(found: Iterable[tuple[Configuration, Mapping[str, Value]]], x: str) -> list[Line]:
    groups: dict[object, list[tuple[float, Configuration]]] = {}
    for configuration, parameters in found:
        value = parameters.get(x)
        if isinstance(value, int | float):
            others = frozenset(item for item in configuration.parameters if item[0] != x)
            key = configuration.kind, configuration.name, others
            groups.setdefault(key, []).append((float(value), configuration))
    return [_line(points, x) for points in groups.values() if len(points) > 1]


def _line(points: list[tuple[float, Configuration]], x: str) -> Line:
    first = points[0][1]
    others = [item for item in first.parameters if item[0] != x]
    return Line(
        fixed=format_text(first.kind, first.name, others),
        points=tuple(sorted(points, key=lambda point: point[0])),
    )


def _thinned(line: Line) -> Line:
    """Return the line with its ends and as many points between as tell how it runs."""
    last = len(line.points) - 1
    if last < _POINTS:
        return line
    places = [round(number * last / (_POINTS - 1)) for number in range(_POINTS)]
    return Line(fixed=line.fixed, points=tuple([line.points[place] for place in places]))
