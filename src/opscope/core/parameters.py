"""Parameters as a user writes them ↔ records that declare them, with errors in the user's words."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from opscope.core.decoding import find_fault
from opscope.core.record import Record
from opscope.core.text import Parameters
from opscope.errors import ParameterError

R = TypeVar("R", bound=Record)


def read_parameters(parameters: Parameters, type_: type[R], *, where: str) -> R:
    """Return the record of ``type_`` whose fields have the values of ``parameters``.

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
        raise ParameterError(what, where=where, remedy=fault.remedy, parameter=name) from exc


def canonical(record: Record) -> Parameters:
    """Return the parameters of ``record`` in declared order, without those left at default."""
    return tuple(
        (field.name, value)
        for field in msgspec.structs.fields(record)
        if (value := getattr(record, field.name)) != field.default
    )
