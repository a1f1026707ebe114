"""TFLite operators that move elements without computing: reshape, pad, concatenate, slice."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from onnx import TensorProto

from opscope.errors import ConfigurationError
from opscope.graph.importers.tflite.arithmetic import activate
from opscope.graph.importers.tflite.builder import NCHW_AXIS, TO_NCHW, Builder
from opscope.graph.importers.tflite.reader import TfOperator

_END = 2**31 - 1


def _list(values: np.ndarray) -> list[int]:
    return [int(value) for value in np.atleast_1d(values)]


def _axis(axis: int, rank: int, *, nchw: bool) -> int:
    """Return where an axis of the file's layout is in the one at hand."""
    if not -rank <= axis < rank:
        raise ConfigurationError(f"axis {axis} is not one of {rank}")
    return NCHW_AXIS[axis % rank] if nchw else axis % rank


def _reshape(builder: Builder, operator: TfOperator) -> None:
    source, target = operator.inputs[0], operator.outputs[0]
    if len(operator.inputs) > 1 and not builder.is_constant(operator.inputs[1]):
        shape = builder.node("Cast", [builder.plain(operator.inputs[1])], to=TensorProto.INT64)
    elif len(operator.inputs) > 1:
        shape = builder.integers(_list(builder.known(operator.inputs[1])))
    elif operator.options is not None and operator.options.NewShapeLength():
        shape = builder.integers(_list(operator.options.NewShapeAsNumpy()))
    else:
        shape = builder.integers(builder.tensor(target).axes)
    value = builder.order_free(source)
    builder.give(target, builder.node("Reshape", [value, shape], allowzero=1), nchw=False)


def _squeeze(builder: Builder, operator: TfOperator) -> None:
    source = builder.tensor(operator.inputs[0])
    chosen = operator.options and operator.options.SqueezeDimsLength()
    axes = _list(operator.options.SqueezeDimsAsNumpy()) if chosen else []
    axes = [_axis(a, source.rank, nchw=False) for a in axes] or [
        i for i, size in enumerate(source.axes) if size == 1
    ]
    if builder.static:
        shape = [size for i, size in enumerate(source.axes) if i not in axes]
        value = builder.order_free(operator.inputs[0])
        result = builder.node("Reshape", [value, builder.integers(shape)])
    else:
        value = builder.plain(operator.inputs[0])
        result = builder.node("Squeeze", [value, builder.integers(axes)])
    builder.give(operator.outputs[0], result, nchw=False)


def _expand_dims(builder: Builder, operator: TfOperator) -> None:
    axis = builder.integers(_list(builder.known(operator.inputs[1]))[:1])
    value = builder.plain(operator.inputs[0])
    builder.give(operator.outputs[0], builder.node("Unsqueeze", [value, axis]), nchw=False)


def _transpose(builder: Builder, operator: TfOperator) -> None:
    order = _list(builder.known(operator.inputs[1]))
    if builder.is_constant(operator.inputs[0]):
        values = builder.known(operator.inputs[0])
        builder.remember(operator.outputs[0], values.transpose(order))
        return
    value = builder.plain(operator.inputs[0])
    result = builder.node("Transpose", [value], perm=order)
    builder.give(operator.outputs[0], result, nchw=False)


def _concatenation(builder: Builder, operator: TfOperator) -> None:
    nchw = builder.prefers_nchw(operator.inputs)
    rank = builder.tensor(operator.inputs[0]).rank
    axis = _axis(operator.options.Axis(), rank, nchw=nchw)
    values = [builder.value(index, nchw=nchw) for index in operator.inputs]
    result = builder.node("Concat", values, axis=axis)
    result = activate(builder, result, operator.options.FusedActivationFunction())
    builder.give(operator.outputs[0], result, nchw=nchw)


def _pad(builder: Builder, operator: TfOperator) -> None:
    """Add padding by zero, or by the third operand."""
    extra: list[str] = []
    if operator.name == "PADV2":
        fill = np.atleast_1d(builder.known(operator.inputs[2]))[0]
        extra = [builder.constant(np.array(fill, np.asarray(fill).dtype))]
    _add_pad(builder, operator, extra, "constant")


def _mirror_pad(builder: Builder, operator: TfOperator) -> None:
    if operator.options.Mode() != 0:
        raise ConfigurationError("symmetric padding has no counterpart in ONNX")
    _add_pad(builder, operator, [], "reflect")


def _add_pad(builder: Builder, operator: TfOperator, extra: Sequence[str], mode: str) -> None:
    nchw = builder.prefers_nchw(operator.inputs[:1])
    amounts = builder.known(operator.inputs[1]).astype(np.int64)
    if amounts.shape != (builder.tensor(operator.inputs[0]).rank, 2):
        raise ConfigurationError(f"its padding has the shape {amounts.shape}")
    amounts = amounts[list(TO_NCHW)] if nchw else amounts
    pads = builder.integers([*_list(amounts[:, 0]), *_list(amounts[:, 1])])
    value = builder.value(operator.inputs[0], nchw=nchw)
    result = builder.node("Pad", [value, pads, *extra], mode=mode)
    builder.give(operator.outputs[0], result, nchw=nchw)


def _slice(builder: Builder, operator: TfOperator) -> None:
    begin = _list(builder.known(operator.inputs[1]))
    size = _list(builder.known(operator.inputs[2]))
    end = [_END if n < 0 else b + n for b, n in zip(begin, size, strict=True)]
    value = builder.plain(operator.inputs[0])
    bounds = [builder.integers(numbers) for numbers in (begin, end, list(range(len(begin))))]
    builder.give(operator.outputs[0], builder.node("Slice", [value, *bounds]), nchw=False)


def _strided_slice(builder: Builder, operator: TfOperator) -> None:
    options = operator.options
    if options.EllipsisMask() or options.NewAxisMask() or options.Offset():
        raise ConfigurationError("slices with an ellipsis or new axes are not supported")
    begin, end, strides = (_list(builder.known(index)) for index in operator.inputs[1:4])
    shrunk = [axis for axis in range(len(begin)) if options.ShrinkAxisMask() >> axis & 1]
    for axis, stride in enumerate(strides):
        if axis in shrunk:
            end[axis] = begin[axis] + 1 or _END
            strides[axis] = 1
            continue
        if options.BeginMask() >> axis & 1:
            begin[axis] = 0 if stride > 0 else _END
        if options.EndMask() >> axis & 1:
            end[axis] = _END if stride > 0 else -_END
    parts = (begin, end, list(range(len(begin))), strides)
    value = builder.plain(operator.inputs[0])
    result = builder.node("Slice", [value, *(builder.integers(part) for part in parts)])
    if shrunk:
        result = builder.node("Squeeze", [result, builder.integers(shrunk)])
    builder.give(operator.outputs[0], result, nchw=False)


def _split(builder: Builder, operator: TfOperator) -> None:
    """Add a split into equal parts; the axis is the first operand."""
    axis = _list(builder.known(operator.inputs[0]))[0]
    _add_split(builder, operator, operator.inputs[1], axis, None)


def _split_v(builder: Builder, operator: TfOperator) -> None:
    """Add a split into parts of given sizes, of which one may be left to follow from the rest."""
    sizes = _list(builder.known(operator.inputs[1]))
    axis = _list(builder.known(operator.inputs[2]))[0]
    if sizes.count(-1) == 1:
        axes = builder.tensor(operator.inputs[0]).axes
        sizes[sizes.index(-1)] = axes[_axis(axis, len(axes), nchw=False)] - sum(sizes) - 1
    _add_split(builder, operator, operator.inputs[0], axis, sizes)


def _add_split(
    builder: Builder, operator: TfOperator, source: int, axis: int, sizes: list[int] | None
) -> None:
    nchw = builder.prefers_nchw([source])
    axis = _axis(axis, builder.tensor(source).rank, nchw=nchw)
    count = len(operator.outputs)
    value = builder.value(source, nchw=nchw)
    if sizes is None:
        name = builder.node("Split", [value], count, axis=axis, num_outputs=count)
    else:
        name = builder.node("Split", [value, builder.integers(sizes)], count, axis=axis)
    for i, index in enumerate(operator.outputs):
        builder.give(index, name if count == 1 else f"{name}.{i}", nchw=nchw)


def _pack(builder: Builder, operator: TfOperator) -> None:
    axis = _axis(operator.options.Axis(), builder.tensor(operator.outputs[0]).rank, nchw=False)
    at = builder.integers([axis])
    values = [builder.node("Unsqueeze", [builder.plain(i), at]) for i in operator.inputs]
    builder.give(operator.outputs[0], builder.node("Concat", values, axis=axis), nchw=False)


def _unpack(builder: Builder, operator: TfOperator) -> None:
    source, count = operator.inputs[0], len(operator.outputs)
    axis = _axis(operator.options.Axis(), builder.tensor(source).rank, nchw=False)
    name = builder.node("Split", [builder.plain(source)], count, axis=axis, num_outputs=count)
    for i, index in enumerate(operator.outputs):
        part = name if count == 1 else f"{name}.{i}"
        result = builder.node("Squeeze", [part, builder.integers([axis])])
        builder.give(index, result, nchw=False)


def _gather(builder: Builder, operator: TfOperator) -> None:
    if operator.options and operator.options.BatchDims():
        raise ConfigurationError("gathering by batch is not supported")
    axis = operator.options.Axis() if operator.options else 0
    values = [builder.plain(index) for index in operator.inputs]
    builder.give(operator.outputs[0], builder.node("Gather", values, axis=axis), nchw=False)


def _tile(builder: Builder, operator: TfOperator) -> None:
    repeats = builder.integers(_list(builder.known(operator.inputs[1])))
    value = builder.plain(operator.inputs[0])
    builder.give(operator.outputs[0], builder.node("Tile", [value, repeats]), nchw=False)


def _shape(builder: Builder, operator: TfOperator) -> None:
    output = builder.tensor(operator.outputs[0])
    result = builder.node("Shape", [builder.plain(operator.inputs[0])])
    if output.data_type != TensorProto.INT64:
        result = builder.node("Cast", [result], to=output.data_type)
    builder.give(operator.outputs[0], result, nchw=False)


HANDLERS: Mapping[str, Callable[[Builder, TfOperator], None]] = {
    "CONCATENATION": _concatenation,
    "EXPAND_DIMS": _expand_dims,
    "GATHER": _gather,
    "MIRROR_PAD": _mirror_pad,
    "PACK": _pack,
    "PAD": _pad,
    "PADV2": _pad,
    "RESHAPE": _reshape,
    "SHAPE": _shape,
    "SLICE": _slice,
    "SPLIT": _split,
    "SPLIT_V": _split_v,
    "SQUEEZE": _squeeze,
    "STRIDED_SLICE": _strided_slice,
    "TILE": _tile,
    "TRANSPOSE": _transpose,
    "UNPACK": _unpack,
}
