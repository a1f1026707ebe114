"""Graph: a checked ONNX graph without its weights. How one is put together is said elsewhere."""

from __future__ import annotations

import math

import numpy as np
import onnx

from opscope.core.record import Record
from opscope.graph.weights import Weight


class Tensor(Record, frozen=True, kw_only=True):
    """A value that flows through the graph: its name and its static shape, NCHW for images."""

    name: str
    shape: tuple[int, ...]

    @property
    def channels(self) -> int:
        """Size of the channel axis."""
        return self.shape[1]

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)


class Graph(Record, frozen=True, kw_only=True):
    """A checked ONNX graph without its weights, which follow from a seed.

    Attributes:
        structure: Serialised ONNX model in which each tensor of weights is still an input.
        activations: Elements of all tensors that flow, inputs included.
    """

    structure: bytes
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    weights: tuple[Weight, ...]
    activations: int

    @property
    def parameters(self) -> int:
        """Number of weights."""
        return sum(weight.size for weight in self.weights)

    def materialise(self, seed: int) -> onnx.ModelProto:
        """Return the ONNX model with its weights drawn from ``seed``."""
        model = onnx.ModelProto()
        model.ParseFromString(self.structure)
        del model.graph.input[len(self.inputs) :]
        for weight in self.weights:
            weight.fill(model.graph.initializer.add(), seed)
        return model

    def draw_inputs(self, seed: int) -> dict[str, np.ndarray]:
        """Return float32 inputs by name, standard normal.

        Neither zeros nor denormals, which would change the time a kernel takes.
        """
        stream = np.random.default_rng(seed)
        return {
            tensor.name: stream.standard_normal(tensor.shape, dtype=np.float32)
            for tensor in self.inputs
        }
