"""What changes shapes in TFLite and computes nothing: reshaping, transposing, joining, cutting."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from msgspec.structs import replace

from opscope.convert.tflite import layout
from opscope.convert.tflite.builder import Builder, Value

_END = 2**31


def _reshape(builder: Builder) -> None:
    """Add a RESHAPE; axes that are joined are brought together first, if they are apart."""
    node = builder.node
    x, shape = builder.take(node.input[0]), builder.shape(node.output[0])
    before, after = layout.reshaped(x.shape, x.order, shape)
    if before != x.order and _feeds_matrices(builder):
        y = builder.reshape(x, shape, layout.plain(len(shape)), node.name)
        builder.give(replace(y, columns=_columns(x)))
        return
    builder.give(builder.reshape(builder.ordered(x, before), shape, after, node.name))


def _feeds_matrices(builder: Builder) -> bool:
    """Whether rows of joined axes go nowhere but into matrices whose weights can follow."""
    name = builder.node.output[0]
    batch, *rest = builder.shape(name)
    consumers = builder.consumers(name)
    return (
        len(rest) == 1
        and batch == builder.shape(builder.node.input[0])[0]
        and builder.take(builder.node.input[0]).order[0] == 0
        and builder.is_inner(name)
        and all(
            node.op_type in {"Gemm", "MatMul"}
            and node.input[0] == name
            and builder.is_matrix(node.input[1])
            for node in consumers
        )
    )


def _columns(x: Value) -> np.ndarray:
    """Return where each element of a row as stored is in ONNX."""
    places = np.arange(int(np.prod(x.shape[1:]))).reshape(x.shape[1:])
    return places.transpose([axis - 1 for axis in x.order[1:]]).reshape(-1)


def _transpose(builder: Builder) -> None:
    """Add nothing: what needs the new order moves the elements."""
    node = builder.node
    x = builder.take(node.input[0])
    perm = builder.attribute("perm") or list(range(len(x.shape)))[::-1]
    builder.give(
        replace(
            x,
            shape=layout.stored(x.shape, tuple(perm)),
            order=layout.transposed(x.order, perm),
            moved=(*x.moved, node.name),
            code="",  # others may need its maker as it is
        )
    )


def _identity(builder: Builder) -> None:
    builder.give(replace(builder.take(builder.node.input[0]), code=""))


def _concat(builder: Builder) -> None:
    node = builder.node
    values = [builder.take(name) for name in node.input]
    order = values[0].order
    shape, axis = builder.shape(node.output[0]), builder.attribute("axis")
    builder.give(
        builder.add(
            "CONCATENATION",
            [builder.ordered(value, order).index for value in values],
            *(shape, order, "ConcatenationOptions"),
            axis=order.index(axis % len(shape)),
        )
    )


def _slice(builder: Builder) -> None:
    """Add SLICE, or STRIDED_SLICE where elements are skipped."""
    x = builder.take(builder.node.input[0])
    starts, ends = (builder.constant(position).tolist() for position in (1, 2))
    rank = len(x.shape)
    given = (builder.optional(position) for position in (3, 4))
    axes, steps = (None if values is None else values.tolist() for values in given)
    bounds = {axis: (0, size, 1) for axis, size in enumerate(x.shape)}
    for number, axis in enumerate(axes or range(len(starts))):
        place, step = axis % rank, steps[number] if steps else 1
        if step < 0:
            raise builder.refuse("it runs backwards")
        chosen = slice(starts[number], min(ends[number], _END), step)
        bounds[place] = chosen.indices(x.shape[place])
    builder.give(cut(builder, x, bounds))


def cut(
    builder: Builder, x: Value, bounds: Mapping[int, tuple[int, int, int]], name: str = ""
) -> Value:
    """Add what cuts a piece out of a value: first, end and step for each axis of ONNX."""
    shape = tuple(len(range(*bounds[axis])) for axis in range(len(x.shape)))
    first, ends, steps = zip(*(bounds[axis] for axis in x.order), strict=True)
    constant = builder.writer.constant
    if all(step == 1 for step in steps):
        sizes = layout.stored(shape, x.order)
        inputs = [x.index, constant(first), constant(sizes)]
        return builder.add("SLICE", inputs, shape, x.order, "SliceOptions", name=name)
    inputs = [x.index, constant(first), constant(ends), constant(steps)]
    return builder.add("STRIDED_SLICE", inputs, shape, x.order, "StridedSliceOptions", name=name)


def _split(builder: Builder) -> None:
    """Add a SLICE for each piece."""
    node = builder.node
    x = builder.take(node.input[0])
    axis = builder.attribute("axis", 0) % len(x.shape)
    start = 0
    for position, name in enumerate(node.output):
        end = start + builder.shape(name)[axis]
        bounds = {n: (0, size, 1) for n, size in enumerate(x.shape)} | {axis: (start, end, 1)}
        builder.give(cut(builder, x, bounds, f"{node.name}/{position}"), position)
        start = end


def _pad(builder: Builder) -> None:
    node = builder.node
    x = builder.take(node.input[0])
    if (builder.attribute("mode") or b"constant") != b"constant":
        raise builder.refuse("it repeats elements")
    given = builder.attribute("pads")
    pads = builder.constant(1).tolist() if given is None else given
    fill = builder.optional(2)
    axes = builder.optional(3)
    around = _around(pads, len(x.shape), None if axes is None else axes.tolist())
    if any(zeros < 0 for pair in around for zeros in pair):
        raise builder.refuse("it cuts elements off")
    shape = [size + sum(pair) for size, pair in zip(x.shape, around, strict=True)]
    inputs = [x.index, builder.writer.constant([around[axis] for axis in x.order])]
    if fill is not None and float(fill):
        inputs.append(builder.floats(float(fill)))
        builder.give(builder.add("PADV2", inputs, shape, x.order, "PadV2Options"))
    else:
        builder.give(builder.add("PAD", inputs, shape, x.order, "PadOptions"))


def _around(pads: Sequence[int], rank: int, axes: Sequence[int] | None) -> list[tuple[int, int]]:
    """Return what is added before and after each axis."""
    around = [(0, 0)] * rank
    chosen = range(rank) if axes is None else axes
    half = len(pads) // 2
    for axis, before, after in zip(chosen, pads[:half], pads[half:], strict=True):
        around[axis % rank] = (before, after)
    return around


HANDLERS: Mapping[str, Callable[[Builder], None]] = {
    "Concat": _concat,
    "Dropout": _identity,
    "Flatten": _reshape,
    "Identity": _identity,
    "Pad": _pad,
    "Reshape": _reshape,
    "Slice": _slice,
    "Split": _split,
    "Squeeze": _reshape,
    "Transpose": _transpose,
    "Unsqueeze": _reshape,
}
