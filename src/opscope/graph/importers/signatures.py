"""Whether a node has the inputs, outputs and attributes that ONNX defines for its operator.

ONNX's shape inference trusts that it has: on inputs or outputs too many it reads beyond its arrays.
"""

from __future__ import annotations

from collections.abc import Sequence

import onnx
from onnx import defs

_SINGLE = defs.OpSchema.FormalParameterOption.Single
_VARIADIC = defs.OpSchema.FormalParameterOption.Variadic


def check_signature(node: onnx.NodeProto, schema: defs.OpSchema) -> str:
    """Return how a node differs from its operator's definition, or nothing."""
    return (
        _misfit("inputs", node.input, schema.inputs, schema.min_input, schema.max_input)
        or _misfit("outputs", node.output, schema.outputs, schema.min_output, schema.max_output)
        or _misfit_of_attributes(node, schema)
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
        if attribute.type != known[name].type.value:
            return f"its attribute {name!r} is of another type"
    if len(given) < len(node.attribute):
        return "an attribute is given twice"
    missing = [name for name, formal in known.items() if formal.required and name not in given]
    return f"its attribute {missing[0]!r} is missing" if missing else ""
