"""Builder: TFLite tensors as ONNX values, in either layout, and the nodes between them.

TFLite keeps images as NHWC, ONNX as NCHW. A value exists in the layout in which it was produced and
gains the other one, by a Transpose, only when an operator asks for it: convolutions and what lies
between them stay NCHW, and transposes remain at the borders. Quantised tensors flow as
DequantizeLinear(QuantizeLinear(x)), which runtimes take as integer arithmetic.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from opscope.errors import ConfigurationError
from opscope.graph.importers.tflite.reader import TfModel, TfOperator, TfTensor

IMAGE_RANK = 4
TO_NCHW, TO_NHWC = (0, 3, 1, 2), (0, 2, 3, 1)
NCHW_AXIS = (0, 2, 3, 1)
"""Where an axis of NHWC is found in NCHW."""

_GROWTH = 8
_GROWTH_LIMIT_BYTES = 64 << 20
"""What constants may take beyond ``_GROWTH`` times the file, as tensors may share their bytes."""


class Builder:
    """An ONNX graph under construction from a TFLite model.

    Args:
        model: The model, every tensor index in it valid.
        size: Bytes of its file.
    """

    def __init__(self, model: TfModel, size: int) -> None:
        self.model = model
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.operator: TfOperator | None = None
        self._budget = _GROWTH * size + _GROWTH_LIMIT_BYTES
        self._names: Counter[str] = Counter()
        self._plain: dict[int, str] = {}
        self._nchw: dict[int, str] = {}
        self._known: dict[int, np.ndarray] = {}
        self._quantised: dict[int, tuple[str, bool]] = {}
        self.static = all(min(model.tensors[i].axes, default=1) > 0 for i in model.inputs)

    def tensor(self, index: int) -> TfTensor:
        """Return a tensor of the operator at hand; ``index`` counts in the whole model."""
        if index < 0:
            raise ConfigurationError("a tensor that it needs is left out")
        return self.model.tensors[index]

    def known(self, index: int) -> np.ndarray:
        """Return the contents of a constant in TFLite's layout, real numbers where quantised.

        Raises:
            ConfigurationError: If the tensor is computed by the model.
        """
        values = self.maybe_known(index)
        if values is None:
            raise ConfigurationError(
                f"its operand {self.tensor(index).name!r} is not a constant",
                remedy="Export the model with static shapes and constant weights.",
            )
        return values

    def maybe_known(self, index: int) -> np.ndarray | None:
        """Return the contents of a constant as `known`, or nothing for what is computed."""
        if index in self._known:
            return self._known[index]
        tensor = self.tensor(index)
        if tensor.data is None or not tensor.is_quantised:
            return tensor.data
        shape = [1] * tensor.rank
        if tensor.scale.size > 1:
            shape[tensor.axis] = tensor.scale.size
        zero, scale = (a.reshape(shape) for a in (tensor.zero_point, tensor.scale))
        steps = tensor.data.astype(np.int64) - zero
        return np.asarray(steps * scale, np.float32)

    def is_constant(self, index: int) -> bool:
        """Whether the file, or arithmetic on what is in it, says what the tensor holds."""
        return index in self._known or self.tensor(index).data is not None

    def remember(self, index: int, values: np.ndarray) -> None:
        """Take a tensor that the model computes from constants as a constant."""
        self._charge(values)
        self._known[index] = values

    def constant(self, values: np.ndarray, name: str = "constant") -> str:
        """Add a constant and return its name."""
        self._charge(values)
        unique = self.name(name)
        self.constants.append(numpy_helper.from_array(np.asarray(values, order="C"), unique))
        return unique

    def _charge(self, values: np.ndarray) -> None:
        self._budget -= values.nbytes
        if self._budget < 0:
            raise ConfigurationError(
                "its constants take several times the bytes of the file",
                remedy="The file is damaged or made to do harm.",
            )

    def integers(self, values: Sequence[int]) -> str:
        """Add a list of int64 and return its name."""
        return self.constant(np.array(values, np.int64))

    def weight(self, index: int, order: Sequence[int] | None = None) -> str:
        """Return a constant with its axes in another order, quantised where the file has it so.

        Quantised weights stay integers, with a DequantizeLinear behind them.
        """
        tensor = self.tensor(index)
        if tensor.data is None or index in self._known or not tensor.is_quantised:
            values = self.known(index)
            real = values.astype(np.float32) if values.dtype == np.float16 else values
            return self.constant(real if order is None else real.transpose(order), tensor.name)
        order = range(tensor.rank) if order is None else order
        name = self.constant(tensor.data.transpose(tuple(order)), tensor.name)
        axis = list(order).index(tensor.axis) if tensor.scale.size > 1 else 0
        return self.node("DequantizeLinear", [name, *self._steps(tensor)], axis=axis)

    def node(self, operator: str, inputs: Sequence[str], count: int = 1, **attributes: Any) -> str:
        """Add a node with one output, or several named with ``.0``, ``.1`` and so on."""
        at = self.operator
        name = self.name(f"{at.name.lower()}_{at.index}/{operator}" if at else operator)
        outputs = [name] if count == 1 else [f"{name}.{i}" for i in range(count)]
        self.nodes.append(helper.make_node(operator, inputs, outputs, name=name, **attributes))
        return name

    def name(self, wanted: str) -> str:
        """Return a name that no other tensor has."""
        self._names[wanted] += 1
        count = self._names[wanted]
        if count == 1:
            return wanted
        return self.name(f"{wanted}.{count}")

    def is_image(self, index: int) -> bool:
        """Whether a tensor is at hand as NCHW."""
        return index in self._nchw

    def prefers_nchw(self, indices: Sequence[int]) -> bool:
        """Whether an operator that does not care for layout should work on NCHW."""
        computed = [i for i in indices if i >= 0 and not self.is_constant(i)]
        ranks = {self.tensor(i).rank for i in computed}
        return ranks == {IMAGE_RANK} and any(i in self._nchw for i in computed)

    def plain(self, index: int) -> str:
        """Return a tensor's value in TFLite's own layout."""
        if index not in self._plain:
            if index in self._nchw:
                self._plain[index] = self.node("Transpose", [self._nchw[index]], perm=TO_NHWC)
            else:
                self._plain[index] = self.weight(index)
        return self._plain[index]

    def nchw(self, index: int) -> str:
        """Return a tensor's value as NCHW, constants of fewer axes stretched to four."""
        if index not in self._nchw:
            tensor = self.tensor(index)
            if tensor.rank < IMAGE_RANK and self.is_constant(index):
                values = self.known(index).astype(np.float32)
                shape = (1,) * (IMAGE_RANK - values.ndim) + values.shape
                image = values.reshape(shape).transpose(TO_NCHW)
                self._nchw[index] = self.constant(image, tensor.name)
            elif tensor.rank != IMAGE_RANK:
                raise ConfigurationError(
                    f"its operand {tensor.name!r} has {tensor.rank} axes instead of 4"
                )
            elif self.is_constant(index):
                self._nchw[index] = self.weight(index, TO_NCHW)
            else:
                self._nchw[index] = self.node("Transpose", [self.plain(index)], perm=TO_NCHW)
        return self._nchw[index]

    def value(self, index: int, *, nchw: bool) -> str:
        """Return a tensor's value in the layout asked for."""
        return self.nchw(index) if nchw else self.plain(index)

    def order_free(self, index: int) -> str:
        """Return a value whose elements come in TFLite's order, by whichever name has them so.

        Without height and width, or with one channel, both layouts have the same order.
        """
        axes = self.tensor(index).axes
        if self.static and index in self._nchw and index not in self._plain:
            _, height, width, channels = axes
            if height == width == 1 or channels == 1:
                return self._nchw[index]
        return self.plain(index)

    def give(self, index: int, name: str, *, nchw: bool) -> None:
        """Say which value an output of the operator at hand has, quantising it where it is so."""
        tensor = self.tensor(index)
        if index in self._plain or index in self._nchw or tensor.data is not None:
            raise ConfigurationError(f"{tensor.name!r} is produced twice")
        if tensor.is_quantised:
            if tensor.data_type not in {TensorProto.INT8, TensorProto.UINT8}:
                raise ConfigurationError(
                    f"its output {tensor.name!r} is quantised to more than 8 bits",
                    remedy="Export the model with floating-point numbers, or quantised to 8 bits.",
                )
            name = self.node("QuantizeLinear", [name, *self._steps(tensor)])
            self._quantised[index] = name, nchw
            name = self.node("DequantizeLinear", [name, *self._steps(tensor)])
        (self._nchw if nchw else self._plain)[index] = name

    def alias(self, index: int, source: int) -> None:
        """Let one tensor stand for another whose values are the same."""
        for names in (self._plain, self._nchw):
            if source in names:
                names[index] = names[source]

    def start(self, index: int) -> onnx.ValueInfoProto:
        """Add an input of the model and return its declaration, with what it leaves open."""
        tensor = self.tensor(index)
        name = self.name(tensor.name)
        axes = [size if size > 0 else f"{name}_{axis}" for axis, size in enumerate(tensor.axes)]
        if tensor.is_quantised:
            self._quantised[index] = name, False
            real = self.node("DequantizeLinear", [name, *self._steps(tensor)])
        else:
            real = name
        self._plain[index] = real
        return helper.make_tensor_value_info(name, tensor.data_type, axes)

    def finish(self, index: int) -> tuple[str, TfTensor]:
        """Return the value of an output of the model, in TFLite's layout and number format."""
        if index in self._quantised:
            name, nchw = self._quantised[index]
            return self.node("Transpose", [name], perm=TO_NHWC) if nchw else name, self.tensor(
                index
            )
        return self.plain(index), self.tensor(index)

    def _steps(self, tensor: TfTensor) -> list[str]:
        """Return scale and zero point as constants; a 32-bit bias has no zero point."""
        one = tensor.scale.size == 1
        if not (one or tensor.data is not None):
            raise ConfigurationError(f"{tensor.name!r} is computed, and quantised by axis")
        scale = self.constant(tensor.scale[0] if one else tensor.scale, f"{tensor.name}.scale")
        if tensor.data_type == TensorProto.INT32:
            return [scale]
        dtype = helper.tensor_dtype_to_np_dtype(tensor.data_type)
        limits = np.iinfo(dtype)
        if (tensor.zero_point < limits.min).any() or (tensor.zero_point > limits.max).any():
            raise ConfigurationError(f"the zero point of {tensor.name!r} does not fit its type")
        zero = tensor.zero_point.astype(dtype)
        return [scale, self.constant(zero[0] if one else zero, f"{tensor.name}.zero_point")]
