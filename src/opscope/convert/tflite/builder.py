"""Builder: ONNX values as TFLite tensors in whichever layout they are, and operators between them.

A value stays in the layout in which it was produced, and gains another only when an operator asks
for it: transposes of the graph move no element until something needs the new order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec.structs import replace

from opscope.convert.tflite import layout
from opscope.convert.tflite.layout import NHWC, Order
from opscope.convert.tflite.source import Source
from opscope.convert.tflite.writer import TfliteWriter
from opscope.core.record import Record
from opscope.graph import Graph

ACTIVATIONS = {"NONE": 0, "RELU": 1, "RELU_N1_TO_1": 2, "RELU6": 3}
"""What an operator can be fused with, as LiteRT's kernels compute it, by its number."""

MATRICES = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
"""Operators with weights, into which a factor and a bias for each output channel are folded."""

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


class Builder(Source):
    """A TFLite file under construction from a graph.

    Attributes:
        writer: The file.
        sources: Names of the graph's nodes that the operator does the work of which yields a
            tensor, by that tensor's name.
    """

    def __init__(self, graph: Graph, seed: int) -> None:
        super().__init__(graph, seed)
        self.writer = TfliteWriter()
        self.sources: dict[str, list[str]] = {}
        self._values: dict[str, Value] = {}
        self._names: Counter[str] = Counter()

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

    def fold(self, name: str, axis: int, factor: np.ndarray, bias: np.ndarray) -> bool:
        """Fold a factor and a bias along an axis into the weights before them, if they may be."""
        value = self._values.get(name)
        if value is None or value.code not in MATRICES or not self.alone(name):
            return False
        if value.order[-1] != axis or value.maker.builtinOptions.fusedActivationFunction:
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
