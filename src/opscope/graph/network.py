"""Network: the layers that convolutional networks are made of, each a method that adds nodes.

BatchNorm and activations stay nodes of their own: fusing them is the platform's business, and
measuring that is ours. How a window slides over an image stands in `windows`; what is built from
layers (operators, blocks, networks) lives elsewhere.
"""

from __future__ import annotations

import math

from opscope.graph.activations import NODES, Activation
from opscope.graph.graph import Tensor
from opscope.graph.nodes import Nodes
from opscope.graph.weights import he_bound
from opscope.graph.windows import Padding, Pair, Window, pair

__all__ = ["Network", "Padding", "Pair"]


class Network(Nodes):
    """A graph under construction, layer by layer. Each method returns the tensor it yields."""

    def conv(
        self,
        x: Tensor,
        cout: int,
        k: Pair,
        *,
        s: Pair = 1,
        pad: Padding = None,
        groups: int = 1,
        dilation: int = 1,
        bias: bool = True,
    ) -> Tensor:
        """Add a 2-D convolution.

        Args:
            x: Input of shape (N, Cin, H, W).
            cout: Output channels.
            k: Kernel size.
            s: Stride.
            pad: Zeros around H and W.
            groups: Groups of channels that do not mix; Cin of them make it depthwise.
            dilation: Distance between the kernel's taps.
            bias: Whether a bias is added; leave it out before `batch_norm`.

        Returns:
            The output of shape (N, Cout, H', W').
        """
        name = self.name("Conv")
        kernel, cin = pair(k), x.channels // groups
        bound = he_bound(cin * math.prod(kernel))
        inputs = [x.name, self.weight(name, "weight", (cout, cin, *kernel), bound)]
        if bias:
            inputs.append(self.weight(name, "bias", (cout,), bound / 10))
        window = Window(kernel, pair(s), pad, dilation)
        return self.node(
            "Conv",
            inputs,
            (x.shape[0], cout, *window.output(x)),
            name=name,
            group=groups,
            dilations=[dilation] * 2,
            **window.attributes(),
        )

    def batch_norm(self, x: Tensor, *, scale: float = 1.0) -> Tensor:
        """Add an inference BatchNorm with random, never vanishing statistics; the shape stays.

        A scale left at zero, as residual networks are initialised, would let converters drop the
        whole branch. Since the statistics are not those of the input, a ``scale`` of 1 on every
        branch would let residual sums grow with depth, beyond FP16 by 30 of them.
        """
        name, shape = self.name("BatchNormalization"), (x.channels,)
        inputs = [
            x.name,
            self.weight(name, "scale", shape, scale / 4, centre=scale),
            self.weight(name, "bias", shape, 0.1),
            self.weight(name, "mean", shape, 0.1),
            self.weight(name, "variance", shape, 0.25, centre=1.0),
        ]
        return self.node("BatchNormalization", inputs, x.shape, name=name, epsilon=1e-5)

    def activate(self, x: Tensor, activation: Activation | str) -> Tensor:
        """Add an activation; the shape stays, and ``none`` adds nothing."""
        match Activation(activation):
            case Activation.NONE:
                return x
            case Activation.RELU6:
                bounds = [self.constant(0.0), self.constant(6.0)]
                return self.node("Clip", [x.name, *bounds], x.shape)
            case Activation.SWISH:
                return self.multiply(x, self.activate(x, Activation.SIGMOID))
            case single:
                operator, attributes = NODES[single]
                return self.node(operator, [x.name], x.shape, **attributes)

    def conv_bn(  # noqa: PLR0913 - those of a convolution, and one more
        self,
        x: Tensor,
        cout: int,
        k: Pair,
        *,
        s: Pair = 1,
        pad: Padding = None,
        groups: int = 1,
        dilation: int = 1,
        act: Activation | str = Activation.RELU,
        scale: float = 1.0,
    ) -> Tensor:
        """Add convolution without bias, BatchNorm and an activation; arguments as for those."""
        y = self.conv(x, cout, k, s=s, pad=pad, groups=groups, dilation=dilation, bias=False)
        return self.activate(self.batch_norm(y, scale=scale), act)

    def fully_connected(self, x: Tensor, cout: int, *, bias: bool = True) -> Tensor:
        """Add a fully connected layer from (N, Cin) to (N, Cout)."""
        name, (batch, cin) = self.name("Gemm"), x.shape
        bound = he_bound(cin)
        inputs = [x.name, self.weight(name, "weight", (cout, cin), bound)]
        if bias:
            inputs.append(self.weight(name, "bias", (cout,), bound / 10))
        return self.node("Gemm", inputs, (batch, cout), name=name, transB=1)

    def gru(
        self, x: Tensor, hidden: int, *, bidirectional: bool = False, last: bool = False
    ) -> Tensor:
        """Add gated recurrent units, their reset gate after the matrix product, with biases.

        Args:
            x: Input of shape (T, N, Cin): time first.
            hidden: Units per direction.
            bidirectional: Whether a second direction runs from the last step to the first.
            last: Yield only each direction's state after its last step.

        Returns:
            (T, N, F), or (N, F) with ``last``; F is ``hidden`` for each direction.
        """
        name, (steps, batch, cin), ways = self.name("GRU"), x.shape, 1 + bidirectional
        bound = hidden**-0.5  # as recurrent layers are initialised: gates stay out of saturation
        inputs = [
            x.name,
            self.weight(name, "weight", (ways, 3 * hidden, cin), bound),
            self.weight(name, "recurrence", (ways, 3 * hidden, hidden), bound),
            self.weight(name, "bias", (ways, 6 * hidden), bound),
        ]
        kept = (ways, batch, hidden) if last else (steps, ways, batch, hidden)
        y = self.node(
            "GRU",
            inputs,
            kept,
            name=name,
            skip=int(last),
            hidden_size=hidden,
            direction="bidirectional" if bidirectional else "forward",
            linear_before_reset=1,
        )
        if bidirectional:
            y = self.transpose(y, (1, 0, 2) if last else (0, 2, 1, 3))
        features = ways * hidden
        return self.reshape(y, (batch, features) if last else (steps, batch, features))

    def max_pool(
        self, x: Tensor, k: Pair, *, s: Pair = 1, pad: Padding = 0, ceil: bool = False
    ) -> Tensor:
        """Add max pooling; ``ceil`` rounds H' and W' up instead of down."""
        window = Window(pair(k), pair(s), pad, ceil=ceil)
        shape = (*x.shape[:2], *window.output(x))
        return self.node("MaxPool", [x.name], shape, ceil_mode=int(ceil), **window.attributes())

    def average_pool(
        self,
        x: Tensor,
        k: Pair,
        *,
        s: Pair = 1,
        pad: Padding = 0,
        ceil: bool = False,
        count_padding: bool = False,
    ) -> Tensor:
        """Add average pooling; padding counts as zeros only with ``count_padding``."""
        window = Window(pair(k), pair(s), pad, ceil=ceil)
        return self.node(
            "AveragePool",
            [x.name],
            (*x.shape[:2], *window.output(x)),
            ceil_mode=int(ceil),
            count_include_pad=int(count_padding),
            **window.attributes(),
        )

    def global_average_pool(self, x: Tensor) -> Tensor:
        """Add the mean over H and W: (N, C, H, W) to (N, C, 1, 1)."""
        return self.node("GlobalAveragePool", [x.name], (*x.shape[:2], 1, 1))

    def flatten(self, x: Tensor) -> Tensor:
        """Join all axes after the first: (N, …) to (N, product)."""
        return self.node("Flatten", [x.name], (x.shape[0], x.size // x.shape[0]), axis=1)

    def add(self, x: Tensor, y: Tensor) -> Tensor:
        """Add two tensors element by element, stretching axes of size 1."""
        return self._broadcast("Add", x, y)

    def multiply(self, x: Tensor, y: Tensor) -> Tensor:
        """Multiply two tensors element by element, stretching axes of size 1."""
        return self._broadcast("Mul", x, y)

    def concat(self, *tensors: Tensor) -> Tensor:
        """Join tensors along the channels."""
        first = tensors[0]
        channels = sum(tensor.channels for tensor in tensors)
        shape = (first.shape[0], channels, *first.shape[2:])
        return self.node("Concat", [tensor.name for tensor in tensors], shape, axis=1)

    def split(self, x: Tensor, *channels: int) -> list[Tensor]:
        """Cut a tensor along the channels into pieces of the given sizes, by one Slice each."""
        pieces, start = [], 0
        for size in channels:
            bounds = [self.constant([value]) for value in (start, start + size, 1)]
            shape = (x.shape[0], size, *x.shape[2:])
            pieces.append(self.node("Slice", [x.name, *bounds], shape))
            start += size
        return pieces

    def shuffle(self, x: Tensor, groups: int) -> Tensor:
        """Shuffle channels between groups by reshape, transpose, reshape (ShuffleNet, Sec. 3.1)."""
        batch, channels, h, w = x.shape
        apart = self.reshape(x, (batch, groups, channels // groups, h, w))
        swapped = self.transpose(apart, (0, 2, 1, 3, 4))
        return self.reshape(swapped, x.shape)

    def reshape(self, x: Tensor, shape: tuple[int, ...]) -> Tensor:
        """Give the same elements another shape."""
        return self.node("Reshape", [x.name, self.constant(list(shape))], shape)

    def transpose(self, x: Tensor, order: tuple[int, ...]) -> Tensor:
        """Put the axes into another order."""
        shape = tuple(x.shape[axis] for axis in order)
        return self.node("Transpose", [x.name], shape, perm=list(order))

    def pad(self, x: Tensor, top: int, left: int, bottom: int, right: int) -> Tensor:
        """Add zeros around H and W as a node of their own."""
        n, c, h, w = x.shape
        pads = self.constant([0, 0, top, left, 0, 0, bottom, right])
        return self.node("Pad", [x.name, pads], (n, c, h + top + bottom, w + left + right))

    def crop(self, x: Tensor, top: int, left: int, bottom: int = 0, right: int = 0) -> Tensor:
        """Cut rows and columns off H and W by one Slice."""
        n, c, h, w = x.shape
        bounds = ([top, left], [h - bottom, w - right], [2, 3])
        inputs = [x.name, *(self.constant(values) for values in bounds)]
        return self.node("Slice", inputs, (n, c, h - top - bottom, w - left - right))

    def softmax(self, x: Tensor) -> Tensor:
        """Add softmax over the last axis; the shape stays."""
        return self.node("Softmax", [x.name], x.shape, axis=-1)

    def _broadcast(self, operator: str, x: Tensor, y: Tensor) -> Tensor:
        shape = tuple(max(a, b) for a, b in zip(x.shape, y.shape, strict=True))
        return self.node(operator, [x.name, y.name], shape)
