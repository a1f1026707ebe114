"""Parameters as a user writes them ↔ records that declare them, with errors in the user's words."""

from __future__ import annotations

import functools
from typing import TypeVar

import msgspec

from opscope.core.decoding import find_fault
from opscope.core.record import Record
from opscope.core.text import Parameters
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


def canonical(record: Record) -> Parameters:
    """Return the parameters of ``record`` in declared order, without those left at default."""
    return tuple(
        [
            (name, value)
            for (name, default), value in zip(
                _defaults(type(record)), msgspec.structs.astuple(record), strict=True
            )
            if value != default
        ]
    )


@functools.cache
def _defaults(type_: type[Record]) -> list[tuple[str, object]]:
    """Return what a type declares; read anew it would take most of the time of resolving one."""
    return [(field.name, field.default) for field in msgspec.structs.fields(type_)]
