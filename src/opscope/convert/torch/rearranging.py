"""Operators that only move elements, or join them: shapes, slices, channels, means over axes."""

from __future__ import annotations

import operator
from collections.abc import Sequence

import torch

from opscope.convert.torch.construction import Construction, Convert, Step, Value


def _concat(construction: Construction, step: Step) -> Value:
    parts = [construction.value(name) for name in step.inputs]
    return construction.call(step, torch.cat, parts, dim=step.get("axis"))


def _flatten(construction: Construction, step: Step) -> Value:
    x = construction.value(step.inputs[0])
    if step.get("axis", 1) == 1:
        return construction.add(step, torch.nn.Flatten(), x)
    return _reshape(construction, step)


def _reshape(construction: Construction, step: Step) -> Value:
    """Every shape is static, so that all operators of this kind are one."""
    x = construction.value(step.inputs[0])
    return construction.call(step, torch.reshape, x, construction.shape(step.outputs[0]))


def _transpose(construction: Construction, step: Step) -> Value:
    x, rank = construction.value(step.inputs[0]), len(construction.shape(step.inputs[0]))
    return construction.call(step, torch.permute, x, step.get("perm") or [*range(rank)][::-1])


def _slice(construction: Construction, step: Step) -> Value:
    starts, ends = (construction.numbers(step, number) for number in (1, 2))
    axes = construction.numbers(step, 3) if step.has(3) else [*range(len(starts))]
    strides = construction.numbers(step, 4) if step.has(4) else [1] * len(starts)
    if min(strides) < 1:
        raise step.refuse("PyTorch slices forwards only")
    shape = construction.shape(step.inputs[0])
    pieces = [slice(None)] * len(shape)
    for axis, start, end, stride in zip(axes, starts, ends, strides, strict=True):
        pieces[axis] = slice(start, min(end, shape[axis]), stride)
    return construction.call(
        step, operator.getitem, construction.value(step.inputs[0]), tuple(pieces)
    )


def _split(construction: Construction, step: Step) -> list[Value]:
    axis = step.get("axis", 0)
    sizes = [construction.shape(name)[axis] for name in step.outputs]
    parts = construction.call(
        step, torch.split, construction.value(step.inputs[0]), sizes, dim=axis
    )
    return [construction.call(step, operator.getitem, parts, n) for n in range(len(sizes))]


def _mean(construction: Construction, step: Step) -> Value:
    axes: Sequence[int] = construction.numbers(step, 1) if step.has(1) else step.get("axes") or ()
    rank = len(construction.shape(step.inputs[0]))
    x, kept = construction.value(step.inputs[0]), bool(step.get("keepdims", 1))
    return construction.call(
        step, torch.mean, x, dim=tuple(axes) or tuple(range(rank)), keepdim=kept
    )


OPERATORS: dict[str, Convert] = {
    "Concat": _concat,
    "Flatten": _flatten,
    "ReduceMean": _mean,
    "Reshape": _reshape,
    "Slice": _slice,
    "Split": _split,
    "Squeeze": _reshape,
    "Transpose": _transpose,
    "Unsqueeze": _reshape,
}
