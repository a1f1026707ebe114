"""Functions that a model defines for itself: their nodes put in place of the calls, in bounds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import onnx
from onnx import inliner

from opscope.errors import ConfigurationError
from opscope.graph.importers.checks import describe, domain_of, refuse_control_flow

_NODES_LIMIT = 200_000
"""A few functions that call each other twice each can stand for billions of nodes."""

_GROWTH_LIMIT_BYTES = 64 << 20
"""What nodes put in place may take beyond twice the file, as each call repeats their constants."""

_DEPTH_LIMIT = 64

_Key = tuple[str, str, str]


class _Size(NamedTuple):
    """How many nodes something stands for, and the bytes that they take."""

    nodes: int
    bytes: int


def inline_functions(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model with every call of a function of its own replaced by the function's nodes.

    Raises:
        ConfigurationError: If functions call themselves, or together stand for too many nodes.
    """
    if not model.functions:
        return model
    bodies = {(domain_of(f.domain), f.name, f.overload): f for f in model.functions}
    total = _sum(model.graph.node, bodies, {}, ())
    if total.nodes > _NODES_LIMIT:
        raise ConfigurationError(
            f"its functions stand for {total.nodes} nodes",
            remedy=f"Export a network of at most {_NODES_LIMIT} nodes.",
        )
    if total.bytes > 2 * model.ByteSize() + _GROWTH_LIMIT_BYTES:
        raise ConfigurationError(
            f"its functions stand for {total.bytes} bytes of nodes",
            remedy="Export the model without functions of its own.",
        )
    try:
        return inliner.inline_local_functions(model)
    except Exception as exc:  # the inliner raises what its C++ code throws
        raise ConfigurationError(
            f"its functions cannot be put in place: {exc}",
            remedy="Export the model without functions of its own.",
        ) from exc


def _sum(
    nodes: Iterable[onnx.NodeProto],
    bodies: Mapping[_Key, onnx.FunctionProto],
    sizes: dict[_Key, _Size],
    callers: tuple[_Key, ...],
) -> _Size:
    parts = [_size(node, bodies, sizes, callers) for node in nodes]
    return _Size(sum(part.nodes for part in parts), sum(part.bytes for part in parts))


def _size(
    node: onnx.NodeProto,
    bodies: Mapping[_Key, onnx.FunctionProto],
    sizes: dict[_Key, _Size],
    callers: tuple[_Key, ...],
) -> _Size:
    """Return what a node stands for, each function counted once."""
    refuse_control_flow(node, describe(node, 0))  # calls could hide in there
    key = domain_of(node.domain), node.op_type, node.overload
    if key not in bodies:
        return _Size(1, node.ByteSize())
    if key in callers or len(callers) > _DEPTH_LIMIT:
        raise ConfigurationError(
            f"the function {node.op_type!r} calls itself",
            where=describe(node, 0),
            remedy="Export the model without functions of its own.",
        )
    if key not in sizes:
        sizes[key] = _sum(bodies[key].node, bodies, sizes, (*callers, key))
    return sizes[key]
