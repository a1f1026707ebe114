"""A module under construction: fx nodes that follow an ONNX graph's; operators lie beside."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import onnx
import torch
from onnx import numpy_helper

from opscope.errors import UnsupportedWorkload
from opscope.graph import Graph

Value = Any
"""What flows from one fx node to the next: a `torch.fx.Node`."""

Convert = Callable[["Construction", "Step"], Value]
"""Adds what an ONNX node becomes and returns the value of its first output, or a list of all."""


class Step:
    """An ONNX node, its attributes read, with the names of all nodes it stands for."""

    def __init__(self, node: onnx.NodeProto, name: str, sources: tuple[str, ...]) -> None:
        self.name = name
        self.operator = node.op_type
        self.inputs = tuple(node.input)
        self.outputs = tuple(node.output)
        self.sources = sources
        self._attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}

    def get(self, attribute: str, default: Any = None) -> Any:
        """Return an attribute, texts as `str`, or ``default`` where it is not given."""
        value = self._attributes.get(attribute, default)
        return value.decode() if isinstance(value, bytes) else value

    def has(self, number: int) -> bool:
        """Whether the optional input ``number`` is given."""
        return len(self.inputs) > number and bool(self.inputs[number])

    def refuse(self, why: str) -> UnsupportedWorkload:
        """Return the error for a node that has no form here."""
        place = f"node {self.name} ({self.operator})"
        return UnsupportedWorkload(f"it has no form in PyTorch here: {why}", where=place)


class Construction:
    """The module so far, and the tensors that its next nodes may take."""

    def __init__(self, graph: Graph, seed: int) -> None:
        self.model = onnx.ModelProto.FromString(graph.structure)
        self.module = torch.nn.Module()
        self.fx = torch.fx.Graph()
        self._seed = seed
        self._weights = {weight.name: weight for weight in graph.weights}
        self._constants = {tensor.name: tensor for tensor in self.model.graph.initializer}
        self._values: dict[str, Value] = {}
        self._shapes = _shapes(self.model)
        self._sources: tuple[str, ...] = ()
        for tensor in graph.inputs:
            self._values[tensor.name] = self._noted(
                self.fx.placeholder(_identifier(tensor.name)), tensor.name
            )

    def convert(self, step: Step, operators: Mapping[str, Convert]) -> None:
        """Add what ``step`` becomes.

        Raises:
            UnsupportedWorkload: If it has no form.
        """
        if step.operator not in operators:
            raise step.refuse("the operator is not known")
        self._sources = step.sources
        results = operators[step.operator](self, step)
        results = results if isinstance(results, list) else [results]
        for name, value in zip(step.outputs, results, strict=False):
            if name:
                self._values[name] = self._noted(value, name)

    def add(self, step: Step, module: Any, *takes: Value) -> Value:
        """Add a call of ``module`` under the step's name."""
        name = self._free(step.name)
        self.module.add_module(name, module.eval().requires_grad_(requires_grad=False))
        return self._create("call_module", name, takes, {}, name)

    def call(self, step: Step, function: Callable[..., Any], *takes: Any, **options: Any) -> Value:
        """Add a call of ``function`` under the step's name."""
        return self._create("call_function", function, takes, options, _identifier(step.name))

    def value(self, name: str) -> Value:
        """Return the tensor that flows under ``name``; a constant becomes a buffer."""
        if name not in self._values:
            self._values[name] = self._noted(
                self._buffer(name, torch.tensor(self.array(name))), name
            )
        return self._values[name]

    def buffer(self, step: Step, tensor: Any) -> Value:
        """Keep a tensor with the module, and return it as a value."""
        return self._buffer(f"{step.name}_buffer", tensor)

    def array(self, name: str) -> np.ndarray:
        """Return a constant or weights, drawn now."""
        tensor = self._constants.get(name)
        if tensor is None:
            tensor = onnx.TensorProto()
            self._weights[name].fill(tensor, self._seed)
        return np.array(numpy_helper.to_array(tensor))

    def is_constant(self, name: str) -> bool:
        """Whether a tensor is known when the module is made."""
        return name in self._constants or name in self._weights

    def numbers(self, step: Step, number: int) -> list[int]:
        """Return the whole numbers that input ``number`` holds: a shape, axes, bounds.

        Raises:
            UnsupportedWorkload: If they are computed only when the network runs.
        """
        if not self.is_constant(step.inputs[number]):
            raise step.refuse(f"its input {number} is computed at run time")
        return [int(item) for item in self.array(step.inputs[number]).reshape(-1)]

    def shape(self, name: str) -> tuple[int, ...]:
        """Return a tensor's static shape."""
        if name in self._shapes:
            return self._shapes[name]
        return tuple(self.array(name).shape)

    def finish(self) -> Any:
        """Return the module; it yields a tuple of the graph's outputs."""
        outputs = tuple(self.value(output.name) for output in self.model.graph.output)
        self.fx.output(outputs)
        return torch.fx.GraphModule(self.module, self.fx).eval()

    def _buffer(self, name: str, tensor: Any) -> Value:
        target = self._free(name)
        self.module.register_buffer(target, tensor)
        return self._create("get_attr", target, (), {}, target)

    def _create(self, kind: str, target: Any, takes: Any, options: Any, name: str) -> Value:
        value = self.fx.create_node(kind, target, takes, options, name=name)
        value.meta["sources"] = self._sources
        return value

    def _noted(self, value: Value, name: str) -> Value:
        value.meta.setdefault("sources", ())
        value.meta["shape"] = self.shape(name)
        return value

    def _free(self, name: str) -> str:
        """Return a name for an attribute of the module that nothing has yet."""
        free = _identifier(name)
        while hasattr(self.module, free):
            free += "_"
        return free


def _identifier(name: str) -> str:
    spelled = re.sub(r"\W", "_", name)
    return f"_{spelled}" if not spelled or spelled[0].isdigit() else spelled


def _shapes(model: onnx.ModelProto) -> dict[str, tuple[int, ...]]:
    graph = model.graph
    return {
        value.name: tuple(axis.dim_value for axis in value.type.tensor_type.shape.dim)
        for value in (*graph.input, *graph.value_info, *graph.output)
    }
