"""Padding spelled out: what ``auto_pad`` leaves to the runtime, once the shapes are known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import onnx
from onnx import helper

_WINDOWS = {"AveragePool", "Conv", "LpPool", "MaxPool"}


def spell_out_padding(model: onnx.ModelProto) -> None:
    """Replace ``auto_pad`` by ``pads`` in every convolution and pooling, in place.

    Every converter knows ``pads``, not every one ``auto_pad``.
    """
    graph = model.graph
    values = (*graph.input, *graph.value_info, *graph.output)
    sizes = {v.name: [axis.dim_value for axis in v.type.tensor_type.shape.dim] for v in values}
    for node in graph.node:
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        mode = attributes.pop("auto_pad", b"NOTSET").decode()
        if node.op_type not in _WINDOWS or mode == "NOTSET":
            continue
        kernel = attributes.get("kernel_shape") or sizes[node.input[1]][2:]
        attributes["pads"] = _pads(sizes[node.input[0]][2:], kernel, attributes, mode)
        del node.attribute[:]
        node.attribute.extend(helper.make_attribute(k, v) for k, v in attributes.items())


def _pads(
    sides: list[int], kernel: list[int], attributes: Mapping[str, Any], mode: str
) -> list[int]:
    """Return the zeros before each axis, then those after each.

    Source: the ONNX operator documentation of Conv; the odd one is at the end for SAME_UPPER.
    """
    strides = attributes.get("strides") or [1] * len(sides)
    dilations = attributes.get("dilations") or [1] * len(sides)
    before, after = [], []
    for side, k, stride, dilation in zip(sides, kernel, strides, dilations, strict=True):
        needed = (-(-side // stride) - 1) * stride + dilation * (k - 1) + 1 - side
        zeros = max(needed, 0) if mode.startswith("SAME") else 0
        small, large = zeros // 2, zeros - zeros // 2
        before.append(small if mode != "SAME_LOWER" else large)
        after.append(large if mode != "SAME_LOWER" else small)
    return before + after
