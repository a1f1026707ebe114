"""Parameters as a user writes them ↔ records that declare them, with errors in the user's words."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import msgspec

from opscope.core.record import Record
from opscope.core.text import Parameters
from opscope.errors import ConfigurationError

R = TypeVar("R", bound=Record)


def read_parameters(parameters: Parameters, type_: type[R], *, where: str) -> R:
    """Return the record of ``type_`` whose fields have the values of ``parameters``.

    Raises:
        ConfigurationError: If a parameter is unknown, missing or of a wrong type.
    """
    values = dict(parameters)
    try:
        return msgspec.convert(values, type_)
    except msgspec.ValidationError as exc:
        what, remedy = explain(exc, type_, values)
        raise ConfigurationError(what, where=where, remedy=remedy) from exc


def canonical(record: Record) -> Parameters:
    """Return the parameters of ``record`` in declared order, without those left at default."""
    return tuple(
        (field.name, value)
        for field in msgspec.structs.fields(record)
        if (value := getattr(record, field.name)) != field.default
    )


def explain(
    exc: msgspec.ValidationError, type_: type[Record], values: Mapping[str, Any]
) -> tuple[str, str]:
    """Return what a decoder found wrong with ``values``, and the remedy."""
    fields = msgspec.structs.fields(type_)
    text, _, path = str(exc).partition(" - at `$.")
    if unknown := re.search(r"unknown field `(.*)`", text):
        return f"unknown parameter {unknown[1]!r}", suggest(
            unknown[1], [field.name for field in fields]
        )
    if missing := re.search(r"missing required field `(.*)`", text):
        required = ", ".join(field.name for field in fields if field.required)
        return f"{missing[1]} is missing", f"Needed are {required}."
    key = path.rstrip("`")
    what = f"{key}={values.get(key)} does not fit: {text[:1].lower()}{text[1:]}"
    return what, _choices(type_, key)


def _choices(type_: type[Record], key: str) -> str:
    """Return the sentence that lists the names a parameter may have, if it may have names."""
    types = {field.name: field.type for field in msgspec.structs.fields(type_)}
    info = msgspec.inspect.type_info(types.get(key, Any))
    names: list[str] = []
    for part in info.types if isinstance(info, msgspec.inspect.UnionType) else (info,):
        if isinstance(part, msgspec.inspect.EnumType):
            names += [str(member.value) for member in part.cls]
        elif isinstance(part, msgspec.inspect.LiteralType):
            names += [str(value) for value in part.values]
    return f"Use one of {', '.join(names)}." if names else ""


def suggest(wrong: str, known: Iterable[str]) -> str:
    """Return the remedy for a wrong name: the nearest known one, and all there are."""
    known = sorted(known)
    if not known:
        return "There are none."
    close = difflib.get_close_matches(wrong, known, n=1)
    hint = f"Did you mean {close[0]!r}? " if close else ""
    return f"{hint}There are: {', '.join(known)}."
