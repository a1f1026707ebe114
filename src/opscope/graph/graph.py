"""Graph: a checked ONNX graph without its weights. How one is put together is said elsewhere."""

from __future__ import annotations

import functools
import math
from pathlib import Path

import numpy as np
import onnx
from onnx.external_data_helper import set_external_data

from opscope.core.record import Record
from opscope.errors import InputError
from opscope.graph.kinds import NORMAL, InputKind
from opscope.graph.weights import Weights

PROTOBUF_LIMIT_BYTES = 2**31 - 1
"""The largest model that fits into one file or message; beyond it the weights stand beside it."""


class Tensor(Record, frozen=True, kw_only=True):
    """A value that flows through the graph: its static shape, NCHW for images, and numpy type."""

    name: str
    shape: tuple[int, ...]
    dtype: str = "float32"

    @property
    def channels(self) -> int:
        """Size of the channel axis."""
        return self.shape[1]

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)


class Input(Tensor, frozen=True, kw_only=True):
    """A tensor that whoever runs the graph supplies, and what it carries."""

    kind: InputKind = NORMAL


class Graph(Record, frozen=True, kw_only=True):
    """A checked ONNX graph without its weights, which follow from a seed or are kept in a file.

    Attributes:
        structure: Serialised ONNX model in which each tensor of weights is still an input.
        activations: Elements of all tensors that flow, inputs included.
    """

    structure: bytes
    inputs: tuple[Input, ...]
    outputs: tuple[Tensor, ...]
    weights: tuple[Weights, ...]
    activations: int

    @property
    def parameters(self) -> int:
        """Number of weights."""
        return sum(weight.size for weight in self.weights)

    @property
    def size_bytes(self) -> int:
        """Bytes of the model with its weights."""
        return len(self.structure) + sum(weight.size_bytes for weight in self.weights)

    @property
    def fits_one_message(self) -> bool:
        """Whether the model with its weights fits into one file or message."""
        return self.size_bytes <= PROTOBUF_LIMIT_BYTES

    def materialise(self, seed: int) -> onnx.ModelProto:
        """Return the ONNX model with its weights; those not kept in a file are drawn from ``seed``.

        Raises:
            InputError: If the model is above 2 GB, which one message cannot hold.
        """
        if not self.fits_one_message:
            raise InputError(
                "one ONNX message holds 2 GB at most",
                where=f"a model of {self.size_bytes} bytes",
                remedy="Use Graph.save, which puts the weights into a file beside the model.",
            )
        model = self._skeleton()
        for weight in self.weights:
            weight.fill(model.graph.initializer.add(), seed)
        return model

    def save(self, path: Path, seed: int, *, limit_bytes: int = PROTOBUF_LIMIT_BYTES) -> int:
        """Write the ONNX model and return the bytes it takes.

        Above ``limit_bytes`` its weights go into ``<path>.data`` beside it. Weights are written
        one tensor at a time, so that a large model need not fit into memory.
        """
        if self.size_bytes <= limit_bytes:
            return path.write_bytes(self.materialise(seed).SerializeToString())
        model, data = self._skeleton(), path.with_name(f"{path.name}.data")
        with data.open("wb") as file:
            for weight in self.weights:
                initializer, offset = onnx.TensorProto(), file.tell()
                weight.fill(initializer, seed)
                file.write(initializer.raw_data)
                set_external_data(initializer, data.name, offset, len(initializer.raw_data))
                initializer.ClearField("raw_data")
                model.graph.initializer.append(initializer)
        return data.stat().st_size + path.write_bytes(model.SerializeToString())

    def draw_inputs(self, seed: int) -> dict[str, np.ndarray]:
        """Return inputs by name, each of its declared kind; standard normal float32 by default.

        Neither zeros nor denormals, which would change the time a kernel takes.
        """
        drawn = _drawn(self.inputs, seed)
        return {tensor.name: array.copy() for tensor, array in zip(self.inputs, drawn, strict=True)}

    def _skeleton(self) -> onnx.ModelProto:
        model = onnx.ModelProto()
        model.ParseFromString(self.structure)
        del model.graph.input[len(self.inputs) :]
        return model


@functools.lru_cache(maxsize=1)
def _drawn(inputs: tuple[Input, ...], seed: int) -> tuple[np.ndarray, ...]:
    """Return what was drawn last, if it is asked for again: by each preparation, and in a sweep."""
    stream = np.random.default_rng(seed)
    return tuple(tensor.kind.draw(tensor.shape, tensor.dtype, stream) for tensor in inputs)
