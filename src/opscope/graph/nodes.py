"""Nodes: builds an ONNX graph node by node, keeping shapes. Layers with names are in `network`."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from opscope.graph.graph import Graph, Input, Tensor
from opscope.graph.weights import Weight

OPSET = 20
IR_VERSION = 10


class Nodes:
    """A graph under construction. Each method adds a node and returns the tensor it yields."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._tensors: list[Tensor] = []
        self._inputs: list[Input] = []
        self._weights: list[Weight] = []
        self._constants: list[onnx.TensorProto] = []
        self._counts: Counter[str] = Counter()

    def input(self, shape: tuple[int, ...], name: str = "input") -> Tensor:
        """Add a float32 input of ``shape``."""
        tensor = Input(name=name, shape=shape)
        self._inputs.append(tensor)
        return tensor

    def weight(
        self, node: str, role: str, shape: tuple[int, ...], bound: float, *, centre: float = 0.0
    ) -> str:
        """Declare weights within ``bound`` of ``centre``, to be drawn later; return their name."""
        weight = Weight(name=f"{node}.{role}", shape=shape, bound=bound, centre=centre)
        self._weights.append(weight)
        return weight.name

    def constant(self, value: float | list[int]) -> str:
        """Add a small constant, a float32 scalar or int64 list, and return its name."""
        array = np.array(value, np.int64 if isinstance(value, list) else np.float32)
        name = f"constant{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(array, name))
        return name

    def node(
        self,
        operator: str,
        inputs: list[str],
        shape: tuple[int, ...],
        *,
        name: str = "",
        skip: int = 0,
        **attributes: Any,
    ) -> Tensor:
        """Add a node of which one output is used, of ``shape``; ``skip`` come before it."""
        name = name or self.name(operator)
        outputs = [""] * skip + [name]
        self._nodes.append(helper.make_node(operator, inputs, outputs, name=name, **attributes))
        output = Tensor(name=name, shape=shape)
        self._tensors.append(output)
        return output

    def name(self, operator: str) -> str:
        """Return a fresh node name: the operator and a running number."""
        number = self._counts[operator]
        self._counts[operator] += 1
        return f"{operator.lower()}{number}"

    def finish(self, *outputs: Tensor) -> Graph:
        """Check the structure, shapes included, and return it.

        Raises:
            onnx.checker.ValidationError: If a node is malformed.
            onnx.shape_inference.InferenceError: If ONNX infers another shape than was kept.
        """
        placeholders = [Tensor(name=w.name, shape=w.shape) for w in self._weights]
        graph = helper.make_graph(
            self._nodes,
            "opscope",
            [_value_info(tensor) for tensor in (*self._inputs, *placeholders)],
            [_value_info(tensor) for tensor in outputs],
            initializer=self._constants,
            value_info=[_value_info(t) for t in self._tensors if t not in outputs],
        )
        opset = helper.make_opsetid("", OPSET)
        model = helper.make_model(graph, opset_imports=[opset], ir_version=IR_VERSION)
        onnx.checker.check_model(model, full_check=True)
        return Graph(
            structure=model.SerializeToString(),
            inputs=tuple(self._inputs),
            outputs=outputs,
            weights=tuple(self._weights),
            activations=sum(t.size for t in (*self._inputs, *self._tensors)),
        )


def _value_info(tensor: Tensor) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(tensor.name, TensorProto.FLOAT, tensor.shape)
