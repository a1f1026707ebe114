"""Functions that a model defines for itself: their nodes put in place of the calls, in bounds."""

from __future__ import annotations

import onnx
from onnx import inliner

from opscope.errors import ConfigurationError
from opscope.graph.importers.checks import describe, domain_of, refuse_control_flow

_NODES_LIMIT = 200_000
"""A few functions that call each other twice each can stand for billions of nodes."""

_DEPTH_LIMIT = 64

_Key = tuple[str, str, str]


def inline_functions(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model with every call of a function of its own replaced by the function's nodes.

    Raises:
        ConfigurationError: If functions call themselves, or together stand for too many nodes.
    """
    if not model.functions:
        return model
    bodies = {(domain_of(f.domain), f.name, f.overload): f for f in model.functions}
    sizes: dict[_Key, int] = {}
    total = sum(_size(node, bodies, sizes, ()) for node in model.graph.node)
    if total > _NODES_LIMIT:
        raise ConfigurationError(
            f"its functions stand for {total} nodes",
            remedy=f"Export a network of at most {_NODES_LIMIT} nodes.",
        )
    try:
        return inliner.inline_local_functions(model)
    except Exception as exc:  # the inliner raises what its C++ code throws
        raise ConfigurationError(
            f"its functions cannot be put in place: {exc}",
            remedy="Export the model without functions of its own.",
        ) from exc


def _size(
    node: onnx.NodeProto,
    bodies: dict[_Key, onnx.FunctionProto],
    sizes: dict[_Key, int],
    callers: tuple[_Key, ...],
) -> int:
    """Return how many nodes a node stands for, each function counted once."""
    refuse_control_flow(node, describe(node, 0))  # calls could hide in there
    key = domain_of(node.domain), node.op_type, node.overload
    if key not in bodies:
        return 1
    if key in callers or len(callers) > _DEPTH_LIMIT:
        raise ConfigurationError(
            f"the function {node.op_type!r} calls itself",
            where=describe(node, 0),
            remedy="Export the model without functions of its own.",
        )
    if key not in sizes:
        inner = (*callers, key)
        sizes[key] = sum(_size(part, bodies, sizes, inner) for part in bodies[key].node)
    return sizes[key]
