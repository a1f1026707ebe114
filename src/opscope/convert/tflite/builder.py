"""Builder: ONNX values as TFLite tensors in whichever layout they are, and operators between them.

A value stays in the layout in which it was produced, and gains another only when an operator asks
for it: transposes of the graph move no element until something needs the new order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from msgspec.structs import replace
from onnx import helper, numpy_helper

from opscope.convert.tflite import layout
from opscope.convert.tflite.layout import NHWC, Order
from opscope.convert.tflite.signs import nonnegative
from opscope.convert.tflite.writer import TfliteWriter
from opscope.core.record import Record
from opscope.errors import UnsupportedWorkload
from opscope.graph import Graph

ACTIVATIONS = {"NONE": 0, "RELU": 1, "RELU_N1_TO_1": 2, "RELU6": 3}
"""What an operator can be fused with, as LiteRT's kernels compute it, by its number."""

MATRICES = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
"""Operators with weights, into which a factor and a bias for each output channel are folded."""

MATRIX_RANK = 2

_FUSING = {*MATRICES, "ADD", "SUB", "MUL", "DIV"}


class Value(Record, frozen=True, kw_only=True):
    """An ONNX value as the file has it.

    Attributes:
        index: The tensor.
        shape: Its shape in ONNX.
        order: The ONNX axis that each axis as stored is.
        code: The operator that yields it; empty for inputs and constants.
        maker: That operator's record.
        moved: The graph's transposes whose elements have not been moved yet.
        columns: Where each element of the last axis as stored is in ONNX, if not in its place.
    """

    index: int
    shape: tuple[int, ...]
    order: Order
    code: str = ""
    maker: Any = None
    moved: tuple[str, ...] = ()
    columns: np.ndarray | None = None


class Builder:
    """A TFLite file under construction from a graph.

    Args:
        graph: The graph.
        seed: Of its weights.

    Attributes:
        writer: The file.
        node: The node at hand.
        sources: Names of the graph's nodes that the operator does the work of which yields a
            tensor, by that tensor's name.
    """

    def __init__(self, graph: Graph, seed: int) -> None:
        model = onnx.ModelProto.FromString(graph.structure)
        self.writer = TfliteWriter()
        self.graph = model.graph
        self.node = onnx.NodeProto()
        self.sources: dict[str, list[str]] = {}
        self._seed = seed
        self._weights = {weight.name: weight for weight in graph.weights}
        self._known = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
        self._shapes = _shapes(model.graph)
        self._consumers: dict[str, list[onnx.NodeProto]] = {}
        for node in model.graph.node:
            for name in node.input:
                self._consumers.setdefault(name, []).append(node)
        self._outputs = {tensor.name for tensor in graph.outputs}
        self._values: dict[str, Value] = {}
        self._names: Counter[str] = Counter()
        self._nonnegative = nonnegative(model.graph, self._known)

    # --- What the graph says

    def attribute(self, name: str, default: Any = None) -> Any:
        """Return an attribute of the node at hand."""
        for attribute in self.node.attribute:
            if attribute.name == name:
                return helper.get_attribute_value(attribute)
        return default

    def shape(self, name: str) -> tuple[int, ...]:
        """Return a tensor's shape in ONNX."""
        if name in self._values:
            return self._values[name].shape
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
            UnsupportedWorkload: If it is computed instead.
        """
        values = self.known(self.node.input[position])
        if values is None:
            raise self.refuse(f"its operand {self.node.input[position]!r} is computed")
        return values

    def optional(self, position: int) -> np.ndarray | None:
        """Return the constant that the node at hand takes at a position; nothing if left out."""
        given = len(self.node.input) > position and self.node.input[position]
        return self.constant(position) if given else None

    def remember(self, name: str, values: np.ndarray) -> None:
        """Take a tensor for a constant."""
        self._known[name] = values

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

    # --- Values

    def start(self, name: str, shape: tuple[int, ...]) -> Value:
        """Add an input of the graph, an image as NHWC."""
        order = layout.usual(len(shape))
        index = self.writer.tensor(layout.stored(shape, order), name=self._name(name))
        self._values[name] = Value(index=index, shape=shape, order=order)
        return self._values[name]

    def take(self, name: str) -> Value:
        """Return a value in whichever layout it is; a constant in ONNX's."""
        if name not in self._values:
            values = self.known(name)
            if values is None:
                raise self.refuse(f"its operand {name!r} comes from nowhere")
            values = np.asarray(values, np.float32)
            index = self.writer.tensor(values.shape, data=values, name=self._name(name))
            return Value(index=index, shape=values.shape, order=layout.plain(values.ndim))
        return self._values[name]

    def image(self, name: str) -> Value:
        """Return a value as NHWC.

        Raises:
            UnsupportedWorkload: If it has not four axes.
        """
        value = self.take(name)
        if len(value.shape) != layout.IMAGE_RANK:
            raise self.refuse(f"{name!r} has {len(value.shape)} axes instead of 4")
        return self.ordered(value, NHWC)

    def plain(self, name: str) -> Value:
        """Return a value in ONNX's layout."""
        value = self.take(name)
        return self.ordered(value, layout.plain(len(value.shape)))

    def ordered(self, value: Value, order: Order) -> Value:
        """Return a value stored in another order, by a TRANSPOSE if that moves elements."""
        shape = layout.stored(value.shape, order)
        if layout.same_elements(value.shape, value.order, order):
            if layout.stored(value.shape, value.order) == shape:
                return replace(value, order=order)
            return replace(self.reshape(value, value.shape, order), moved=value.moved)
        perm = [value.order.index(axis) for axis in order]
        inputs = [value.index, self.writer.constant(perm)]
        name = value.moved[-1] if value.moved else f"{self.node.name}/transpose"
        return self.add(
            "TRANSPOSE", inputs, value.shape, order, "TransposeOptions", name=name, of=value.moved
        )

    def reshape(self, value: Value, shape: Sequence[int], order: Order, name: str = "") -> Value:
        """Return a value with another shape, its elements where they are."""
        target = layout.stored(shape, order)
        inputs = [value.index, self.writer.constant(target)]
        return self.add(
            *("RESHAPE", inputs, shape, order, "ReshapeOptions"),
            name=name or f"{self.node.name}/reshape",
            newShape=list(target),
        )

    def give(self, value: Value, position: int = 0) -> None:
        """Say which value an output of the node at hand has."""
        self._values[self.node.output[position]] = value

    # --- Operators

    def add(
        self,
        code: str,
        inputs: Sequence[int],
        shape: Sequence[int],
        order: Order,
        options: str = "",
        *,
        name: str = "",
        of: Sequence[str] = (),
        **values: Any,
    ) -> Value:
        """Add an operator that yields one tensor, and return it.

        Args:
            code: Its name in the schema.
            inputs: Tensors by index.
            shape: Of what it yields, in ONNX.
            order: In which that is stored.
            options: Name of the schema's record of options.
            name: Of the tensor; the node's at hand if left out.
            of: Nodes that it does the work of, if not of the one at hand.
            values: Fields of the options.
        """
        name = self._name(name or self.node.name)
        index = self.writer.tensor(layout.stored(shape, order), name=name)
        maker = self.writer.operator(code, inputs, [index], options, **values)
        self.sources[name] = list(of or [self.node.name])
        return Value(index=index, shape=tuple(shape), order=order, code=code, maker=maker)

    def weights(self, values: np.ndarray, name: str = "") -> int:
        """Add the weights of the node at hand and return their tensor."""
        name = self._name(name or f"{self.node.name}/weight")
        return self.writer.constant(values, "float32", name=name)

    def floats(self, values: Any) -> int:
        """Add a constant of float32 for the node at hand and return its tensor."""
        return self.writer.constant(values, "float32", name=self._name(f"{self.node.name}/c"))

    def fuse(self, name: str, activation: str) -> bool:
        """Fuse the activation that the node at hand is with the operator before it, if it may."""
        value = self._values.get(name)
        if value is None or value.code not in _FUSING or not self.alone(name):
            return False
        options = value.maker.builtinOptions
        if options.fusedActivationFunction:
            return False
        options.fusedActivationFunction = ACTIVATIONS[activation]
        self.join(value)
        return True

    def fold(self, name: str, factor: np.ndarray, bias: np.ndarray) -> bool:
        """Fold a factor and a bias per channel into the weights before them, if they may be."""
        value = self._values.get(name)
        if value is None or value.code not in MATRICES or not self.alone(name):
            return False
        if value.maker.builtinOptions.fusedActivationFunction:
            return False
        weights, biases = value.maker.inputs[1:]
        channels = -1 if value.code == "DEPTHWISE_CONV_2D" else 0
        contents = self.writer.contents(weights)
        along = [1] * contents.ndim
        along[channels] = -1
        self.writer.replace(weights, contents * factor.reshape(along).astype(np.float32))
        folded = self.writer.contents(biases) * factor + bias
        self.writer.replace(biases, folded.astype(np.float32))
        self.join(value)
        return True

    def join(self, value: Value) -> None:
        """Let an operator's output stand for that of the node at hand as well."""
        self.sources[self.writer.name(value.index)].append(self.node.name)
        self.give(value)

    def _name(self, wanted: str) -> str:
        self._names[wanted] += 1
        count = self._names[wanted]
        return wanted if count == 1 else self._name(f"{wanted}.{count}")


def _shapes(graph: onnx.GraphProto) -> Mapping[str, tuple[int, ...]]:
    return {
        value.name: tuple(axis.dim_value for axis in value.type.tensor_type.shape.dim)
        for value in (*graph.input, *graph.value_info, *graph.output)
        if value.type.tensor_type.HasField("shape")
    }
