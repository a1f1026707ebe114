"""Layouts: in which order a TFLite file stores the axes of an ONNX tensor. Tuples in, tuples out.

An order names, for each axis as stored, the axis of the ONNX tensor: (0, 2, 3, 1) stores NCHW as
NHWC. Axes of size 1 may stand anywhere without moving an element.
"""

from __future__ import annotations

from collections.abc import Sequence

Order = tuple[int, ...]

NHWC: Order = (0, 2, 3, 1)
IMAGE_RANK = len(NHWC)


def plain(rank: int) -> Order:
    """Return the order of ONNX itself."""
    return tuple(range(rank))


def usual(rank: int) -> Order:
    """Return the order in which inputs and outputs are stored: images as NHWC."""
    return NHWC if rank == IMAGE_RANK else plain(rank)


def stored(shape: Sequence[int], order: Order) -> tuple[int, ...]:
    """Return the shape as it is stored."""
    return tuple(shape[axis] for axis in order)


def transposed(order: Order, perm: Sequence[int]) -> Order:
    """Return the order of a transposed tensor whose elements stay where they are."""
    return tuple(list(perm).index(axis) for axis in order)


def same_elements(shape: Sequence[int], one: Order, other: Order) -> bool:
    """Whether two orders store the elements alike, the axes of size 1 aside."""
    return _moving(shape, one) == _moving(shape, other)


def reshaped(shape: Sequence[int], order: Order, target: Sequence[int]) -> tuple[Order, Order]:
    """Return the order a tensor must be stored in to be reshaped, and that of the result.

    The first is ``order`` itself where the axes that are joined or cut lie together already:
    joining channels of groups, for one, needs nothing of height and width.
    """
    groups = _groups(shape, target)
    group_of = {axis: number for number, (before, _) in enumerate(groups) for axis in before}
    sequence = dict.fromkeys(group_of[axis] for axis in _moving(shape, order))
    before = tuple(axis for number in sequence for axis in groups[number][0])
    after = tuple(axis for number in sequence for axis in groups[number][1])
    rank = len(target)
    return (
        _complete(shape, before, (order,)),
        _complete(target, after, (usual(rank), plain(rank))),
    )


def _moving(shape: Sequence[int], order: Order) -> Order:
    return tuple(axis for axis in order if shape[axis] != 1)


def _complete(shape: Sequence[int], sequence: Order, wishes: Sequence[Order]) -> Order:
    """Return ``sequence`` with the axes of size 1, in the first of the wished orders that fits."""
    for wish in wishes:
        if _moving(shape, wish) == sequence:
            return wish
    return tuple(axis for axis, size in enumerate(shape) if size == 1) + sequence


def _groups(shape: Sequence[int], target: Sequence[int]) -> list[tuple[Order, Order]]:
    """Return the smallest groups of neighbouring axes that hold the same elements."""
    groups: list[tuple[Order, Order]] = []
    waiting = [axis for axis, size in enumerate(target) if size != 1]
    before: Order = ()
    elements = 1
    for axis in _moving(shape, plain(len(shape))):
        before, elements = (*before, axis), elements * shape[axis]
        after: Order = ()
        left = elements
        for other in waiting:
            if left == 1 or left % target[other]:
                break
            left //= target[other]
            after = (*after, other)
        if left == 1:
            groups.append((before, after))
            waiting = waiting[len(after) :]
            before, elements = (), 1
    return groups
