"""Stacks: which call latencies a layer's latency is made of. How a stack is built lies beside."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator

import onnx
from msgspec.structs import replace

from opscope.core.configuration import Configuration, Workload
from opscope.core.record import Record
from opscope.errors import ConfigurationError
from opscope.graph.catalogue import design_of
from opscope.graph.graph import Graph
from opscope.graph.operators.base import Layer
from opscope.graph.operators.pooling import GlobalPool, MaxPool
from opscope.graph.stacking import Form, form_of, layer_of, output_of

DEPTHS = (2, 8)
"""Copies in the shallow and in the deep stack, unless the limits below ask for fewer."""

WEIGHTS_LIMIT_BYTES = 256 * 1024**2
"""Weights in the deep stack."""

WORK_LIMIT = 1_200_000_000
"""MACs in the deep stack, an element that flows counted as ten: some 12 ms of a core with AVX-512.
Of much longer calls none is undisturbed on a machine that others use."""

_MACS_PER_ELEMENT = 10
_IMAGE = 4


class Term(Record, frozen=True, kw_only=True):
    """One of the call latencies that add up to a layer latency, and how often it counts."""

    workload: Workload
    coefficient: float


def stackable(configuration: Configuration) -> bool:
    """Say whether a configuration is a layer, which has a latency inside a network."""
    return isinstance(design_of(configuration), Layer)


def layer_terms(workload: Workload, *, depths: tuple[int, int] | None = None) -> tuple[Term, ...]:
    """Return the stacks whose call latencies, each times its coefficient, add up to a layer's.

    The difference of two depths, divided by it, is one copy: the layer itself in a chain; in a
    fan with the pooling that ends it; on ribs with a piece of the spine as well. Those are
    taken off by the same difference of stacks of nothing else.

    Args:
        workload: An operator or block.
        depths: Copies in the shallow and in the deep stack; `depths_for` the layer if left out.

    Raises:
        ConfigurationError: If the workload is a whole network or already a stack.

    Source: Tang et al., behaviour study, Appendix A (40 and 10 layers).
    """
    if workload.copies:
        raise ConfigurationError(
            "a stack is no layer",
            where=str(workload),
            remedy="Leave copies out; layer latency chooses them.",
        )
    layer = layer_of(design_of(workload.configuration), workload.configuration)
    shallow, deep = depths or depths_for(layer.graph(workload.batch))
    coefficients: dict[Workload, float] = defaultdict(float)
    for configuration, sign in _parts(layer, workload):
        for copies, share in ((deep, sign), (shallow, -sign)):
            term = replace(workload, configuration=configuration, copies=copies)
            coefficients[term] += share / (deep - shallow)
    return tuple(Term(workload=w, coefficient=c) for w, c in coefficients.items() if c)


def depths_for(layer: Graph) -> tuple[int, int]:
    """Return how many copies of a layer the shallow and the deep stack have: fewer of heavy ones.

    At least two in the deep one, and a fourth of them in the shallow one.
    """
    by_weights = WEIGHTS_LIMIT_BYTES // max(1, 4 * layer.parameters)
    by_work = WORK_LIMIT // max(1, _macs(layer) + _MACS_PER_ELEMENT * layer.activations)
    shallow, deep = DEPTHS
    deep = max(2, min(deep, by_weights, by_work))
    return min(shallow, max(1, deep // 4)), deep


def _macs(layer: Graph) -> int:
    """Return the MACs of matrices of weights: each weight once for each position of its output."""
    graph = onnx.ModelProto.FromString(layer.structure).graph
    positions = {}
    for value in (*graph.value_info, *graph.output):
        n, _, *sides = (axis.dim_value for axis in value.type.tensor_type.shape.dim)
        positions[value.name] = n * math.prod(sides)
    return sum(
        weight.size * positions.get(weight.name.rpartition(".")[0], 1)
        for weight in layer.weights
        if len(weight.shape) > 1
    )


def _parts(layer: Layer, workload: Workload) -> Iterator[tuple[Configuration, int]]:
    """Yield what to take the difference of two depths of, and its sign."""
    yield workload.configuration, 1
    before, after = layer.input_shape(workload.batch), output_of(layer, workload.batch).shape
    form = form_of(layer, workload.batch)
    if form is Form.RIBS:
        yield _spine(before), -1
    if form is not Form.CHAIN and len(after) == _IMAGE and after[2:] != (1, 1):
        _, c, h, w = after
        yield GlobalPool(h=h, w=w, c=c).configuration(), -1
        yield _spine(after), 1


def _spine(shape: tuple[int, ...]) -> Configuration:
    """Return the max pooling that a spine for tensors of ``shape`` is a chain of."""
    _, c, h, w = shape
    return MaxPool(h=h, w=w, c=c, k=3, pad=1).configuration()
