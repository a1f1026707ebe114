"""What the user declares about a model's inputs: shapes and kinds, in text and in Python."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TypeVar

from opscope.core.record import Record
from opscope.errors import ConfigurationError
from opscope.graph.kinds import InputKind

T = TypeVar("T")

BATCH = "N"
"""Stands for the workload's batch in a declared shape."""

Size = int | str
"""A fixed size, or `BATCH`."""

Shape = tuple[Size, ...]

_SHAPE = re.compile(r"(?:N|[0-9]{1,18})(?:x(?:N|[0-9]{1,18}))*")


class Declarations(Record, frozen=True, kw_only=True):
    """Shapes and kinds by input name; the name is empty where a model's only input is meant."""

    shapes: tuple[tuple[str, Shape], ...] = ()
    kinds: tuple[tuple[str, InputKind], ...] = ()

    @classmethod
    def parse(cls, shape: str = "", kind: str = "") -> Declarations:
        """Return what a configuration's text declares.

        Args:
            shape: ``1x3x224x224``, or ``ids:1x128+mask:1x128`` for several inputs; ``N`` is the
                workload's batch.
            kind: ``image``, or ``ids:0..30521+mask:mask`` for several inputs.

        Raises:
            ConfigurationError: If a part cannot be read, or an input is named twice.
        """
        shapes = [(name, parse_shape(text)) for name, text in _items(shape)]
        kinds = [(name, InputKind.parse(text)) for name, text in _items(kind)]
        return cls(shapes=tuple(shapes), kinds=tuple(kinds))

    @classmethod
    def of(
        cls,
        shapes: Mapping[str, Iterable[Size] | str] | None = None,
        kinds: Mapping[str, InputKind | str] | None = None,
    ) -> Declarations:
        """Return what a caller in Python declares; shapes and kinds may be given as text.

        Raises:
            ConfigurationError: If a shape or a kind cannot be read.
        """
        shapes, kinds = shapes or {}, kinds or {}
        sizes = {
            name: parse_shape(shape if isinstance(shape, str) else "x".join(map(str, shape)))
            for name, shape in shapes.items()
        }
        parsed = {
            name: kind if isinstance(kind, InputKind) else InputKind.parse(kind)
            for name, kind in kinds.items()
        }
        return cls(shapes=tuple(sizes.items()), kinds=tuple(parsed.items()))


def parse_shape(text: str) -> Shape:
    """Return the shape that ``text`` spells, as in ``Nx3x224x224``.

    Raises:
        ConfigurationError: If it spells none.
    """
    if not _SHAPE.fullmatch(text):
        raise ConfigurationError(
            f"{text!r} is not a shape",
            remedy="Write sizes separated by x, as in 1x3x224x224; N is the workload's batch.",
        )
    return tuple(size if size == BATCH else int(size) for size in text.split("x"))


def format_items(items: Iterable[tuple[str, object]], *, named: bool) -> str:
    """Return the text that `Declarations.parse` reads back."""
    return "+".join(f"{name}:{value}" if named else str(value) for name, value in items)


def format_shape(shape: Iterable[Size]) -> str:
    """Return the text that `parse_shape` reads back."""
    return "x".join(str(size) for size in shape)


def assign(declared: Iterable[tuple[str, T]], names: list[str], what: str) -> dict[str, T]:
    """Return what was declared by the model's own input names.

    Raises:
        ConfigurationError: If the model has no such input, or one is meant but not named.
    """
    assigned: dict[str, T] = {}
    for name, value in declared:
        target = names[0] if not name and len(names) == 1 else name
        if target not in names:
            known = ", ".join(names)
            raise ConfigurationError(
                f"the {what} is for input {target!r}, which the model does not have"
                if name
                else f"the {what} does not say which of {len(names)} inputs it is for",
                remedy=f"Write {what}=NAME:…+NAME:… with the model's inputs: {known}.",
            )
        assigned[target] = value
    return assigned


def _items(text: str) -> list[tuple[str, str]]:
    """Split ``name:value+name:value``; names may have colons of their own."""
    items = [item.rpartition(":") for item in text.split("+")] if text else []
    names = [name for name, _, _ in items]
    for name in names:
        if names.count(name) > 1:
            raise ConfigurationError(
                f"input {name!r} is declared twice" if name else "two inputs lack their names",
                where=repr(text),
                remedy="Write NAME:…+NAME:… with each input once.",
            )
    return [(name, value) for name, _, value in items]
