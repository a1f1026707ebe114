"""Stacking: networks of n copies of one layer, from which its time inside a network is derived.

Three forms, so that each kind of layer meets what it would meet inside a network. Which stacks
are compared with which is said in `stacks`; docs/decisions/0003-layer-latency.md says why.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from opscope.core.configuration import Configuration
from opscope.errors import ConfigurationError
from opscope.graph.design import Design
from opscope.graph.graph import Graph, Tensor
from opscope.graph.network import Network
from opscope.graph.operators.base import Layer

_STEM_CHANNELS = 3
_IMAGE = 4
"""Axes of an image or feature map."""


class Form(StrEnum):
    """How copies are put together."""

    CHAIN = "chain"
    """Each copy takes what the one before yields: for layers on feature maps that keep the shape,
    and for those without weights that runtimes keep apart."""
    FAN = "fan"
    """All copies, their weights different, take the same tensor: for those that change the shape,
    and for fully connected ones, of which runtimes make one step if they follow on each other."""
    RIBS = "ribs"
    """Each copy takes another tensor off a spine of max poolings: for those that a runtime would
    merge with one another or, having no weights, take for one and the same."""


def layer_of(design: Design, configuration: Configuration) -> Layer:
    """Return ``design`` if it is a layer, which alone can be stacked.

    Raises:
        ConfigurationError: If it is a whole network.
    """
    if not isinstance(design, Layer):
        raise ConfigurationError(
            "a whole network cannot be stacked",
            where=str(configuration),
            remedy="Leave copies out: its call latency is its latency.",
        )
    return design


def output_of(layer: Layer, batch: int) -> Tensor:
    """Return what one layer by itself yields."""
    return layer.graph(batch).outputs[0]


def form_of(layer: Layer, batch: int) -> Form:
    """Return how copies of ``layer`` are put together."""
    graph, before = layer.graph(batch), layer.input_shape(batch)
    kept, weighted = graph.outputs[0].shape == before, bool(graph.weights)
    if layer.fusible or not (kept or weighted):
        return Form.RIBS
    return Form.CHAIN if kept and (len(before) == _IMAGE or not weighted) else Form.FAN


def stack(layer: Layer, batch: int, copies: int) -> Graph:
    """Return the checked graph of ``copies`` copies of ``layer``, their weights not yet drawn.

    The names of a copy's nodes begin with ``copy0/``, ``copy1/`` and so on. Feature maps come from
    a 1×1 convolution of a picture of 3 channels and end in a global average pooling, so that they
    are in the runtime's own layout and none is brought into another at the boundary.
    """
    net = _Stack()
    x = net.input(layer.input_shape(batch))
    match form_of(layer, batch):
        case Form.CHAIN:
            for number in range(copies):
                with net.within(f"copy{number}"):
                    x = layer.layers(net, x)
            ends = [net.reduce(x)]
        case Form.FAN:
            ends = [net.end(layer, x, number) for number in range(copies)]
        case Form.RIBS:
            ends = []
            for number in range(copies):
                with net.within(f"spine{number}"):
                    x = net.max_pool(x, 3, pad=1)
                ends.append(net.end(layer, x, number))
    return net.finish(net.join(ends))


class _Stack(Network):
    """A network of copies: nodes named by the copy they are in, inputs shared by all copies."""

    def __init__(self) -> None:
        super().__init__()
        self._prefix = ""
        self._taken: dict[str, Tensor] = {}

    @contextmanager
    def within(self, part: str) -> Iterator[None]:
        """Name the nodes added meanwhile after ``part``."""
        outer, self._prefix = self._prefix, f"{part}/"
        yield
        self._prefix = outer

    def name(self, operator: str) -> str:
        """Return a fresh name within the part that is being built."""
        number = self._counts[self._prefix + operator]
        self._counts[self._prefix + operator] += 1
        return f"{self._prefix}{operator.lower()}{number}"

    def input(self, shape: tuple[int, ...], name: str = "input") -> Tensor:
        """Return the tensor of that name, a feature map by way of a 1×1 convolution."""
        if name not in self._taken:
            if len(shape) == _IMAGE:
                picture = super().input((shape[0], _STEM_CHANNELS, *shape[2:]), name)
                with self.within("stem"):
                    self._taken[name] = self.conv(picture, shape[1], 1)
            else:
                self._taken[name] = super().input(shape, name)
        return self._taken[name]

    def end(self, layer: Layer, x: Tensor, number: int) -> Tensor:
        """Add a copy that takes ``x`` and leads nowhere, and return the little that is left."""
        with self.within(f"copy{number}"):
            y = layer.layers(self, x)
        with self.within(f"end{number}"):
            return self.reduce(y)

    def reduce(self, x: Tensor) -> Tensor:
        """Make a feature map small, in whichever layout it is; others are small already."""
        pooled = len(x.shape) != _IMAGE or x.shape[2:] == (1, 1)
        return x if pooled else self.global_average_pool(x)

    def join(self, ends: list[Tensor]) -> Tensor:
        """Return all ends as one output."""
        first = ends[0]
        if len(ends) == 1:
            return first
        axis = 1 if len(first.shape) == _IMAGE else 0  # which runtimes do in their own layouts
        shape = list(first.shape)
        shape[axis] *= len(ends)
        return self.node("Concat", [end.name for end in ends], tuple(shape), axis=axis)
