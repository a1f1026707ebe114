"""Activation memory of an execution order. Which order is best is searched for in `search`.

A buffer is alive from the node that writes it to the last one that reads it, a network's output to
the end, an input from the start (not-all-ops, Sec. 3: inputs, outputs, and what later nodes still
need). Nodes that only name elements anew (Reshape, Flatten …) share their input's buffer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from opscope.core.configuration import Precision
from opscope.cost.operators import VIEWS
from opscope.cost.reading import Dataflow, Node
from opscope.cost.weights import tensor_bytes


@dataclass(frozen=True, slots=True)
class Buffers:
    """The memory of a network, nodes and buffers by number.

    Attributes:
        names: The tensor each buffer was made for.
        sizes: Bytes of each buffer.
        writes: For each node, the buffers it writes.
        reads: For each node, the buffers it reads, each once.
        after: For each node, the nodes that must precede it.
        given: Buffers that are there before any node executes.
        kept: Buffers that stay to the end.
    """

    names: tuple[str, ...]
    sizes: tuple[int, ...]
    writes: tuple[tuple[int, ...], ...]
    reads: tuple[tuple[int, ...], ...]
    after: tuple[tuple[int, ...], ...]
    given: tuple[int, ...]
    kept: frozenset[int]


def buffers_of(flow: Dataflow, precision: Precision) -> Buffers:
    """Return the buffers of a network's activations."""
    layout = _Layout(flow, precision)
    for name in flow.inputs:
        layout.make(name)
    given = tuple(range(len(layout.names)))
    for number, node in enumerate(flow.nodes):
        layout.add(number, node)
    return Buffers(
        names=tuple(layout.names),
        sizes=tuple(layout.sizes),
        writes=tuple(layout.writes),
        reads=tuple(layout.reads),
        after=tuple(layout.after),
        given=given,
        kept=frozenset(layout.buffer[name] for name in flow.outputs if name in layout.buffer),
    )


class _Layout:
    """Buffers under construction."""

    def __init__(self, flow: Dataflow, precision: Precision) -> None:
        self.flow, self.precision = flow, precision
        self.buffer: dict[str, int] = {}
        self.producer: dict[str, int] = {}
        self.names: list[str] = []
        self.sizes: list[int] = []
        self.writes: list[tuple[int, ...]] = []
        self.reads: list[tuple[int, ...]] = []
        self.after: list[tuple[int, ...]] = []

    def make(self, name: str) -> int:
        size, kind = math.prod(self.flow.shapes[name]), self.flow.types.get(name, 1)
        self.buffer[name] = len(self.names)
        self.names.append(name)
        self.sizes.append(tensor_bytes(size, kind, self.precision))
        return self.buffer[name]

    def add(self, number: int, node: Node) -> None:
        flowing = [name for name in (*node.inputs, *node.captured) if name in self.buffer]
        before = {self.producer[name]: None for name in flowing if name in self.producer}
        self.after.append(tuple(before))
        self.reads.append(tuple(dict.fromkeys(self.buffer[name] for name in flowing)))
        outputs = [name for name in node.outputs if name]
        for name in outputs:
            self.producer[name] = number
        if node.operator in VIEWS and flowing:
            self.buffer[outputs[0]] = self.buffer[flowing[0]]
            outputs = outputs[1:]
        self.writes.append(tuple(self.make(name) for name in outputs))


def live_bytes(buffers: Buffers, order: Sequence[int]) -> list[int]:
    """Return the bytes alive while each node of ``order`` executes, its outputs included."""
    readers = _readers(buffers)
    sizes, kept = buffers.sizes, buffers.kept
    alive = sum(sizes[b] for b in buffers.given if readers[b] or b in kept)
    trace = []
    for node in order:
        written, read = buffers.writes[node], buffers.reads[node]
        for b in written:
            alive += sizes[b]
        trace.append(alive)
        for b in read:
            readers[b] -= 1
        for b in (*written, *read):
            if not readers[b] and b not in kept:
                alive -= sizes[b]
    return trace


def live_buffers(buffers: Buffers, order: Sequence[int], step: int) -> list[int]:
    """Return the buffers alive while the node at ``step`` of ``order`` executes."""
    readers = _readers(buffers)
    alive = {b for b in buffers.given if readers[b] or b in buffers.kept}
    for node in order[:step]:
        alive.update(buffers.writes[node])
        for b in buffers.reads[node]:
            readers[b] -= 1
        finished = (*buffers.writes[node], *buffers.reads[node])
        alive.difference_update(b for b in finished if not readers[b] and b not in buffers.kept)
    return sorted(alive.union(buffers.writes[order[step]]))


def _readers(buffers: Buffers) -> list[int]:
    readers = [0] * len(buffers.sizes)
    for read in buffers.reads:
        for b in read:
            readers[b] += 1
    return readers
