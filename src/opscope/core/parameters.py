"""Parameters as a user writes them ↔ records that declare them, with errors in the user's words."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TypeVar

import msgspec

from opscope.core.decoding import find_fault
from opscope.core.record import Record
from opscope.core.text import Parameters, Value
from opscope.errors import ParameterError

R = TypeVar("R", bound=Record)


def read_parameters(parameters: Parameters, type_: type[R], *, where: object) -> R:
    """Return the record of ``type_`` whose fields have the values of ``parameters``.

    Args:
        parameters: Names and values.
        type_: Type of the record.
        where: What they are the parameters of; it becomes text only in an error.

    Raises:
        ParameterError: If a parameter is unknown, missing or of a wrong type.
    """
    values = dict(parameters)
    try:
        return msgspec.convert(values, type_)
    except msgspec.ValidationError as exc:
        fault = find_fault(exc, values, type_)
        name = fault.name or fault.path
        what = {
            "unknown": f"unknown parameter {name!r}",
            "missing": f"{name} is missing",
            "unfit": f"{name}={values.get(name)} does not fit: {fault.text}",
        }[fault.kind]
        raise ParameterError(what, where=str(where), remedy=fault.remedy, parameter=name) from exc


def canonical(record: Record, implied: Mapping[str, Value] = {}) -> Parameters:
    """Return the parameters of ``record`` in declared order, but for those left out anyway.

    Args:
        record: The record.
        implied: What parameters stand for that were left out, other than their default.
    """
    declared = zip(_defaults(type(record)), msgspec.structs.astuple(record), strict=True)
    given = [(name, value) for (name, default), value in declared if value != default]
    return tuple([one for one in given if one[1] != implied.get(one[0])] if implied else given)


@functools.cache
def _defaults(type_: type[Record]) -> list[tuple[str, object]]:
    """Return what a type declares; read anew it would take most of the time of resolving one."""
    return [(field.name, field.default) for field in msgspec.structs.fields(type_)]
