"""Static shapes: those of the inputs from what was declared, all others by ONNX's own inference."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

import onnx
from onnx import TensorProto, helper, shape_inference

from opscope.errors import ConfigurationError
from opscope.graph.graph import Tensor
from opscope.graph.importers.checks import describe
from opscope.graph.importers.declarations import BATCH, Shape, Size
from opscope.graph.importers.tensors import numpy_name, size_bytes
from opscope.graph.weights import StoredWeight

TENSOR_LIMIT_BYTES = 2**34
"""Sixteen gigabytes: no layer of a convolutional network yields as much in one tensor."""

_RANK_LIMIT = 8
_UNNAMED = {"", "?", "-1", "None"}
"""What exporters write for a size without a name, which need not be the same twice."""

_FAULT = re.compile(r"\(op_type:([^,]*), node name: (.*?)\): (?:\[\w+\] )*(.*)", re.DOTALL)

Axis = int | str | None
"""A fixed size, the name of one that is not, or neither."""


class Dynamic:
    """The inputs of a model as its file has them: fixed sizes, named ones and unknown ones."""

    def __init__(self, inputs: Sequence[onnx.ValueInfoProto]) -> None:
        self.axes = {value.name: _axes(value) for value in inputs}

    def resolve(self, declared: Mapping[str, Shape]) -> dict[str, Shape]:
        """Return every input's shape; an axis named in two inputs has one size.

        Raises:
            ConfigurationError: If a declared shape contradicts the file, or a size stays unknown.
        """
        sizes: dict[str, Size] = {}
        for name, shape in declared.items():
            self._check(name, shape)
            for axis, size in zip(self.axes[name] or (), shape, strict=False):
                if isinstance(axis, str) and sizes.setdefault(axis, size) != size:
                    raise ConfigurationError(
                        f"axis {axis!r} is declared as {sizes[axis]} and as {size}",
                        where=f"input {name!r}",
                        remedy="Declare one size for it.",
                    )
        return {name: declared.get(name) or self._known(name, sizes) for name in self.axes}

    def is_dynamic(self, name: str) -> bool:
        """Whether the file leaves a size of an input open."""
        axes = self.axes[name]
        return axes is None or not all(isinstance(axis, int) for axis in axes)

    def _check(self, name: str, shape: Shape) -> None:
        axes = self.axes[name]
        if axes is None:
            return
        agree = len(axes) == len(shape) and all(
            not isinstance(axis, int) or axis == size
            for axis, size in zip(axes, shape, strict=True)
        )
        if not agree:
            raise ConfigurationError(
                f"the declared shape {'x'.join(map(str, shape))} contradicts the file, which has "
                f"{_spell(axes)}",
                where=f"input {name!r}",
                remedy="A fixed size may be worked into the graph, so that none is changed: "
                "declare only what the file leaves open, or export it with that axis dynamic.",
            )

    def _known(self, name: str, sizes: Mapping[str, Size]) -> Shape:
        axes = self.axes[name]
        shape = [sizes.get(axis) if isinstance(axis, str) else axis for axis in axes or (None,)]
        if any(size is None for size in shape):
            example = _example(axes)
            raise ConfigurationError(
                f"its shape {_spell(axes)} is dynamic",
                where=f"input {name!r}",
                remedy=f"Declare it, as in shape={name}:{example}; N is the workload's batch.",
            )
        return tuple(size for size in shape if size is not None)


def with_batch(shapes: Mapping[str, Shape], batch: int) -> dict[str, tuple[int, ...]]:
    """Return shapes with the workload's batch in place of `BATCH`.

    Raises:
        ConfigurationError: If the batch is another one than the model has.
    """
    fixed = not any(BATCH in shape for shape in shapes.values())
    if fixed and batch != 1 and any(shape[:1] != (batch,) for shape in shapes.values()):
        raise ConfigurationError(
            f"batch={batch} does not reach a model whose shapes are all fixed",
            remedy="Write N for the batch in shape=…, if the file leaves that axis open.",
        )
    return {
        name: tuple(batch if isinstance(size, str) else size for size in shape)
        for name, shape in shapes.items()
    }


def infer(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model with the type and shape of every tensor.

    Raises:
        ConfigurationError: Naming the node at which ONNX's inference finds a contradiction.
    """
    try:
        return shape_inference.infer_shapes(
            model, check_type=True, strict_mode=True, data_prop=True
        )
    except Exception as exc:  # what C++ throws arrives under several names
        if fault := _FAULT.search(str(exc)):
            operator, name, reason = fault.groups()
            raise ConfigurationError(
                _first_line(reason),
                where=f"node {name!r} ({operator})",
                remedy="Correct the model, or the shapes declared for its inputs.",
            ) from exc
        raise ConfigurationError(
            f"its shapes cannot be inferred: {_first_line(str(exc))}",
            remedy="Correct the model, or the shapes declared for its inputs.",
        ) from exc


def static_tensors(model: onnx.ModelProto) -> dict[str, Tensor]:
    """Return every tensor that a node yields, refusing those without a static shape.

    Raises:
        ConfigurationError: Naming the node whose output is dynamic, empty or absurdly large.
    """
    graph = model.graph
    known = {value.name: value for value in (*graph.value_info, *graph.output)}
    used = {name for node in graph.node for name in node.input} | {o.name for o in graph.output}
    tensors = {}
    for index, node in enumerate(graph.node):
        for name in node.output:
            if name and (name in known or name in used):
                value = known.get(name)
                try:
                    tensors[name] = tensor_of(name, value.type if value else onnx.TypeProto())
                except ConfigurationError as exc:
                    raise exc.at(describe(node, index)) from exc
    return tensors


def check_operands(model: onnx.ModelProto) -> None:
    """Refuse convolutions and reshapes whose operands do not fit, which inference lets pass.

    Raises:
        ConfigurationError: Naming the node.
    """
    graph = model.graph
    values = (*graph.input, *graph.value_info, *graph.output)
    sizes = {v.name: [axis.dim_value for axis in v.type.tensor_type.shape.dim] for v in values}
    sizes |= {tensor.name: list(tensor.dims) for tensor in graph.initializer}
    checks = {"Conv": _misfit_of_channels, "Reshape": _misfit_of_elements}
    for index, node in enumerate(graph.node):
        check = checks.get(node.op_type)
        if check and (misfit := check(node, sizes)):
            raise ConfigurationError(
                misfit,
                where=describe(node, index),
                remedy="Correct the model, or the shapes declared for its inputs.",
            )


def _misfit_of_channels(node: onnx.NodeProto, sizes: Mapping[str, list[int]]) -> str:
    groups = next((a.i for a in node.attribute if a.name == "group"), 1)
    cin, (cout, per_group) = sizes[node.input[0]][1], sizes[node.input[1]][:2]
    if groups >= 1 and cout % groups == 0 and per_group * groups == cin:
        return ""
    return (
        f"weights of {per_group} channels for {cout} outputs in {groups} groups do not fit an "
        f"input of {cin} channels"
    )


def _misfit_of_elements(node: onnx.NodeProto, sizes: Mapping[str, list[int]]) -> str:
    source, target = sizes[node.input[0]], sizes[node.output[0]]
    if math.prod(source) == math.prod(target):
        return ""
    spelled = ["x".join(map(str, shape)) for shape in (source, target)]
    return f"{spelled[0]} cannot become {spelled[1]}"


def tensor_of(name: str, type_: onnx.TypeProto) -> Tensor:
    """Return a tensor of a static and sensible shape.

    Raises:
        ConfigurationError: If it is no tensor, or its shape is dynamic, empty or absurdly large.
    """
    where = f"tensor {name!r}"
    if type_.WhichOneof("value") not in {"tensor_type", None}:
        kind = str(type_.WhichOneof("value")).removesuffix("_type")
        raise ConfigurationError(
            f"it is a {kind}", where=where, remedy="Export the model with tensors only."
        )
    proto = type_.tensor_type
    shape = [d.dim_value if d.HasField("dim_value") else -1 for d in proto.shape.dim]
    if not proto.HasField("shape") or min(shape, default=1) < 0:
        raise ConfigurationError(
            "its shape depends on the data or on sizes that nothing fixes",
            where=where,
            remedy="Declare the inputs' shapes, or export the model with static shapes.",
        )
    dtype = numpy_name(proto.elem_type)
    check_shape(shape, proto.elem_type, where)
    return Tensor(name=name, shape=tuple(shape), dtype=dtype)


def check_shape(shape: Sequence[int], data_type: int, where: str) -> None:
    """Refuse shapes that no layer of a network has.

    Raises:
        ConfigurationError: If the shape has no elements, too many axes or too many bytes.
    """
    spelled = "x".join(str(size) for size in shape)
    if 0 in shape or len(shape) > _RANK_LIMIT:
        what = "has no elements" if 0 in shape else f"has more than {_RANK_LIMIT} axes"
    elif size_bytes(data_type, shape) > TENSOR_LIMIT_BYTES:
        what = f"takes {size_bytes(data_type, shape)} bytes"
    else:
        return
    raise ConfigurationError(
        f"its shape {spelled} {what}",
        where=where,
        remedy="Correct the model, or the shapes declared for its inputs.",
    )


def weight_inputs(weights: Sequence[StoredWeight]) -> list[onnx.ValueInfoProto]:
    """Return what stands for weights that are left out of a graph."""
    return [helper.make_tensor_value_info(w.name, w.data_type, w.shape) for w in weights]


def element_type(value: onnx.ValueInfoProto) -> int:
    """Return an input's number format.

    Raises:
        ConfigurationError: If the input is no tensor of numbers.
    """
    if value.type.WhichOneof("value") != "tensor_type":
        raise ConfigurationError(
            "it is no tensor",
            where=f"input {value.name!r}",
            remedy="Export the model with tensors only.",
        )
    try:
        numpy_name(value.type.tensor_type.elem_type)
    except ConfigurationError as exc:
        raise exc.at(f"input {value.name!r}") from exc
    return int(value.type.tensor_type.elem_type)


def _axes(value: onnx.ValueInfoProto) -> tuple[Axis, ...] | None:
    """Return an input's sizes as its file has them, nothing where it does not even say how many."""
    tensor = value.type.tensor_type
    if not tensor.HasField("shape"):
        return None
    return tuple(
        axis.dim_value
        if axis.HasField("dim_value") and axis.dim_value > 0
        else None
        if axis.dim_param in _UNNAMED
        else axis.dim_param
        for axis in tensor.shape.dim
    )


def _example(axes: tuple[Axis, ...] | None) -> str:
    """Return a shape such as may be declared, sizes of images for images."""
    side = 224 if axes and len(axes) == 4 else 128  # noqa: PLR2004 - NCHW or NHWC
    return "x".join(
        str(axis if isinstance(axis, int) else side if place else BATCH)
        for place, axis in enumerate(axes or (None,))
    )


def _spell(axes: tuple[Axis, ...] | None) -> str:
    return "of unknown rank" if axes is None else "x".join(str(axis or "?") for axis in axes)


def _first_line(text: str) -> str:
    return text.strip().split("\n")[0][:300].rstrip(" .") or "no reason given"


NUMBERS_OF_FLOATS = {
    TensorProto.FLOAT,
    TensorProto.DOUBLE,
    TensorProto.FLOAT16,
    TensorProto.BFLOAT16,
}
"""Formats whose inputs are standard normal unless declared otherwise."""
