"""What a graph says of the node at hand: attributes, constants, shapes, who takes a tensor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from opscope.convert.tflite.signs import nonnegative
from opscope.errors import UnsupportedWorkload
from opscope.graph import Graph

MATRIX_RANK = 2


class Source:
    """A graph as it is read, node by node.

    Args:
        graph: The graph.
        seed: Of its weights.

    Attributes:
        graph: The graph as ONNX has it.
        opset: The version of ONNX's operators.
        node: The node at hand.
    """

    def __init__(self, graph: Graph, seed: int) -> None:
        model = onnx.ModelProto.FromString(graph.structure)
        self.graph = model.graph
        self.opset = max(o.version for o in model.opset_import if o.domain in {"", "ai.onnx"})
        self.node = onnx.NodeProto()
        self._seed = seed
        self._weights = {weight.name: weight for weight in graph.weights}
        self._known = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
        self._shapes = _shapes(model.graph)
        self._consumers: dict[str, list[onnx.NodeProto]] = {}
        for node in model.graph.node:
            for name in node.input:
                self._consumers.setdefault(name, []).append(node)
        self._outputs = {tensor.name for tensor in graph.outputs}
        self._nonnegative = nonnegative(model.graph, self._known)

    def attribute(self, name: str, default: Any = None) -> Any:
        """Return an attribute of the node at hand."""
        for attribute in self.node.attribute:
            if attribute.name == name:
                return helper.get_attribute_value(attribute)
        return default

    def shape(self, name: str) -> tuple[int, ...]:
        """Return a tensor's shape in ONNX."""
        if name in self._known:
            return self._known[name].shape
        if name in self._weights:
            return self._weights[name].shape
        if name not in self._shapes:
            raise self.refuse(f"the shape of {name!r} is not known")
        return self._shapes[name]

    def known(self, name: str) -> np.ndarray | None:
        """Return a constant's contents, weights drawn; nothing for what is computed."""
        if name in self._weights:
            filled = onnx.TensorProto()
            self._weights[name].fill(filled, self._seed)
            return numpy_helper.to_array(filled)
        return self._known.get(name)

    def constant(self, position: int) -> np.ndarray:
        """Return the constant that the node at hand takes at a position.

        Raises:
            UnsupportedWorkload: If it is computed or left out.
        """
        values = self.optional(position)
        if values is None:
            raise self.refuse(f"it lacks operand {position}")
        return values

    def optional(self, position: int) -> np.ndarray | None:
        """Return the constant that the node at hand takes at a position; nothing if left out."""
        if len(self.node.input) <= position or not self.node.input[position]:
            return None
        values = self.known(self.node.input[position])
        if values is None:
            raise self.refuse(f"its operand {self.node.input[position]!r} is computed")
        return values

    def consumers(self, name: str) -> list[onnx.NodeProto]:
        """Return the nodes that take a tensor, once for each time they do."""
        return self._consumers.get(name, [])

    def is_nonnegative(self, name: str) -> bool:
        """Whether no element of a tensor can be below zero."""
        return name in self._nonnegative

    def is_inner(self, name: str) -> bool:
        """Whether a tensor is no output of the graph."""
        return name not in self._outputs

    def is_matrix(self, name: str) -> bool:
        """Whether a tensor is a constant of two axes."""
        known = self._weights[name] if name in self._weights else self._known.get(name)
        return known is not None and len(known.shape) == MATRIX_RANK

    def alone(self, name: str) -> bool:
        """Whether one node alone needs a tensor, so that it may do with another in its stead."""
        return len(self.consumers(name)) == 1 and self.is_inner(name)

    def refuse(self, why: str) -> UnsupportedWorkload:
        """Return the error for the node at hand."""
        return UnsupportedWorkload(
            f"the TFLite form lacks {self.node.op_type} of this kind: {why}",
            where=f"node {self.node.name!r}",
        )


def _shapes(graph: onnx.GraphProto) -> Mapping[str, tuple[int, ...]]:
    return {
        value.name: tuple(axis.dim_value for axis in value.type.tensor_type.shape.dim)
        for value in (*graph.input, *graph.value_info, *graph.output)
        if value.type.tensor_type.HasField("shape")
    }
