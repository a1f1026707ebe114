"""What counting yields: a network's cost, its layers and its peak memory. No arithmetic here."""

from __future__ import annotations

from opscope.core.configuration import Precision
from opscope.core.record import Record

Shape = tuple[int, ...]


class Layer(Record, frozen=True, kw_only=True):
    """What one node costs.

    Attributes:
        name: The node's name.
        operator: Its ONNX operator, with the domain in front unless it is ONNX's own.
        inputs: Shapes of the tensors that flow into it; weights are not among them.
        outputs: Shapes of the tensors it yields.
        macs: Multiply-accumulates; None where the operator's are not known.
        elementwise_ops: Operations on single elements; None where they are not known.
        ops: Both together; None where they are not known.
        parameters: Trainable parameters it is the first node to use.
        weight_bytes: Memory of all the weights it is the first node to use.
        memory_access_elements: Elements of inputs and weights read and of outputs written.
        memory_access_bytes: The same in bytes.
        macs_per_output: MACs per output element (not-all-ops, Fig. 2); None without any MACs.
        live_bytes: Activations in memory while it executes, in the given order.
        uncounted: Why ``macs``, ``elementwise_ops`` and ``ops`` are None; empty otherwise.
    """

    name: str
    operator: str
    inputs: tuple[Shape, ...]
    outputs: tuple[Shape, ...]
    macs: int | None
    elementwise_ops: int | None
    ops: int | None
    parameters: int
    weight_bytes: int
    memory_access_elements: int
    memory_access_bytes: int
    macs_per_output: float | None
    live_bytes: int
    uncounted: str = ""


class LiveTensor(Record, frozen=True, kw_only=True):
    """A tensor that occupies memory."""

    name: str
    shape: Shape
    bytes: int


class Peak(Record, frozen=True, kw_only=True):
    """Where in an execution order the activations need most memory (not-all-ops, Sec. 3).

    Attributes:
        bytes: The memory they need there.
        node: The node that executes there, the first such; empty if there is none.
        tensors: The tensors in memory there, largest first.
        order: The execution order, by node name.
    """

    bytes: int
    node: str
    tensors: tuple[LiveTensor, ...]
    order: tuple[str, ...]


class Cost(Record, frozen=True, kw_only=True):
    """What can be counted of a network without running it, batch included.

    Attributes:
        precision: The number format whose bytes are counted.
        macs: Multiply-accumulates, 1 each; a lower bound if anything is ``uncounted``.
        elementwise_ops: Operations on single elements; a lower bound likewise.
        ops: ``macs + elementwise_ops`` (behaviour study, Table 3).
        parameters: Trainable parameters; the running mean and variance of BatchNorm are none.
        memory_access_elements: Elements read and written, node by node (Table 3's ``mac``).
        memory_access_bytes: The same in bytes.
        operational_density: Operations per byte (backbone analysis, eq. 3); None without access.
        data_reuse: Operations per element (behaviour study, Sec. 3.3); None without access.
        macs_per_output: MACs per element that nodes with MACs put out; None without any MACs.
        weight_bytes: Memory of all weights, statistics of BatchNorm included.
        peak_activation_bytes: Peak memory of activations in the best order found.
        peak_activation_bytes_given_order: The same in the given order.
        peak_is_minimum: Whether no order whatever needs less than the best one found.
        memory_footprint_bytes: Weights and the best order's peak together (not-all-ops, Sec. 3).
        peak: Where the peak is in the best order found.
        peak_given_order: Where it is in the given order.
        layers: The nodes in the given order.
        uncounted: What is not in ``macs``, ``elementwise_ops`` and ``ops``, a reason each.
    """

    precision: Precision
    macs: int
    elementwise_ops: int
    ops: int
    parameters: int
    memory_access_elements: int
    memory_access_bytes: int
    operational_density: float | None
    data_reuse: float | None
    macs_per_output: float | None
    weight_bytes: int
    peak_activation_bytes: int
    peak_activation_bytes_given_order: int
    peak_is_minimum: bool
    memory_footprint_bytes: int
    peak: Peak
    peak_given_order: Peak
    layers: tuple[Layer, ...]
    uncounted: tuple[str, ...] = ()
