"""Splits that go through a sequence of tensors, as PyTorch's exporter writes them, made plain."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from itertools import accumulate
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

_PARTS_LIMIT = 4096
_ROLES = ("start", "end", "axis")


def unpack_sequences(graph: onnx.GraphProto) -> None:
    """Replace SplitToSequence and the SequenceAt nodes behind it by one Slice for each part.

    What does not follow this pattern stays, and is refused as no tensor later on.
    """
    arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    constants = {name: array for name, array in arrays.items() if array.dtype.kind in "iu"}
    users = defaultdict(list)
    for node in graph.node:
        for name in node.input:
            users[name].append(node)
    replaced: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        if node.op_type == "SplitToSequence" and not node.domain:
            parts = _slices(graph, node, users[node.output[0]], constants)
            if parts:
                replaced |= {node.name: [], **parts}
    if not replaced:
        return
    nodes = [new for node in graph.node for new in replaced.get(node.name, [node])]
    copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:]
    graph.node.extend(copies)


def _slices(
    graph: onnx.GraphProto,
    split: onnx.NodeProto,
    parts: list[onnx.NodeProto],
    constants: Mapping[str, np.ndarray],
) -> dict[str, list[onnx.NodeProto]]:
    """Return a Slice by the name of each node that takes a part, or nothing."""
    attributes: dict[str, Any] = {a.name: helper.get_attribute_value(a) for a in split.attribute}
    sizes = constants.get(split.input[1]) if len(split.input) > 1 else None
    if sizes is None or sizes.size > _PARTS_LIMIT or not attributes.get("keepdims", 1):
        return {}
    slices = {}
    for part in parts:
        position = constants.get(part.input[1]) if part.op_type == "SequenceAt" else None
        bounds = None
        if position is not None and position.size == 1:
            bounds = _bounds(sizes, int(position.item()))
        if bounds is None:
            return {}
        operands = dict(zip(_ROLES, (*bounds, attributes.get("axis", 0)), strict=True))
        for role, value in operands.items():
            array = np.array([value], np.int64)
            graph.initializer.append(numpy_helper.from_array(array, f"{part.name}.{role}"))
        inputs = [split.input[0], *(f"{part.name}.{role}" for role in operands)]
        slices[part.name] = [helper.make_node("Slice", inputs, part.output, name=part.name)]
    return slices


def _bounds(sizes: np.ndarray, position: int) -> tuple[int, int] | None:
    """Return where a part begins and ends; one number for ``sizes`` is that of every part."""
    if sizes.ndim == 0:
        size = int(sizes)
        return (position * size, (position + 1) * size) if position >= 0 < size else None
    ends = [0, *accumulate(int(size) for size in sizes)]
    return (ends[position], ends[position + 1]) if 0 <= position < sizes.size else None
