"""Whether a node has the inputs, outputs and attributes that ONNX defines for its operator.

ONNX's shape inference trusts that it has: on inputs or outputs too many, and on some numbers that
are out of range, it reads beyond its arrays and takes the process with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import onnx
from onnx import defs

_SINGLE = defs.OpSchema.FormalParameterOption.Single
_VARIADIC = defs.OpSchema.FormalParameterOption.Variadic

_CRASHING = {"EyeLike", "RegexFullMatch"}
"""Operators at which inference reads a shape that need not be there."""

_RANK_LIMIT = 64
"""No operator has more axes; inference computes with them in 32 bits."""


def check_signature(node: onnx.NodeProto, schema: defs.OpSchema) -> str:
    """Return how a node differs from its operator's definition, or nothing."""
    return (
        _misfit("inputs", node.input, schema.inputs, schema.min_input, schema.max_input)
        or _misfit("outputs", node.output, schema.outputs, schema.min_output, schema.max_output)
        or _misfit_of_attributes(node, schema)
        or _misfit_of_numbers(node)
    )


def _misfit(
    what: str,
    names: Sequence[str],
    formal: Sequence[defs.OpSchema.FormalParameter],
    least: int,
    most: int,
) -> str:
    if not least <= len(names) <= most:
        expected = str(least) if least == most else f"{least} to {min(most, len(formal))}"
        if formal and formal[-1].option == _VARIADIC:
            expected = f"at least {least}"
        return f"it has {len(names)} {what} instead of {expected}"
    for name, parameter in zip(names, formal, strict=False):
        if not name and parameter.option == _SINGLE:
            return f"its {what.removesuffix('s')} {parameter.name!r} is left out"
    return ""


def _misfit_of_attributes(node: onnx.NodeProto, schema: defs.OpSchema) -> str:
    known = schema.attributes
    given = {attribute.name: attribute for attribute in node.attribute}
    for name, attribute in given.items():
        if name not in known:
            return f"its attribute {name[:100]!r} is unknown"
        wanted: Any = known[name].type  # an enumeration whose numbers no stub declares
        if attribute.type != wanted.value:
            return f"its attribute {name!r} is of another type"
    if len(given) < len(node.attribute):
        return "an attribute is given twice"
    missing = [name for name, formal in known.items() if formal.required and name not in given]
    return f"its attribute {missing[0]!r} is missing" if missing else ""


def _misfit_of_numbers(node: onnx.NodeProto) -> str:
    """Return what inference would not survive, found by trying every operator of ONNX."""
    numbers = {attribute.name: attribute.i for attribute in node.attribute}
    if node.op_type in _CRASHING:
        return f"operator {node.op_type!r} is not one of networks on images"
    if node.op_type == "Split" and numbers.get("num_outputs", len(node.output)) != len(node.output):
        return f"it has {len(node.output)} outputs and not {numbers['num_outputs']}"
    for name, least in (("axis", -_RANK_LIMIT), ("batch_dims", 0)):
        if not least <= numbers.get(name, 0) <= _RANK_LIMIT:
            return f"its {name} {numbers[name]} is not one of a tensor's axes"
    return ""
