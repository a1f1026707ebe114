"""Counting: from an ONNX model or a graph to its cost. The rules of each part are imported."""

from __future__ import annotations

import math
from collections.abc import Sequence

import onnx

from opscope.core.configuration import Precision
from opscope.cost.memory import Buffers, buffers_of, live_buffers, live_bytes
from opscope.cost.operators import SELECTIONS, VIEWS, work
from opscope.cost.reading import Dataflow, Node, read
from opscope.cost.records import Cost, Layer, LiveTensor, Peak
from opscope.cost.search import best_order
from opscope.cost.weights import Role, role_of, tensor_bytes, weight_bytes
from opscope.errors import InputError
from opscope.graph.graph import Graph


def count(
    model: onnx.ModelProto | Graph,
    *,
    precision: Precision = Precision.FP32,
    order: Sequence[str] | None = None,
) -> Cost:
    """Count everything that can be counted of a model without running it.

    Args:
        model: Any ONNX model with static shapes, its weights in it or not, or a graph.
        precision: What the bytes of float32 tensors are counted at; other types keep their own.
        order: Names of the nodes in execution order; the model's own order unless given.

    Returns:
        The cost of one execution, batch included. MACs and operations follow the behaviour study,
        Table 3; peak memory not-all-ops, Sec. 3; density the backbone analysis, eq. 3.

    Raises:
        InputError: If a tensor has no static shape, a node lacks an input, or ``order`` is none.
    """
    flow = read(model)
    if order is not None:
        flow.nodes = _reorder(flow.nodes, order)
    buffers = buffers_of(flow, precision)
    given = range(len(flow.nodes))
    alive = live_bytes(buffers, given)
    tally = _Tally(flow, precision)
    layers = tuple([tally.layer(n, live) for n, live in zip(flow.nodes, alive, strict=True)])
    best, minimum = best_order(buffers, given)
    return _total(
        layers,
        precision,
        _peak(flow, buffers, best, live_bytes(buffers, best)),
        _peak(flow, buffers, given, alive),
        minimum=minimum,
    )


def count_layers(
    model: onnx.ModelProto | Graph, *, precision: Precision = Precision.FP32
) -> tuple[Layer, ...]:
    """Count each node in the model's own order, and leave out the search for a better one.

    Raises:
        InputError: As `count`.
    """
    flow = read(model)
    alive = live_bytes(buffers_of(flow, precision), range(len(flow.nodes)))
    tally = _Tally(flow, precision)
    return tuple([tally.layer(n, live) for n, live in zip(flow.nodes, alive, strict=True)])


def fits(cost: Cost, flash_bytes: int, sram_bytes: int) -> bool:
    """Tell whether the weights fit the flash and the peak activations the SRAM.

    The best order counts; the program itself, buffers of kernels and a runtime's own records do
    not. Source: not-all-ops, Sec. 3.
    """
    return cost.weight_bytes <= flash_bytes and cost.peak_activation_bytes <= sram_bytes


class _Tally:
    """Counts layer by layer; a weight that several nodes share counts at the first."""

    def __init__(self, flow: Dataflow, precision: Precision) -> None:
        self._flow, self._precision = flow, precision
        self._counted: set[str] = set()

    def layer(self, node: Node, live: int) -> Layer:
        """Return what a node costs, given the bytes alive while it executes."""
        flow = self._flow
        shapes, roots = flow.shapes, flow.roots
        flowing = [n for n in (*node.inputs, *node.captured) if n and n not in roots]
        outputs = [name for name in node.outputs if name]
        try:
            done = work(node, shapes)
        except (IndexError, KeyError, ValueError) as exc:
            raise InputError(
                "an input or a shape is not what the operator needs",
                where=f"node {node.name!r} ({node.operator})",
                remedy="Check the model with onnx.checker.",
            ) from exc
        macs, elementwise = done or (None, None)
        parameters, stored, read_elements, read_bytes = self._weights(node)
        elements, size = self._traffic(node, flowing, outputs)
        return Layer(
            name=node.name,
            operator=node.operator,
            inputs=tuple([shapes[name] for name in flowing]),
            outputs=tuple([shapes[name] for name in outputs]),
            macs=macs,
            elementwise_ops=elementwise,
            ops=sum(done) if done else None,
            parameters=parameters,
            weight_bytes=stored,
            memory_access_elements=elements + read_elements,
            memory_access_bytes=size + read_bytes,
            macs_per_output=macs / math.prod(shapes[outputs[0]]) if macs else None,
            live_bytes=live,
            uncounted="" if done else f"not counted: operator {node.operator}",
        )

    def _traffic(self, node: Node, flowing: list[str], outputs: list[str]) -> tuple[int, int]:
        """Return elements and bytes of the activations that a node reads and writes.

        Each tensor at its own size (behaviour study, Table 3).
        """
        if node.operator in VIEWS:
            return 0, 0
        reads = outputs if node.operator in SELECTIONS else flowing
        elements = size = 0
        for name in (*reads, *outputs):
            each = math.prod(self._flow.shapes[name])
            elements += each
            size += tensor_bytes(each, self._flow.types.get(name, 1), self._precision)
        return elements, size

    def _weights(self, node: Node) -> tuple[int, int, int, int]:
        """Return a node's new parameters and weight bytes, and elements and bytes it reads."""
        flow = self._flow
        parameters = stored = elements = size = 0
        for place, name in enumerate(node.inputs):
            if name not in flow.roots:
                continue
            shape, kind = flow.shapes.get(name, ()), flow.types.get(name, 1)
            role = role_of(node.operator, place, shape, kind)
            if role is Role.SETTING:
                continue
            if node.operator not in SELECTIONS:  # a selection reads what it puts out
                elements += math.prod(shape)
                size += weight_bytes(math.prod(shape), kind, self._precision, role)
            for root in flow.roots[name]:
                new_parameters, new_bytes = self._store(root, role)
                parameters += new_parameters
                stored += new_bytes
        return parameters, stored, elements, size

    def _store(self, root: str, role: Role) -> tuple[int, int]:
        if root in self._counted:
            return 0, 0
        self._counted.add(root)
        size, kind = math.prod(self._flow.shapes[root]), self._flow.types.get(root, 1)
        taken = weight_bytes(size, kind, self._precision, role)
        return (0 if role is Role.STATISTIC else size), taken


def _total(
    layers: tuple[Layer, ...], precision: Precision, peak: Peak, given: Peak, *, minimum: bool
) -> Cost:
    macs = sum([layer.macs or 0 for layer in layers])
    elementwise = sum([layer.elementwise_ops or 0 for layer in layers])
    elements = sum([layer.memory_access_elements for layer in layers])
    size = sum([layer.memory_access_bytes for layer in layers])
    outputs = sum([math.prod(layer.outputs[0]) for layer in layers if layer.macs])
    weights = sum([layer.weight_bytes for layer in layers])
    return Cost(
        precision=precision,
        macs=macs,
        elementwise_ops=elementwise,
        ops=macs + elementwise,
        parameters=sum([layer.parameters for layer in layers]),
        memory_access_elements=elements,
        memory_access_bytes=size,
        operational_density=(macs + elementwise) / size if size else None,
        data_reuse=(macs + elementwise) / elements if elements else None,
        macs_per_output=macs / outputs if outputs else None,
        weight_bytes=weights,
        peak_activation_bytes=peak.bytes,
        peak_activation_bytes_given_order=given.bytes,
        peak_is_minimum=minimum,
        memory_footprint_bytes=weights + peak.bytes,
        peak=peak,
        peak_given_order=given,
        layers=layers,
        uncounted=tuple([f"{la.uncounted} ({la.name})" for la in layers if la.uncounted]),
    )


def _peak(flow: Dataflow, buffers: Buffers, order: Sequence[int], alive: list[int]) -> Peak:
    names = tuple([flow.nodes[number].name for number in order])
    if not alive:
        return Peak(bytes=0, node="", tensors=(), order=())
    step = alive.index(max(alive))
    tensors = [
        LiveTensor(name=name, shape=flow.shapes[name], bytes=buffers.sizes[b])
        for b in live_buffers(buffers, order, step)
        for name in (buffers.names[b],)
    ]
    tensors.sort(key=lambda tensor: -tensor.bytes)
    return Peak(bytes=alive[step], node=names[step], tensors=tuple(tensors), order=names)


def _reorder(nodes: list[Node], order: Sequence[str]) -> list[Node]:
    """Return the nodes in ``order``, which must name each once, none before what it needs."""
    by_name = {node.name: node for node in nodes}
    if sorted(order) != sorted(by_name):
        repeated = [name for name in order if order.count(name) > 1]
        wrong = sorted(set(order) ^ set(by_name)) or repeated
        raise InputError(
            "an order names every node once",
            where=f"order, at {wrong[0]!r}",
            remedy="Take the names from a cost's layers.",
        )
    ordered = [by_name[name] for name in order]
    made = {name: node.name for node in nodes for name in node.outputs if name}
    done: set[str] = set()
    for node in ordered:
        for name in (*node.inputs, *node.captured):
            if name in made and made[name] not in done:
                raise InputError(
                    f"{node.name!r} needs {made[name]!r} first",
                    where="order",
                    remedy="Name a node after all those whose outputs it reads.",
                )
        done.add(node.name)
    return ordered
