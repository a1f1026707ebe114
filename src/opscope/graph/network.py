"""Network: builds an ONNX graph node by node, keeping shapes. Graph: the checked result.

What the nodes are for (operators, blocks, whole networks) is said elsewhere in this package.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from opscope.core.record import Record
from opscope.graph.weights import Weight, he_bound

OPSET = 20
IR_VERSION = 10


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


class Network:
    """A graph under construction. Each method adds a node and returns the tensor it yields."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._tensors: list[Tensor] = []
        self._inputs: list[Tensor] = []
        self._weights: list[Weight] = []
        self._constants: list[onnx.TensorProto] = []
        self._counts: Counter[str] = Counter()

    def input(self, shape: tuple[int, ...], name: str = "input") -> Tensor:
        """Add a float32 input of ``shape``."""
        tensor = Tensor(name=name, shape=shape)
        self._inputs.append(tensor)
        return tensor

    def weight(self, node: str, role: str, shape: tuple[int, ...], bound: float) -> str:
        """Declare weights of ``shape``, to be drawn later; return their name."""
        weight = Weight(name=f"{node}.{role}", shape=shape, bound=bound)
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
        **attributes: Any,
    ) -> Tensor:
        """Add a node with one output of ``shape``."""
        name = name or self.name(operator)
        self._nodes.append(helper.make_node(operator, inputs, [name], name=name, **attributes))
        output = Tensor(name=name, shape=shape)
        self._tensors.append(output)
        return output

    def name(self, operator: str) -> str:
        """Return a fresh node name: the operator and a running number."""
        number = self._counts[operator]
        self._counts[operator] += 1
        return f"{operator.lower()}{number}"

    def conv(
        self,
        x: Tensor,
        cout: int,
        k: int,
        *,
        s: int = 1,
        pad: int | None = None,
        groups: int = 1,
        dilation: int = 1,
        bias: bool = True,
    ) -> Tensor:
        """Add a 2-D convolution with a square kernel; ``pad`` left out keeps H and W at stride 1.

        Args:
            x: Input of shape (N, Cin, H, W).
            cout: Output channels.
            k: Kernel size.
            s: Stride.
            pad: Zeros on each side of H and W.
            groups: Groups of channels that do not mix.
            dilation: Distance between the kernel's taps.
            bias: Whether a bias is added.

        Returns:
            The output of shape (N, Cout, H', W').
        """
        pad = same_padding(k, dilation) if pad is None else pad
        name = self.name("Conv")
        cin = x.channels // groups
        bound = he_bound(cin * k * k)
        inputs = [x.name, self.weight(name, "weight", (cout, cin, k, k), bound)]
        if bias:
            inputs.append(self.weight(name, "bias", (cout,), bound / 10))
        spatial = (output_size(side, k, s, pad, dilation) for side in x.shape[2:])
        return self.node(
            "Conv",
            inputs,
            (x.shape[0], cout, *spatial),
            name=name,
            kernel_shape=[k, k],
            strides=[s, s],
            pads=[pad] * 4,
            dilations=[dilation] * 2,
            group=groups,
        )

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


def same_padding(k: int, dilation: int = 1) -> int:
    """Return the padding that keeps H and W at stride 1 for an odd kernel."""
    return dilation * (k - 1) // 2


def output_size(side: int, k: int, s: int, pad: int, dilation: int = 1) -> int:
    """Return H' for H: ⌊(H + 2·pad − dilation·(K − 1) − 1) / S⌋ + 1, as ONNX defines Conv."""
    return (side + 2 * pad - dilation * (k - 1) - 1) // s + 1


def _value_info(tensor: Tensor) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(tensor.name, TensorProto.FLOAT, tensor.shape)
